//! Data sets, loaders and transforms of wgrad.
//!
//! [`ImageSet`] loads MNIST and every other set that comes as the same four IDX files; [`idx`] reads one such file.

mod error;
pub mod idx;
mod image_set;
mod mnist_files;

pub use error::DataError;
pub use image_set::{ImageSet, LabelledImages};
