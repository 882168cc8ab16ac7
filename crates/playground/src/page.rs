//! The playground on a page.

use eframe::egui::{Ui, Visuals};
use eframe::{AppCreator, Frame, WebOptions, WebRunner};
use web_sys::HtmlCanvasElement;

use crate::app::locked;
use crate::settings::Settings;
use crate::window::{Window, configuration};

/// Shows the playground on a canvas. What keeps it from that is thrown, for the page's script to show.
pub fn show(canvas: HtmlCanvasElement, settings: Settings) {
    let options = WebOptions { wgpu_options: configuration(), ..Default::default() };
    let shown = canvas.clone();
    let create: AppCreator =
        Box::new(|context| Ok(Box::new(Page { window: Window::new(context, settings)?, canvas: shown, told: 0 })));
    wasm_bindgen_futures::spawn_local(async {
        if let Err(failure) = WebRunner::new().start(canvas, options, create).await {
            wasm_bindgen::throw_val(failure);
        }
    });
}

/// The window's contents, which also tell scripts how training goes.
struct Page {
    window: Window,
    canvas: HtmlCanvasElement,
    /// The step that was told last.
    told: u64,
}

impl eframe::App for Page {
    fn ui(&mut self, ui: &mut Ui, frame: &mut Frame) {
        self.window.ui(ui, frame);
        self.tell();
    }

    fn clear_color(&self, visuals: &Visuals) -> [f32; 4] {
        self.window.clear_color(visuals)
    }
}

impl Page {
    /// Sets attributes of the canvas: `data-steps`, `data-loss` on the points that are learned, and `data-notice`.
    fn tell(&mut self) {
        let last = self.window.0.network().and_then(|network| locked(network).curve().last());
        if let Some(sample) = last.filter(|sample| sample.steps != self.told) {
            self.told = sample.steps;
            self.set("data-steps", &sample.steps.to_string());
            self.set("data-loss", &sample.train.loss.to_string());
        }
        if let Some(notice) = self.window.0.notice() {
            self.set("data-notice", &notice);
        }
    }

    fn set(&self, name: &str, value: &str) {
        // Fails for impossible names only.
        let _ = self.canvas.set_attribute(name, value);
    }
}
