//! Parts of a data set.

use wgrad_data::Random;

use crate::dataset::Dataset;
use crate::error::Error;

/// The stream of random numbers that splits are drawn from, which nothing else uses.
const SPLIT: u64 = u64::MAX;

impl Dataset {
    /// The examples that `indices` name, in that order.
    ///
    /// # Errors
    /// Where there are no indices, or one is not below [`Dataset::len`].
    pub fn select(&self, indices: &[usize]) -> Result<Self, Error> {
        match indices.iter().find(|&&index| index >= self.len()) {
            _ if indices.is_empty() => Err(Error::mismatch("examples", "one at least", 0)),
            Some(index) => Err(Error::mismatch("row", format!("an index below {}", self.len()), index)),
            None => Ok(self.pick(indices)),
        }
    }

    /// The first `count` examples, or all where there are no more.
    ///
    /// # Errors
    /// Where the count is 0.
    pub fn take(&self, count: usize) -> Result<Self, Error> {
        let indices: Vec<usize> = (0..count.min(self.len())).collect();
        self.select(&indices)
    }

    /// Examples to train with, and a random share of all to test with, `test_share * len` rounded up, as scikit-learn's
    /// `train_test_split` has it. Both are in a random order, always the same for the same seed.
    ///
    /// # Errors
    /// Where the share is not between 0 and 1, or no example is left to train with.
    ///
    /// # Example
    /// ```
    /// # use wgrad::prelude::*;
    /// # let data = Dataset::new([[0.0]; 10], [0; 10])?;
    /// let (train, test) = data.split(0.2, 42)?;
    /// assert_eq!((train.len(), test.len()), (8, 2));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn split(&self, test_share: f64, seed: u32) -> Result<(Self, Self), Error> {
        let count = (test_share * self.len() as f64).ceil();
        if !(test_share > 0.0 && count < self.len() as f64) {
            let wanted = format!("above 0, and low enough to leave one of {} to train with", self.len());
            return Err(Error::mismatch("share of examples to test with", wanted, test_share));
        }
        let order = Random::new(seed, SPLIT).permutation(self.len());
        let (test, train) = order.split_at(count as usize);
        Ok((self.pick(train), self.pick(test)))
    }

    /// Examples to train with, in their order, and those to test with, which `test_rows` names, in that order: a split
    /// that somebody else has drawn.
    ///
    /// # Errors
    /// Where no rows are named, one is named twice or not below [`Dataset::len`], or none is left to train with.
    pub fn split_rows(&self, test_rows: &[usize]) -> Result<(Self, Self), Error> {
        let test = self.select(test_rows)?;
        let mut is_test = vec![false; self.len()];
        for &row in test_rows {
            if is_test[row] {
                return Err(Error::mismatch("rows to test with", "each once", format!("{row} twice")));
            }
            is_test[row] = true;
        }
        let train: Vec<usize> = (0..self.len()).filter(|&row| !is_test[row]).collect();
        if train.is_empty() {
            return Err(Error::mismatch("rows to test with", format!("fewer than all {}", self.len()), test_rows.len()));
        }
        Ok((self.pick(&train), test))
    }

    /// As [`Dataset::select`], for indices that are known to be there.
    pub(crate) fn pick(&self, indices: &[usize]) -> Self {
        Self { inputs: self.inputs.pick(indices), targets: self.targets.pick(indices) }
    }
}
