//! Examples as vectors.

use crate::error::Error;
use crate::layers::Layer;
use crate::var::Var;

/// All axes but the first as one: `[batch, 28, 28]` becomes `[batch, 784]`.
#[derive(Clone, Copy, Debug)]
pub struct Flatten;

impl Layer for Flatten {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        match input.shape().rank() {
            0 => Err(Error::mismatch("input", "[batch, ...]", "a scalar")),
            1 => Ok(input.reshape([input.shape().elements(), 1])),
            _ => Ok(input.flatten(1)),
        }
    }
}
