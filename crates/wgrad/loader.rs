//! Batches for an explicit loop.

use wgrad_data::Random;

use crate::dataset::Dataset;
use crate::error::Error;

/// Cuts a data set into batches on the host, in a random order in each epoch; the last batch may be smaller.
///
/// [`Trainer::fit`](crate::Trainer::fit) needs none: it has the device pick the batches.
///
/// ```
/// # use wgrad::prelude::*;
/// # let data = Dataset::new([[0.0], [1.0], [2.0]], [0, 1, 0])?;
/// let loader = Loader::new(&data, 2, 1)?;
/// for epoch in 0..5 {
///     for batch in loader.epoch(epoch) {
///         assert!(batch.len() <= 2);
///     }
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Loader {
    data: Dataset,
    batch_size: usize,
    seed: u32,
}

impl Loader {
    /// A loader of batches of `batch_size` examples.
    ///
    /// # Errors
    /// Where the batch size is 0.
    pub fn new(data: &Dataset, batch_size: usize, seed: u32) -> Result<Self, Error> {
        if batch_size == 0 {
            return Err(Error::mismatch("batch size", "1 at least", 0));
        }
        Ok(Self { data: data.clone(), batch_size, seed })
    }

    /// The number of batches in an epoch.
    pub fn steps(&self) -> usize {
        self.data.len().div_ceil(self.batch_size)
    }

    /// The batches of one epoch, always the same for the same seed.
    pub fn epoch(&self, epoch: u64) -> impl Iterator<Item = Dataset> {
        let order = Random::new(self.seed, epoch).permutation(self.data.len());
        let batches: Vec<Vec<usize>> = order.chunks(self.batch_size).map(<[usize]>::to_vec).collect();
        batches.into_iter().map(|indices| self.data.pick(&indices))
    }
}
