//! Binary cross-entropy.

use wgrad_core::Shape;
use wgrad_shaders::{binary_cross_entropy, binary_cross_entropy_with_logits, binary_hits, binary_hits_with_logits};

use crate::error::Error;
use crate::losses::{Loss, Losses, check_shares};
use crate::tensor::Tensor;
use crate::var::Var;

/// The mean of `-(t log p + (1 - t) log(1 - p))` over all elements, for probabilities `p`, such as a sigmoid gives, and
/// targets `t` from 0 to 1 of their shape.
///
/// Logarithms end at -100, as in PyTorch's [`BCELoss`](https://docs.pytorch.org/docs/stable/generated/torch.nn.BCELoss.html).
/// An output is right where it lies on the target's side of one half.
#[derive(Clone, Copy, Debug)]
pub struct BCELoss;

impl Loss for BCELoss {
    fn check(&self, output: &Shape, targets: &Tensor) -> Result<(), Error> {
        check_shares(output, targets)
    }

    fn forward(&self, output: &Var, targets: &Var) -> Result<Losses, Error> {
        let losses = output.zip(targets, binary_cross_entropy);
        Ok(Losses { losses, hits: Some(output.zip(targets, binary_hits)) })
    }
}

/// [`BCELoss`] of `1 / (1 + e^-x)` for logits `x`, without loss of precision, as PyTorch's
/// [`BCEWithLogitsLoss`](https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html).
///
/// The model ends without a sigmoid.
#[derive(Clone, Copy, Debug)]
pub struct BCEWithLogitsLoss;

impl Loss for BCEWithLogitsLoss {
    fn check(&self, output: &Shape, targets: &Tensor) -> Result<(), Error> {
        check_shares(output, targets)
    }

    fn forward(&self, output: &Var, targets: &Var) -> Result<Losses, Error> {
        let losses = output.zip(targets, binary_cross_entropy_with_logits);
        Ok(Losses { losses, hits: Some(output.zip(targets, binary_hits_with_logits)) })
    }
}
