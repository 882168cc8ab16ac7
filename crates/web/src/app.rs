//! The page at work.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Reflect;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Event, PointerEvent};
use wgrad::Dataset;

use crate::browser::{Failure, Result, listen, next_frame, sleep, window};
use crate::chart::Chart;
use crate::history::History;
use crate::network::{EPOCHS, Gpu, Network, News};
use crate::pad::Pad;
use crate::page::{self, Page};
use crate::{digits, self_test};

/// As many digits of MNIST's 60,000 as a device learns from that is no GPU.
const FEW: usize = 20_000;
const TRAIN: usize = 60_000;
const TEST: usize = 10_000;

/// Frames between two drawings of the curves, and between two readings of a drawing that has not changed.
const CALM: u64 = 12;

/// All that the page is.
pub struct App {
    page: Page,
    pad: Pad,
    chart: Chart,
    gpu: Gpu,
    data: Rc<[Dataset; 2]>,
    network: Option<Network>,
    history: History,
    trains: bool,
    seed: u32,
    frames: u64,
    /// The drawing that was read last, by its number, and how likely each digit is.
    read: Option<(u32, Vec<f32>)>,
}

/// The page, which its events and frames change.
pub type Shared = Rc<RefCell<App>>;

/// Begins when the page is loaded.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
    spawn_local(async {
        if let Err(failure) = open().await {
            fail(&failure).await;
        }
    });
}

async fn fail(failure: &Failure) {
    let text = failure.to_string();
    // Where even this fails, nobody is left to be told.
    let _ = page::show_notice(&text);
    if self_test::is_wanted() {
        let _ = self_test::report_failure(&text).await;
    }
}

async fn open() -> Result<()> {
    // Between its parts the start lets the browser answer.
    sleep(1).await?;
    let page = Page::find()?;
    let chart = Chart::new(&page.chart)?;
    sleep(1).await?;
    chart.draw(&History::default())?;
    sleep(1).await?;
    let navigator = window()?.navigator();
    if !Reflect::get(&navigator, &"gpu".into())?.is_object() {
        return Err(Failure::new(
            "This page needs WebGPU, which this browser does not offer. Current versions of Chrome, Edge, Firefox and Safari \
             do, on most computers and phones, if the page comes over HTTPS or from the computer itself.",
        ));
    }
    page.set_status("Asking for a graphics device…");
    let gpu = Gpu::request().await?;
    page.set_status("Fetching the digits…");
    let examples = if gpu.is_software { FEW } else { TRAIN };
    sleep(1).await?;
    let data = Rc::new([digits::fetch("train", examples).await?, digits::fetch("t10k", TEST).await?]);
    page::show_about(&about(&gpu, examples))?;
    let pad = Pad::new(&page.pad, &page.seen)?;
    let history = History::default();
    let app = App { page, pad, chart, gpu, data, network: None, history, trains: false, seed: 0, frames: 0, read: None };
    let app = Rc::new(RefCell::new(app));
    listen_to_pen(&app)?;
    listen_to_buttons(&app)?;
    app.borrow().redraw()?;
    sleep(1).await?;
    make_network(&app).await?;
    if self_test::is_wanted() {
        let tested = app.clone();
        spawn_local(async move {
            if let Err(failure) = self_test::run(&tested).await {
                fail(&failure).await;
            }
        });
    }
    loop {
        next_frame().await?;
        app.borrow_mut().frame()?;
    }
}

fn about(gpu: &Gpu, examples: usize) -> String {
    let device = match (&*gpu.name, gpu.is_software) {
        ("", false) => "this computer’s GPU".to_owned(),
        ("", true) => "the browser’s software device".to_owned(),
        (name, _) => name.to_owned(),
    };
    let part = if examples < TRAIN { " – a part of them, since there is no GPU –" } else { "" };
    format!(
        "784 pixels, 128 hidden units, 10 outputs, in steps of 80 digits by Adam. It learns from {examples} of MNIST’s {TRAIN} \
         training digits{part} and is tested on {TEST} others. Device: {device}."
    )
}

