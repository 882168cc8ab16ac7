//! Gradient descent.

use wgrad_shaders::{momentum, sgd};

use crate::error::Error;
use crate::optimizers::{At, Optimizer, Update, check_learning_rate};
use crate::var::Var;

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

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn numbers(&self, at: At) -> Vec<f32> {
        vec![at.learning_rate as f32]
    }

    fn update(&self, update: &Update) -> Result<Var, Error> {
        let Update { parameters, gradient, scale, .. } = update;
        let inputs = [parameters, gradient, &update.number(0), scale];
        if self.momentum == 0.0 {
            return Ok(parameters
                .with(inputs, |graph, [parameters, gradient, rate, scale]| sgd(graph, parameters, gradient, rate, scale)));
        }
        let velocity = update.state("velocity");
        let [parameters, gradient, rate, scale] = inputs;
        let [parameters, next] = parameters.with_several(
            [parameters, gradient, &velocity, rate, scale],
            |graph, [parameters, gradient, velocity, rate, scale]| {
                momentum(graph, parameters, gradient, velocity, rate, scale, self.momentum)
            },
        );
        velocity.set(&next);
        Ok(parameters)
    }
}
