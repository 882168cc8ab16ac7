//! Mean squared error.

use wgrad_core::Shape;

use crate::error::Error;
use crate::losses::{Loss, Losses, check_floats};
use crate::tensor::Tensor;
use crate::var::Var;

/// The mean of `(output - target)^2` over all elements, as PyTorch's
/// [`MSELoss`](https://docs.pytorch.org/docs/stable/generated/torch.nn.MSELoss.html). Targets are of the outputs' shape.
#[derive(Clone, Copy, Debug)]
pub struct MSELoss;

impl Loss for MSELoss {
    fn check(&self, output: &Shape, targets: &Tensor) -> Result<(), Error> {
        check_floats(output, targets)
    }

    fn forward(&self, output: &Var, targets: &Var) -> Result<Losses, Error> {
        Ok(Losses { losses: (output - targets).square(), hits: None })
    }
}
