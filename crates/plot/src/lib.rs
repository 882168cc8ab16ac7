//! Pictures of training, as PNG files: [`curves`] of loss and accuracy, and a [`digit_grid`] of predictions.
//!
//! The fonts are part of the binary, and no C library is needed.

mod axis;
mod curves;
mod digit_grid;
mod error;
mod lettering;
mod palette;
mod panel;
mod picture;

pub use curves::{Panel, Series, curves};
pub use digit_grid::{Digit, digit_grid};
pub use error::PlotError;