/// Makes a new network, which takes the old one's place.
async fn make_network(app: &Shared) -> Result<()> {
    let (gpu, data, seed) = {
        let mut app = app.borrow_mut();
        (app.network, app.history, app.read, app.trains) = (None, History::default(), None, false);
        app.page.set_status("Preparing the network…");
        app.show_buttons();
        (app.gpu.clone(), app.data.clone(), app.seed)
    };
    let network = Network::make(&gpu, seed, [&data[0], &data[1]]).await?;
    let mut app = app.borrow_mut();
    app.network = Some(network);
    app.seed += 1;
    app.page.set_status("Ready: it knows nothing yet. Press Train.");
    app.show_buttons();
    app.show_figures()
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
    listen(&train, "click", move |_: Event| trained.borrow_mut().toggle())?;
    listen(&again, "click", move |_: Event| {
        let app = begun.clone();
        spawn_local(async move { report(make_network(&app).await) });
    })
}

/// Shows what went wrong in an event.
fn report(result: Result<()>) {
    if let Err(failure) = result {
        let _ = page::show_notice(&failure.to_string());
    }
}

impl App {
    /// What happens between two pictures: a little work for the device, and what it has done on the page.
    fn frame(&mut self) -> Result<()> {
        self.frames += 1;
        let is_calm = self.frames.is_multiple_of(CALM);
        let Some(network) = &mut self.network else { return Ok(()) };
        let is_stale = is_calm && self.trains || self.read.as_ref().map(|(number, _)| *number) != Some(self.pad.number());
        let news = network.frame(self.trains, self.pad.image().filter(|_| is_stale))?;
        let has_news = !news.is_empty();
        for news in news {
            match news {
                News::Loss(step, loss) => self.history.add_loss(step, loss),
                News::Accuracy(step, accuracy) => self.history.add_accuracy(step, accuracy),
                News::Read(number, shares) => self.take_reading(number, shares)?,
            }
        }
        if self.trains && self.network.as_ref().is_some_and(|network| network.epochs() >= EPOCHS as f64) {
            self.toggle();
            self.page.set_status(&format!("{EPOCHS} epochs are done. Train goes on for as long as you like."));
        }
        // What lands after the last step of training is shown too.
        if is_calm || has_news && !self.trains {
            self.show_figures()?;
        }
        Ok(())
    }

    /// What was read is shown, unless the drawing has been cleared meanwhile.
    fn take_reading(&mut self, number: u32, shares: Vec<f32>) -> Result<()> {
        if self.pad.image().is_some() {
            self.page.show_reading(Some(&shares))?;
            self.read = Some((number, shares));
        }
        Ok(())
    }

    fn show_figures(&self) -> Result<()> {
        let Some(network) = &self.network else { return Ok(()) };
        self.page.show_progress(network.steps(), network.epochs(), EPOCHS)?;
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

    fn toggle(&mut self) {
        self.trains = !self.trains && self.network.is_some();
        self.page.set_status(if self.trains { "Training." } else { "Paused." });
        self.show_buttons();
    }

    fn show_buttons(&self) {
        let page = &self.page;
        page.train.set_text_content(Some(if self.trains { "Pause" } else { "Train" }));
        for button in [&page.train, &page.again, &page.clear] {
            button.set_disabled(self.network.is_none());
        }
    }

    /// What the drawing was last read as, once it is read as it is now.
    pub fn answer(&self) -> Option<usize> {
        let (number, shares) = self.read.as_ref()?;
        page::best(shares).filter(|_| *number == self.pad.number()).map(|(digit, _)| digit)
    }

    /// The page's elements.
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// The accuracy on the test digits, where it is known, and the steps taken.
    pub fn state(&self) -> (Option<f64>, u64, f64) {
        let network = self.network.as_ref();
        (self.history.accuracy(), network.map_or(0, Network::steps), network.map_or(0.0, Network::epochs))
    }

    /// What the device is called.
    pub fn device(&self) -> String {
        format!("{}{}", self.gpu.name, if self.gpu.is_software { " (software)" } else { "" })
    }
}

/// Clicks a button as a reader would.
pub fn click(button: &web_sys::HtmlButtonElement) {
    button.unchecked_ref::<web_sys::HtmlElement>().click();
}
