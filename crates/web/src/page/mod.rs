//! The page: it draws, hears pen and buttons, and has a worker compute.

mod chart;
mod elements;
mod history;
mod pad;
mod self_test;

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Event, MessageEvent, PointerEvent, Worker};

use crate::browser::{Result, listen, next_frame, sleep, window};
use crate::messages::{Image, News, Order, packed, unpacked};
use chart::Chart;
use elements::Page;
use history::History;
use pad::Pad;

/// As many epochs as training takes before it pauses by itself.
const EPOCHS: u64 = 5;
/// As many digits as MNIST has to learn from.
const ALL: usize = 60_000;

/// Frames between two drawings of the curves, and between two readings of a drawing that has not changed.
const CALM: u64 = 12;

/// All that the page is.
struct App {
    page: Page,
    pad: Pad,
    chart: Chart,
    worker: Worker,
    /// What the worker's device is called.
    device: String,
    /// Whether the worker has the network that was asked for last.
    is_made: bool,
    trains: bool,
    seed: u32,
    frames: u64,
    steps: u64,
    epochs: f64,
    history: History,
    /// Whether the figures and curves are not those of the last news.
    is_outdated: bool,
    /// Whether the worker has been given a drawing that it has not answered yet.
    is_reading: bool,
    /// The drawing that was read last, by its number, and how likely each digit is.
    read: Option<(u32, Vec<f32>)>,
}

/// The page, which its events and frames change.
type Shared = Rc<RefCell<App>>;

/// Begins when the page is loaded.
#[wasm_bindgen]
pub fn open_page(worker: Worker) {
    console_error_panic_hook::set_once();
    spawn_local(async {
        if let Err(failure) = open(worker).await {
            fail(&failure.to_string());
        }
    });
}

/// Says why the page cannot go on.
fn fail(sentence: &str) {
    // Where even this fails, nobody is left to be told.
    let _ = elements::show_notice(sentence);
    if self_test::is_wanted() {
        let sentence = sentence.to_owned();
        spawn_local(async move { drop(self_test::report_failure(&sentence).await) });
    }
}

async fn open(worker: Worker) -> Result<()> {
    let app = Rc::new(RefCell::new(App::new(worker)?));
    listen_to_worker(&app)?;
    listen_to_pen(&app)?;
    listen_to_buttons(&app)?;
    // Between its parts the start lets the browser answer: the first letters on a canvas, for one, have a font loaded.
    sleep(1).await?;
    app.borrow().redraw()?;
    sleep(1).await?;
    if self_test::is_wanted() {
        let tested = app.clone();
        spawn_local(async move {
            if let Err(failure) = self_test::run(&tested).await {
                fail(&failure.to_string());
            }
        });
    }
    loop {
        next_frame().await?;
        app.borrow_mut().frame()?;
    }
}

fn about(device: &str, is_software: bool, examples: usize) -> String {
    let device = match (device, is_software) {
        ("", false) => "this computer’s GPU",
        ("", true) => "the browser’s software device",
        (name, _) => name,
    };
    let part = if examples < ALL { " – a part of them, since there is no GPU –" } else { "" };
    format!(
        "784 pixels, 128 hidden units, 10 outputs, in steps of 80 digits by Adam. It learns from {examples} of MNIST’s {ALL} \
         training digits{part} and is tested on 10000 others. Device: {device}."
    )
}

fn listen_to_worker(app: &Shared) -> Result<()> {
    let worker = app.borrow().worker.clone();
    let told = app.clone();
    listen(&worker, "message", move |event: MessageEvent| {
        report(unpacked(&event.data()).and_then(|news| told.borrow_mut().take(news)));
    })
}

fn listen_to_pen(app: &Shared) -> Result<()> {
    let canvas = app.borrow().page.pad.clone();
    let at = |event: &PointerEvent| [event.client_x(), event.client_y()];
    let (down, moved, up, gone, resized) = (app.clone(), app.clone(), app.clone(), app.clone(), app.clone());
    listen(&canvas.clone(), "pointerdown", move |event: PointerEvent| {
        // A pointer that no device has, such as a test's, cannot be captured, and need not be.
        let _ = canvas.set_pointer_capture(event.pointer_id());
        report(down.borrow_mut().pad.press(at(&event)));
    })?;
    let canvas = app.borrow().page.pad.clone();
    listen(&canvas, "pointermove", move |event: PointerEvent| report(moved.borrow_mut().pad.draw_to(at(&event))))?;
    listen(&canvas, "pointerup", move |_: PointerEvent| up.borrow_mut().pad.release())?;
    listen(&canvas, "pointercancel", move |_: PointerEvent| gone.borrow_mut().pad.release())?;
    let window = window()?;
    listen(&window, "resize", move |_: Event| report(resized.borrow().redraw()))
}

fn listen_to_buttons(app: &Shared) -> Result<()> {
    let [clear, train, again] = {
        let page = &app.borrow().page;
        [page.clear.clone(), page.train.clone(), page.again.clone()]
    };
    let (cleared, trained, begun) = (app.clone(), app.clone(), app.clone());
    listen(&clear, "click", move |_: Event| report(cleared.borrow_mut().clear()))?;
    listen(&train, "click", move |_: Event| report(trained.borrow_mut().toggle()))?;
    listen(&again, "click", move |_: Event| report(begun.borrow_mut().make()))
}

