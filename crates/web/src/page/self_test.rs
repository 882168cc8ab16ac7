//! The page's test of itself, for an address that ends in `?test`: it trains, draws with a pointer's events, and tells its
//! server what came of it.

use js_sys::{Array, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{PointerEvent, PointerEventInit, RequestInit};

use super::{Shared, click};
use crate::browser::{Failure, Result, sleep, window};
use crate::drawing::Drawing;
use crate::samples::drawings;

/// The accuracy that is waited for, and the epochs after which it is no longer.
const ACCURACY: f64 = 0.95;
const EPOCHS: f64 = 4.0;
/// Gaps that are told one by one, in milliseconds.
const LONG: f64 = 50.0;

/// Whether the page's address asks for its test.
pub fn is_wanted() -> bool {
    let search = window().and_then(|window| Ok(window.location().search()?));
    search.is_ok_and(|search| search.trim_start_matches('?').split('&').any(|word| word == "test"))
}

/// Trains, draws, and reports.
pub async fn run(app: &Shared) -> Result<()> {
    while !app.borrow().is_made {
        sleep(50).await?;
    }
    let [train, clear] = [app.borrow().page.train.clone(), app.borrow().page.clear.clone()];
    let began = now()?;
    click(&train);
    loop {
        sleep(50).await?;
        let (accuracy, epochs) = (app.borrow().history.accuracy(), app.borrow().epochs);
        if accuracy.is_some_and(|accuracy| accuracy >= ACCURACY) || epochs > EPOCHS {
            break;
        }
    }
    let trained = now()?;
    let mut answers = Vec::new();
    // Half of them while it goes on training.
    for (index, (digit, drawing)) in drawings().into_iter().enumerate() {
        if index == 5 {
            click(&train);
        }
        click(&clear);
        draw(app, &drawing).await?;
        answers.push((digit, answer(app).await?));
        sleep(100).await?;
    }
    let (accuracy, steps, epochs) = (app.borrow().history.accuracy(), app.borrow().steps, app.borrow().epochs);
    let answers: Vec<String> = answers.iter().map(|(digit, answer)| format!("[{digit}, {answer}]")).collect();
    let (longest, gaps) = spans("gaps")?;
    post(&format!(
        "{{\"device\": {:?}, \"accuracy\": {}, \"steps\": {steps}, \"epochs\": {epochs:.2}, \"training_began\": {began:.0}, \
         \"trained\": {trained:.0}, \"answers\": [{}], \"longest_gap\": {longest:.1}, \"gaps\": [{}], \"tasks\": [{}]}}",
        app.borrow().device,
        accuracy.unwrap_or(0.0),
        answers.join(", "),
        gaps.join(", "),
        spans("tasks")?.1.join(", "),
    ))
    .await
}

/// Tells the server what the page tells its reader.
pub async fn report_failure(message: &str) -> Result<()> {
    post(&format!("{{\"failure\": {message:?}}}")).await
}

/// Waits for what the network takes the drawing to be.
async fn answer(app: &Shared) -> Result<usize> {
    for _ in 0..1000 {
        if let Some(answer) = app.borrow().answer() {
            return Ok(answer);
        }
        sleep(20).await?;
    }
    Err(Failure::new("a drawing was not read within 20 seconds"))
}

/// Draws with the events of a pointer, in the middle of the square.
async fn draw(app: &Shared, drawing: &Drawing) -> Result<()> {
    let pad = app.borrow().page.pad.clone();
    let square = pad.get_bounding_client_rect();
    let send = |kind: &str, [x, y]: [f32; 2]| -> Result<()> {
        let init = PointerEventInit::new();
        init.set_bubbles(true);
        init.set_is_primary(true);
        init.set_pointer_id(1);
        init.set_client_x((square.left() + f64::from(x) * square.width()).round() as i32);
        init.set_client_y((square.top() + f64::from(y) * square.height()).round() as i32);
        let event = PointerEvent::new_with_event_init_dict(kind, &init)?;
        pad.dispatch_event(&event)?;
        Ok(())
    };
    for stroke in drawing.strokes() {
        let (Some(&first), Some(&last)) = (stroke.first(), stroke.last()) else { continue };
        send("pointerdown", first)?;
        for &point in &stroke[1..] {
            send("pointermove", point)?;
            sleep(10).await?;
        }
        send("pointerup", last)?;
    }
    Ok(())
}

fn now() -> Result<f64> {
    Ok(window()?.performance().ok_or_else(|| Failure::new("there is no clock"))?.now())
}

/// The longest of the spans that `page.js` keeps under a name in milliseconds, and all long ones with when they began.
fn spans(name: &str) -> Result<(f64, Vec<String>)> {
    let gaps: Array = Reflect::get(window()?.as_ref(), &name.into())?.into();
    let number = |gap: &JsValue, index| Reflect::get_u32(gap, index).ok().and_then(|number| number.as_f64());
    let gaps: Vec<[f64; 2]> = gaps.iter().filter_map(|gap| Some([number(&gap, 0)?, number(&gap, 1)?])).collect();
    let longest = gaps.iter().map(|[_, length]| *length).fold(0.0, f64::max);
    let long = gaps.iter().filter(|[_, length]| *length > LONG);
    Ok((longest, long.map(|[from, length]| format!("[{from:.0}, {length:.1}]")).collect()))
}

async fn post(json: &str) -> Result<()> {
    let request = RequestInit::new();
    request.set_method("POST");
    request.set_body(&json.into());
    JsFuture::from(window()?.fetch_with_str_and_init("/result", &request)).await?;
    Ok(())
}
