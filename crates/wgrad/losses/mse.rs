//! Mean squared error.

use wgrad_core::{Graph, Shape, Value};
use wgrad_shaders::{mul, sub};

use crate::error::Error;
use crate::losses::{Loss, Losses, check_floats};
use crate::tensor::Tensor;

/// The mean of `(output - target)^2` over all elements, as PyTorch's
/// [`MSELoss`](https://docs.pytorch.org/docs/stable/generated/torch.nn.MSELoss.html). Targets are of the outputs' shape.
#[derive(Clone, Copy, Debug)]
pub struct MseLoss;

impl Loss for MseLoss {
    fn check(&self, output: &Shape, targets: &Tensor) -> Result<(), Error> {
        check_floats(output, targets)
    }

    fn forward(&self, graph: &mut Graph, output: Value, targets: Value) -> Result<Losses, Error> {
        let difference = sub(graph, output, targets)?;
        Ok(Losses { losses: mul(graph, difference, difference)?, hits: None })
    }
}
