//! Pictures of training, as PNG files, all made the same way: `picture(path, title, what to draw)`.
//!
//! [`curves`] draws figures over training, functions and whatever else has axes, in panels; [`learning_rates`] what a
//! learning-rate finder has measured; [`digit_grid`] images with their predictions; [`image_rows`] images above images,
//! such as originals and reconstructions; [`confusion_matrix`] which classes are taken for which;
//! [`decision_surface`] which class a model gives each place of the plane.
//!
//! The fonts are part of the binary, and no C library is needed.

mod axis;
mod classes;
mod confusion_matrix;
mod curves;
mod decision_surface;
mod digit_grid;
mod error;
mod frame;
mod heading;
mod image;
mod image_rows;
mod legend;
mod lettering;
mod palette;
mod panel;
mod picture;
mod stroke;

pub use confusion_matrix::confusion_matrix;
pub use curves::{curves, learning_rates};
pub use decision_surface::{Surface, decision_surface};
pub use digit_grid::digit_grid;
pub use error::PlotError;
pub use image::Image;
pub use image_rows::image_rows;
pub use panel::Panel;
