//! Gradient descent.

use wgrad_core::Value;
use wgrad_shaders::{momentum, sgd};

use crate::error::Error;
use crate::optimizers::{Optimizer, Update, check_learning_rate};
use crate::tensor::Tensor;

/// Stochastic gradient descent, with momentum if wanted, as PyTorch's
/// [`SGD`](https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html).
#[derive(Clone, Copy, Debug)]
pub struct Sgd {
    learning_rate: f64,
    momentum: f32,
}

impl Sgd {
    /// `w -= learning_rate * gradient`, with a learning rate of 0 or above.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, momentum: 0.0 }
    }

    /// The same with a velocity, `v = momentum * v + gradient`, in the gradient's place; at least 0 and below 1.
    pub fn momentum(self, momentum: f32) -> Self {
        Self { momentum, ..self }
    }
}

impl Optimizer for Sgd {
    fn check(&self) -> Result<(), Error> {
        if !(0.0..1.0).contains(&self.momentum) {
            return Err(Error::mismatch("momentum", "at least 0 and below 1", self.momentum));
        }
        check_learning_rate(self.learning_rate)
    }

    fn schedule(&self) -> Result<Tensor, Error> {
        Ok(Tensor::from([[self.learning_rate as f32]]))
    }

    fn update(&self, update: &mut Update) -> Result<Value, Error> {
        let learning_rate = update.scheduled(0)?;
        if self.momentum == 0.0 {
            return Ok(sgd(update.graph, update.parameters, update.gradient, learning_rate, update.scale)?);
        }
        let velocity = update.state("velocity")?;
        let Update { parameters, gradient, scale, .. } = *update;
        let [parameters, next] = momentum(update.graph, parameters, gradient, velocity, learning_rate, scale, self.momentum)?;
        update.graph.set_next(velocity, next)?;
        Ok(parameters)
    }
}
