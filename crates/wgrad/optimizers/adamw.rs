//! Adam with decoupled weight decay.

use wgrad_core::Value;

use crate::error::Error;
use crate::optimizers::{Adam, Optimizer, Update};
use crate::tensor::Tensor;

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

    /// The same with other decay rates of the means of the gradient and of its square: each from 0 to 0.99999.
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

    fn schedule(&self) -> Result<Tensor, Error> {
        self.0.schedule()
    }

    fn update(&self, update: &mut Update) -> Result<Value, Error> {
        self.0.update(update)
    }
}
