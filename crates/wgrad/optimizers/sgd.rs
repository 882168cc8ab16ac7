//! Gradient descent.

use wgrad_core::Value;
use wgrad_shaders::{Momentum, MomentumInputs, momentum, sgd};

use crate::error::Error;
use crate::optimizers::{Optimizer, Update, check_learning_rate, check_weight_decay};
use crate::tensor::Tensor;

/// Stochastic gradient descent, with momentum and weight decay if wanted, as PyTorch's
/// [`SGD`](https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html) without dampening.
#[derive(Clone, Copy, Debug)]
pub struct Sgd {
    learning_rate: f64,
    momentum: f64,
    weight_decay: f64,
    nesterov: bool,
}

impl Sgd {
    /// `w -= learning_rate * gradient`, with a learning rate of 0 or above.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, momentum: 0.0, weight_decay: 0.0, nesterov: false }
    }

    /// The same with a velocity, `v = momentum * v + gradient`, in the gradient's place; at least 0 and below 1.
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// The same with `gradient + momentum * v` in the gradient's place: Nesterov's momentum, which must be above 0.
    pub fn nesterov(self) -> Self {
        Self { nesterov: true, ..self }
    }

    /// The same with `weight_decay * w` added to the gradient; 0 or above.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl Optimizer for Sgd {
    fn check(&self) -> Result<(), Error> {
        if !(0.0..1.0).contains(&(self.momentum as f32)) {
            return Err(Error::mismatch("momentum", "at least 0 and below 1", self.momentum));
        }
        if self.nesterov && self.momentum == 0.0 {
            return Err(Error::mismatch("Nesterov's momentum", "above 0", self.momentum));
        }
        check_weight_decay(self.weight_decay)?;
        check_learning_rate(self.learning_rate)
    }

    /// The learning rate and the momentum.
    fn schedule(&self) -> Result<Tensor, Error> {
        Ok(Tensor::from([[self.learning_rate as f32, self.momentum as f32]]))
    }

    fn update(&self, update: &mut Update) -> Result<Value, Error> {
        let (learning_rate, weight_decay) = (update.scheduled(0)?, self.weight_decay as f32);
        if self.momentum == 0.0 {
            return Ok(sgd(update.graph, update.parameters, update.gradient, learning_rate, update.scale, weight_decay)?);
        }
        let velocity = update.state("velocity")?;
        let inputs = MomentumInputs {
            parameter: update.parameters,
            gradient: update.gradient,
            velocity,
            learning_rate,
            momentum: update.scheduled(1)?,
            scale: update.scale,
        };
        let [parameters, next] = momentum(update.graph, inputs, Momentum { weight_decay, nesterov: self.nesterov })?;
        update.graph.set_next(velocity, next)?;
        Ok(parameters)
    }
}
