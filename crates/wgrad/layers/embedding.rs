//! Vectors for tokens.

use wgrad_core::DType;

use crate::error::Error;
use crate::initial::Initial;
use crate::layers::Layer;
use crate::var::Var;

/// A vector for each token, of u32 of any shape `[...]`, to `[..., features]`, as PyTorch's
/// [`Embedding`](https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html). A data set with tokens that have no
/// vector is refused; computed ones that have none get the last.
///
/// Its parameter is `weight`, `[tokens, features]`, drawn normally with deviation 1.
#[derive(Clone, Copy, Debug)]
pub struct Embedding {
    tokens: usize,
    features: usize,
    weight: Initial,
}

impl Embedding {
    /// Vectors of so many features for so many tokens, each at least 1.
    pub fn new(tokens: usize, features: usize) -> Self {
        Self { tokens, features, weight: Initial::Normal { deviation: 1.0 } }
    }

    /// The same with other initial vectors.
    pub fn weight(mut self, initial: Initial) -> Self {
        self.weight = initial;
        self
    }
}

impl Layer for Embedding {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        let kind = input.kind();
        if kind.dtype != DType::U32 {
            return Err(Error::mismatch("input", "tokens of u32", kind));
        }
        input.trace().limit_tokens(input, self.tokens);
        let weight = input.trace().parameter("weight", [self.tokens, self.features], self.weight)?;
        let rows = weight.rows(&input.reshape([kind.shape.elements()]));
        Ok(rows.reshape([kind.shape.dims(), &[self.features]].concat()))
    }
}
