//! Dropout.

use crate::error::Error;
use crate::layers::Layer;
use crate::var::Var;

/// In training, each element is 0 with probability `rate`, else divided by `1 - rate`; otherwise nothing changes.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    rate: f32,
}

impl Dropout {
    /// Dropout with a rate of at least 0 and below 1.
    pub fn new(rate: f32) -> Self {
        Self { rate }
    }
}

impl Layer for Dropout {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        if !(0.0..1.0).contains(&self.rate) {
            return Err(Error::mismatch("rate", "at least 0 and below 1", self.rate));
        }
        Ok(input.dropout(self.rate))
    }
}