/// Shows what went wrong in an event.
fn report(result: Result<()>) {
    if let Err(failure) = result {
        fail(&failure.to_string());
    }
}

impl App {
    fn new(worker: Worker) -> Result<Self> {
        let page = Page::find()?;
        Ok(Self {
            pad: Pad::new(&page.pad, &page.seen)?,
            chart: Chart::new(&page.chart)?,
            page,
            worker,
            device: String::new(),
            is_made: false,
            trains: false,
            seed: 0,
            frames: 0,
            steps: 0,
            epochs: 0.0,
            history: History::default(),
            is_outdated: false,
            is_reading: false,
            read: None,
        })
    }

    fn order(&self, order: &Order) -> Result<()> {
        Ok(self.worker.post_message(&packed(order)?)?)
    }

    /// Has a new network made, which takes the old one's place.
    fn make(&mut self) -> Result<()> {
        (self.is_made, self.trains, self.is_reading, self.read) = (false, false, false, None);
        (self.steps, self.epochs, self.history) = (0, 0.0, History::default());
        self.page.set_status("Preparing the network…");
        self.show_buttons();
        self.show_figures()?;
        self.order(&Order::Make { seed: self.seed })?;
        self.seed += 1;
        Ok(())
    }

    /// Takes in what the worker tells. While it makes a network, what it still tells of the old one is of no interest.
    fn take(&mut self, news: News) -> Result<()> {
        match news {
            News::Failed(sentence) => fail(&sentence),
            News::Doing(text) => self.page.set_status(&text),
            News::Ready { device, is_software, examples } => {
                elements::show_about(&about(&device, is_software, examples))?;
                self.device = format!("{device}{}", if is_software { " (software)" } else { "" });
                self.make()?;
            }
            News::Made => {
                self.is_made = true;
                self.page.set_status("Ready: it knows nothing yet. Press Train.");
                self.show_buttons();
            }
            News::Trained { .. } | News::Tested { .. } | News::Read { .. } if !self.is_made => {}
            News::Trained { step, epochs, loss } => {
                (self.steps, self.epochs, self.is_outdated) = (step, epochs, true);
                self.history.add_loss(step, loss);
                if self.trains && epochs >= EPOCHS as f64 {
                    self.toggle()?;
                    self.page.set_status(&format!("{EPOCHS} epochs are done. Train goes on for as long as you like."));
                }
            }
            News::Tested { step, accuracy } => {
                self.is_outdated = true;
                self.history.add_accuracy(step, accuracy);
            }
            News::Read { number, shares } => self.take_reading(number, shares)?,
        }
        Ok(())
    }

    /// What happens between two pictures.
    fn frame(&mut self) -> Result<()> {
        self.frames += 1;
        let is_calm = self.frames.is_multiple_of(CALM);
        let is_stale = is_calm && self.trains || self.read.as_ref().map(|(number, _)| *number) != Some(self.pad.number());
        if self.is_made && is_stale && !self.is_reading {
            self.have_read()?;
        }
        if self.is_outdated && (is_calm || !self.trains) {
            self.is_outdated = false;
            self.show_figures()?;
        }
        Ok(())
    }

    /// Gives the drawing to the worker, where there is one.
    fn have_read(&mut self) -> Result<()> {
        if let Some((number, pixels)) = self.pad.image() {
            self.order(&Order::Read(Image { number, pixels: pixels.to_vec() }))?;
            self.is_reading = true;
        }
        Ok(())
    }

    /// What was read is shown, unless the drawing has been cleared meanwhile.
    fn take_reading(&mut self, number: u32, shares: Vec<f32>) -> Result<()> {
        self.is_reading = false;
        if self.pad.image().is_some() {
            self.page.show_reading(Some(&shares))?;
            self.read = Some((number, shares));
        }
        Ok(())
    }

    fn show_figures(&self) -> Result<()> {
        self.page.show_progress(self.steps, self.epochs, EPOCHS)?;
        self.page.show_figures(self.history.losses().last().map(|[_, loss]| *loss), self.history.accuracy());
        self.chart.draw(&self.history)
    }

    fn redraw(&self) -> Result<()> {
        self.pad.redraw()?;
        self.page.show_reading(self.read.as_ref().map(|(_, shares)| &**shares))?;
        self.chart.draw(&self.history)
    }

    fn clear(&mut self) -> Result<()> {
        self.read = None;
        self.pad.clear()?;
        self.page.show_reading(None)
    }

    fn toggle(&mut self) -> Result<()> {
        self.trains = !self.trains && self.is_made;
        self.page.set_status(if self.trains { "Training." } else { "Paused." });
        self.show_buttons();
        self.order(&Order::Train(self.trains))
    }

    fn show_buttons(&self) {
        let page = &self.page;
        page.train.set_text_content(Some(if self.trains { "Pause" } else { "Train" }));
        for button in [&page.train, &page.again, &page.clear] {
            button.set_disabled(!self.is_made);
        }
    }

    /// What the drawing was last read as, once it is read as it is now.
    fn answer(&self) -> Option<usize> {
        let (number, shares) = self.read.as_ref()?;
        elements::best(shares).filter(|_| *number == self.pad.number()).map(|(digit, _)| digit)
    }
}

/// Clicks a button as a reader would.
fn click(button: &web_sys::HtmlButtonElement) {
    button.unchecked_ref::<web_sys::HtmlElement>().click();
}
