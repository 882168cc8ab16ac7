//! A window in which a small network learns to part the points of a plane, while its decision surface and the output of
//! each of its units are drawn from the GPU's memory.
//!
//! The network is trained on the window's own device: [`network::Network`] records its steps into the encoder of each
//! frame, and [`surface`] draws from the buffers that they leave. [`window`] shows [`app::App`] in a window,
//! `page` on a browser's page, and [`headless`] without either.

pub mod app;
pub mod arguments;
mod background;
mod controls;
mod curve;
mod evaluation;
mod header;
#[cfg(not(target_arch = "wasm32"))]
pub mod headless;
mod layout;
mod lettering;
mod loss_curve;
mod maker;
pub mod network;
mod output;
#[cfg(target_arch = "wasm32")]
pub mod page;
pub mod points;
pub mod settings;
pub mod surface;
mod theme;
mod units;
pub mod window;

pub use eframe::{egui, egui_wgpu};
