//! What eframe shows: natively in a window of the system's.

use std::sync::Arc;

#[cfg(not(target_arch = "wasm32"))]
use anyhow::anyhow;
use anyhow::{Context as _, Result};
#[cfg(not(target_arch = "wasm32"))]
use eframe::NativeOptions;
#[cfg(not(target_arch = "wasm32"))]
use eframe::egui::ViewportBuilder;
use eframe::egui::{Ui, Visuals};
use eframe::egui_wgpu::{WgpuConfiguration, WgpuSetup, WgpuSetupCreateNew};
use eframe::{CreationContext, Frame};
use wgrad::{Engine, wgpu};

use crate::app::App;
use crate::settings::Settings;

/// Shows the playground in a window until that is closed.
///
/// # Errors
/// Where there is no screen or no adapter, or the adapter is not enough.
#[cfg(not(target_arch = "wasm32"))]
pub fn run(settings: Settings) -> Result<()> {
    let options = NativeOptions {
        viewport: ViewportBuilder::default()
            .with_title("wgrad playground")
            .with_inner_size([1280.0, 800.0])
            .with_min_inner_size([1120.0, 680.0]),
        wgpu_options: configuration(),
        ..Default::default()
    };
    let shown =
        eframe::run_native("wgrad playground", options, Box::new(|context| Ok(Box::new(Window::new(context, settings)?))));
    shown.map_err(|error| match error {
        eframe::Error::Wgpu(error) => anyhow!("no adapter that draws to this screen: {error}"),
        // Its last words are the reason; those before are a place in the code of the library.
        error @ (eframe::Error::Winit(_) | eframe::Error::WinitEventLoop(_)) => {
            anyhow!("no window: {}", error.to_string().rsplit(": ").next().unwrap_or_default())
        }
        error => anyhow!("{error}"),
    })
}

/// What eframe draws with.
pub(crate) fn configuration() -> WgpuConfiguration {
    WgpuConfiguration { wgpu_setup: WgpuSetup::CreateNew(setup()), ..Default::default() }
}

/// A device with what the engine asks for.
fn setup() -> WgpuSetupCreateNew {
    let mut setup = WgpuSetupCreateNew::without_display_handle();
    setup.instance_descriptor.backends = wgpu::Backends::PRIMARY;
    setup.power_preference = wgpu::PowerPreference::HighPerformance;
    setup.device_descriptor = Arc::new(|adapter| wgpu::DeviceDescriptor {
        label: Some("playground"),
        required_features: Engine::required_features(adapter),
        required_limits: Engine::required_limits(adapter),
        ..Default::default()
    });
    setup
}

/// What eframe shows.
pub(crate) struct Window(pub(crate) App);

impl Window {
    pub(crate) fn new(context: &CreationContext, settings: Settings) -> Result<Self> {
        App::dress(&context.egui_ctx);
        let state = context.wgpu_render_state.as_ref().context("the window is not drawn by wgpu")?;
        Ok(Self(App::in_window(state, settings)?))
    }
}

impl eframe::App for Window {
    fn ui(&mut self, ui: &mut Ui, _: &mut Frame) {
        self.0.ui(ui);
    }

    fn clear_color(&self, _: &Visuals) -> [f32; 4] {
        App::clear_color()
    }
}
