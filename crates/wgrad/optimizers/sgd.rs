//! Gradient descent.

use wgrad_shaders::{self as ops, Momentum, MomentumInputs, SgdInputs, sgd};

use crate::error::Error;
use crate::optimizers::{At, Optimizer, Update, check_learning_rate, check_momentum, check_weight_decay};
use crate::var::Var;

/// Stochastic gradient descent, with momentum and weight decay if wanted, as PyTorch's
/// [`SGD`](https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html) without dampening.
/// The state of momentum has PyTorch's name, `momentum_buffer`.
#[derive(Clone, Copy, Debug)]
pub struct SGD {
    learning_rate: f64,
    momentum: f64,
    weight_decay: f64,
    nesterov: bool,
}

impl SGD {
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

impl Optimizer for SGD {
    fn check(&self) -> Result<(), Error> {
        check_momentum("momentum", self.momentum)?;
        if self.nesterov && self.momentum == 0.0 {
            return Err(Error::mismatch("Nesterov's momentum", "above 0", self.momentum));
        }
        check_weight_decay(self.weight_decay)?;
        check_learning_rate(self.learning_rate)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn own_weight_decay(&self) -> Option<f64> {
        Some(self.weight_decay)
    }

    fn own_momentum(&self) -> Option<f64> {
        Some(self.momentum)
    }

    /// Learning rate, weight decay and momentum.
    fn numbers(&self, at: At) -> Vec<f32> {
        [at.learning_rate, at.weight_decay, at.momentum].map(|number| number as f32).to_vec()
    }

    fn lacks_momentum(&self) -> bool {
        self.momentum == 0.0
    }

    fn counts_updates(&self) -> bool {
        false
    }

    fn update(&self, update: &Update) -> Result<Var, Error> {
        let Update { parameters, gradient, scale, .. } = update;
        let [rate, decay, factor] = [0, 1, 2].map(|index| update.number(index));
        if self.lacks_momentum() && !update.moves_momentum {
            let inputs = [parameters, gradient, &rate, &decay, scale];
            return Ok(parameters.with(inputs, |graph, [parameter, gradient, learning_rate, weight_decay, scale]| {
                sgd(graph, SgdInputs { parameter, gradient, learning_rate, weight_decay, scale })
            }));
        }
        let velocity = update.state("momentum_buffer");
        let inputs = [parameters, gradient, &velocity, &rate, &factor, &decay, scale];
        let [parameters, next] = parameters.with_several(inputs, |graph, inputs| {
            let [parameter, gradient, velocity, learning_rate, momentum, weight_decay, scale] = inputs;
            let inputs = MomentumInputs { parameter, gradient, velocity, learning_rate, momentum, weight_decay, scale };
            ops::momentum(graph, inputs, Momentum { nesterov: self.nesterov })
        });
        velocity.set(&next);
        Ok(parameters)
    }
}
