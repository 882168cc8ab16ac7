//! Layer normalisation.

use wgrad_shaders::layer_norm;

use crate::error::Error;
use crate::initial::Initial;
use crate::layers::Layer;
use crate::var::Var;

/// Normalises each vector of the last axis, as PyTorch's
/// [`LayerNorm`](https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html).
///
/// Its parameters are `weight`, ones, and `bias`, zeros.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm {
    features: usize,
    epsilon: f32,
}

impl LayerNorm {
    /// For vectors of so many features, 1 at least, with an epsilon of 1e-5.
    pub fn new(features: usize) -> Self {
        Self { features, epsilon: 1e-5 }
    }

    /// The same with another number added to variances: above 0.
    pub fn epsilon(mut self, epsilon: f32) -> Self {
        self.epsilon = epsilon;
        self
    }
}

impl Layer for LayerNorm {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        if input.shape().dims().last() != Some(&self.features) {
            return Err(Error::mismatch("input", format!("[..., {}]", self.features), input.shape()));
        }
        let vector = |name, value| input.trace().parameter(name, [self.features], Initial::Constant(value));
        let (weight, bias) = (vector("weight", 1.0)?, vector("bias", 0.0)?);
        Ok(input.map(|graph, input| layer_norm(graph, input, self.epsilon)) * weight + bias)
    }
}
