//! The images to train and to test with.

use std::path::Path;

use anyhow::{Context, Result};
use wgrad::data::{ImageSet, LabelledImages, MNIST_DEVIATION, MNIST_MEAN};
use wgrad::prelude::*;

/// Training and test images, as rows of bytes, with their classes.
#[derive(Debug)]
pub struct Digits {
    /// The images to train with.
    pub train: Dataset,
    /// The images to test with.
    pub test: Dataset,
    /// The height and width of all images, in pixels.
    pub size: [usize; 2],
}

impl Digits {
    /// Reads a folder of four files in MNIST's format; of the training images only the first `limit`, if any.
    pub fn load(folder: &Path, limit: Option<usize>) -> Result<Self> {
        let ImageSet { train, test } = ImageSet::load(folder)?;
        let size = [train.rows, train.columns];
        let (mut train, test) = (dataset(train)?, dataset(test)?);
        if let Some(limit) = limit {
            train = train.take(limit).context("--limit")?;
        }
        Ok(Self { train, test, size })
    }

    /// The pixels of an image, each an input of the network.
    pub fn pixels(&self) -> usize {
        self.size.iter().product()
    }
}

fn dataset(part: LabelledImages) -> Result<Dataset, Error> {
    let images = Tensor::u8([part.count, part.rows * part.columns], part.images)?;
    let labels = Tensor::u8([part.count], part.labels)?;
    Dataset::new(images, labels)?.normalized(MNIST_MEAN, MNIST_DEVIATION)
}
