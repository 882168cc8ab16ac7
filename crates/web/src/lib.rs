//! A page that learns to read digits, and reads those that are drawn on it, all in the browser.
//!
//! The network is trained on the page's own WebGPU device, a few steps in each frame: [`drawing`] makes MNIST's images of
//! the strokes of a pen, and what else there is exists in a browser only.

pub mod drawing;
pub mod samples;

#[cfg(target_arch = "wasm32")]
mod app;
#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(target_arch = "wasm32")]
mod chart;
#[cfg(target_arch = "wasm32")]
mod digits;
#[cfg(target_arch = "wasm32")]
mod history;
#[cfg(target_arch = "wasm32")]
mod network;
#[cfg(target_arch = "wasm32")]
mod pad;
#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(target_arch = "wasm32")]
mod self_test;
