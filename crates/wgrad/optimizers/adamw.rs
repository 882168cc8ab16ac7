//! Adam with decoupled weight decay.

use crate::error::Error;
use crate::optimizers::{Adam, At, Optimizer, Update};
use crate::var::Var;

/// Adam whose parameters decay by themselves, `w -= learning_rate * weight_decay * w`, and not by way of the gradient, as
/// PyTorch's [`AdamW`](https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html) by default: betas 0.9 and
/// 0.999, epsilon 1e-8, weight decay 0.01.
#[derive(Clone, Copy, Debug)]
pub struct AdamW(Adam);

impl AdamW {
    /// AdamW with a learning rate of 0 or above.
    pub fn new(learning_rate: f64) -> Self {
        Self(Adam::new(learning_rate).decoupled().weight_decay(0.01))
    }

    /// The same with other decay rates of the means of the gradient and of its square: each at least 0 and below 1.
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self(self.0.betas(beta1, beta2))
    }

    /// The same with another number added to the divisor: finite and positive.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self(self.0.epsilon(epsilon))
    }

    /// The same with another weight decay: 0 or above.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self(self.0.weight_decay(weight_decay))
    }
}

impl Optimizer for AdamW {
    fn check(&self) -> Result<(), Error> {
        self.0.check()
    }

    fn learning_rate(&self) -> f64 {
        self.0.learning_rate()
    }

    fn own_weight_decay(&self) -> Option<f64> {
        self.0.own_weight_decay()
    }

    fn own_momentum(&self) -> Option<f64> {
        self.0.own_momentum()
    }

    fn numbers(&self, at: At) -> Vec<f32> {
        self.0.numbers(at)
    }

    fn update(&self, update: &Update) -> Result<Var, Error> {
        self.0.update(update)
    }
}
