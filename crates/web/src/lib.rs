//! A page that learns to read digits, and reads those that are drawn on it, all in the browser.
//!
//! The program runs twice: the page draws and hears the pen, and never computes for long; a worker has the WebGPU device,
//! and trains the network and reads with it. They send each other messages. [`drawing`] makes MNIST's images of the strokes
//! of a pen; what else there is exists in a browser only.

pub mod drawing;
pub mod samples;

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(target_arch = "wasm32")]
mod messages;
#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(target_arch = "wasm32")]
mod worker;
