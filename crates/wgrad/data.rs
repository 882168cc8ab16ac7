//! Data sets from files, and generated ones.

use std::path::Path;

pub use wgrad_data::*;

pub use crate::dataset::Standardization;

use crate::dataset::Dataset;
use crate::error::Error;
use crate::tensor::Tensor;

/// The mean of MNIST's training pixels, of which white is 1.
pub const MNIST_MEAN: f64 = 0.1307;
/// Their standard deviation.
pub const MNIST_DEVIATION: f64 = 0.3081;

/// The four inputs of exclusive or, and its outputs as floats: 1 where the inputs differ.
pub fn xor() -> Dataset {
    Dataset::of_known([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [[0.0], [1.0], [1.0], [0.0]])
}

/// Training and test digits from the four files of MNIST in `folder`, gzipped or not: images as rows of bytes, which
/// the model gets normalized by [`MNIST_MEAN`] and [`MNIST_DEVIATION`], and their classes.
///
/// [`Dataset::reshaped`] makes images of the rows. Any other set in the same format, such as Fashion-MNIST, is read too,
/// and normalized by the same numbers.
///
/// # Errors
/// Where a file is missing, damaged or does not fit the others; the error names it.
pub fn digits(folder: impl AsRef<Path>) -> Result<(Dataset, Dataset), Error> {
    let ImageSet { train, test } = ImageSet::load(folder.as_ref())?;
    Ok((rows_of_pixels(train)?, rows_of_pixels(test)?))
}

/// Labelled images as [`digits`] gives them.
///
/// # Errors
/// Where there are more or fewer pixels or labels than the counts say.
pub fn rows_of_pixels(part: LabelledImages) -> Result<Dataset, Error> {
    let inputs = Tensor::u8([part.count, part.rows * part.columns], part.images)?;
    let labels = Tensor::u8([part.count], part.labels)?;
    Dataset::new(inputs, labels)?.normalized(MNIST_MEAN, MNIST_DEVIATION)
}
