//! Data sets, loaders and transforms of wgrad.
//!
//! [`ImageSet`] loads MNIST and every other set that comes as the same four IDX files; [`idx`] reads one such file.
//! [`Table`] holds rows of numbers with their classes: from a CSV file, or generated, such as [`classification`],
//! [`moons`] and [`random_labels`]; [`RegressionTable`] rows with numbers to predict. [`marker_order`] generates sequences of tokens.

mod csv_table;
mod error;
pub mod idx;
mod image_set;
mod mnist_files;
mod random;
mod regression_table;
mod rows;
mod synthetic;
mod table;

pub use error::DataError;
pub use image_set::{ImageSet, LabelledImages};
pub use random::Random;
pub use regression_table::RegressionTable;
pub use rows::read_rows;
pub use synthetic::{
    Classification, Sequences, circles, classification, marker_order, moons, quadrants, random_labels, spirals, wound_spirals,
};
pub use table::Table;
