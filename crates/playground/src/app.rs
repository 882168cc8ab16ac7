//! The window's contents, whatever shows them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eframe::egui::{Context, Ui};
use eframe::egui_wgpu::RenderState;
use wgrad::prelude::{Error, Options};
use wgrad::{Engine, wgpu};

use crate::controls::{Controls, Icons};
use crate::layout::Layout;
use crate::maker::Maker;
use crate::network::{Network, Work};
use crate::settings::Settings;
use crate::surface::{self, SurfacePipeline};
use crate::{header, lettering, loss_curve, output, theme, units};

/// A network that the window draws, and trains when its commands are recorded.
pub type Shared = Arc<Mutex<Network>>;

/// Locks what one thread alone uses.
pub fn locked(network: &Shared) -> MutexGuard<'_, Network> {
    network.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How fast networks learn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As many steps a frame as take so many milliseconds on the device.
    Milliseconds(f64),
    /// So many steps a frame.
    Steps(u32),
}

/// The playground.
#[derive(Debug)]
pub struct App {
    pub(crate) settings: Settings,
    pub(crate) pace: Pace,
    pub(crate) is_running: bool,
    /// Whether the next frame takes one step.
    pub(crate) takes_step: bool,
    /// Whether another network is wanted, of the same settings.
    pub(crate) is_reset: bool,
    /// The seconds of a frame, on average; none where frames have no time of their own.
    pub(crate) frame_time: Option<f64>,
    icons: Icons,
    network: Option<Shared>,
    maker: Maker,
    /// What the network is made of that was asked for last.
    asked: Settings,
    failure: Option<Error>,
}

impl App {
    /// One that trains and draws on a device.
    ///
    /// # Errors
    /// Where the device is not enough; where the settings are out of range.
    pub fn new(
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        format: wgpu::TextureFormat,
        settings: Settings,
        pace: Pace,
    ) -> Result<Self, Error> {
        let engine = Engine::from_wgpu(device.clone(), queue.clone(), Options::default())?;
        let mut maker = Maker::new(engine, SurfacePipeline::new(device, format));
        maker.make(settings.clone());
        let icons = Icons::of(&settings)?;
        Ok(Self {
            asked: settings.clone(),
            settings,
            pace,
            is_running: true,
            takes_step: false,
            is_reset: false,
            frame_time: None,
            icons,
            network: None,
            maker,
            failure: None,
        })
    }

    /// One in a window of eframe.
    ///
    /// # Errors
    /// As [`App::new`].
    pub fn in_window(state: &RenderState, settings: Settings) -> Result<Self, Error> {
        let mut app = Self::new(&state.device, &state.queue, state.target_format, settings, Pace::Milliseconds(4.0))?;
        app.frame_time = Some(1.0 / 60.0);
        Ok(app)
    }

    /// Sets the letters and colours of all that a context shows.
    pub fn dress(context: &Context) {
        lettering::apply(context);
        theme::apply(context);
    }

    /// What is behind everything: the target is cleared with it, from 0 to 1 as a screen shows it.
    pub fn clear_color() -> [f32; 4] {
        theme::BACKGROUND.to_normalized_gamma_f32()
    }

    /// The network that is shown; none while the first is being made.
    pub fn network(&self) -> Option<&Shared> {
        self.network.as_ref()
    }

    /// Why no network could be made.
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    /// Waits for the network that is being made, so that what a frame shows does not depend on the time.
    ///
    /// # Errors
    /// Where it could not be made.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn wait(&mut self) -> Result<(), Error> {
        let made = self.maker.wait()?;
        self.accept(made);
        Ok(())
    }

    /// Shows a frame, and has its commands train the network.
    pub fn ui(&mut self, ui: &mut Ui) {
        self.take_made(ui.ctx());
        self.count_frame(ui);
        let layout = Layout::of(ui.max_rect());
        let network = self.network.clone();
        if let Some(network) = &network {
            let mut network = locked(network);
            network.land();
            self.is_running &= network.failure().is_none();
            units::show(ui, layout.network, &network, &mut self.settings);
            output::show(ui, layout.output, &network);
            loss_curve::show(ui, layout.loss, &network);
        } else {
            for (rect, heading) in [(layout.network, "Network"), (layout.output, "Output"), (layout.loss, "Loss")] {
                theme::card(ui, rect, heading);
            }
        }
        Controls { settings: &mut self.settings, pace: &mut self.pace, icons: &self.icons }.show(ui, layout.controls);
        header::show(ui, layout.header, self);
        self.apply_settings();
        if let Some(network) = &network {
            ui.painter().add(surface::work(network, self.work(), layout.output));
        }
        self.ask_for_frames(ui.ctx());
    }

    /// The notice of what went wrong.
    pub(crate) fn notice(&self) -> Option<String> {
        let of_network = || self.network.as_ref().and_then(|network| Some(locked(network).failure()?.to_string()));
        self.failure.as_ref().map(ToString::to_string).or_else(of_network)
    }

    /// Whether a network is being made.
    pub(crate) fn is_making(&self) -> bool {
        self.maker.is_busy()
    }

    fn take_made(&mut self, context: &Context) {
        let context = context.clone();
        match self.maker.take(move || context.request_repaint()) {
            Ok(made) => self.accept(made),
            Err(error) => self.failure = Some(error),
        }
    }

    fn accept(&mut self, made: Option<Network>) {
        if let Some(network) = made {
            self.failure = None;
            self.network = Some(Arc::new(Mutex::new(network)));
        }
    }

    fn count_frame(&mut self, ui: &Ui) {
        let elapsed = f64::from(ui.input(|input| input.unstable_dt));
        if let Some(time) = &mut self.frame_time {
            *time += 0.05 * (elapsed.min(1.0) - *time);
        }
    }

    /// Has another network made where the settings want one, and tells the network its learning rate.
    fn apply_settings(&mut self) {
        if self.is_reset || self.settings.need_another(&self.asked) {
            self.is_reset = false;
            self.asked = self.settings.clone();
            self.maker.make(self.settings.clone());
        }
        if let Some(network) = &self.network {
            locked(network).set_learning_rate(self.settings.learning_rate);
        }
    }

    fn work(&mut self) -> Work {
        if std::mem::take(&mut self.takes_step) {
            return Work::Steps(1);
        }
        match self.pace {
            _ if !self.is_running => Work::Rest,
            Pace::Milliseconds(budget) => Work::Within(Duration::from_secs_f64(budget / 1000.0)),
            Pace::Steps(steps) => Work::Steps(steps),
        }
    }

    /// A network that is being made asks for a frame itself, once it is ready: till then frames would only be in its way.
    fn ask_for_frames(&self, context: &Context) {
        let is_busy = self.network.as_ref().is_some_and(|network| self.is_running || locked(network).is_waiting());
        if is_busy || self.maker.is_due() {
            context.request_repaint();
        }
    }
}
