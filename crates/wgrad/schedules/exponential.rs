//! Exponential decay.

use crate::error::Error;
use crate::schedules::{Schedule, Unit, check_factor};

/// The learning rate times `gamma` every epoch, as PyTorch's
/// [`ExponentialLR`](https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ExponentialLR.html).
#[derive(Clone, Copy, Debug)]
pub struct ExponentialLR {
    gamma: f64,
    unit: Unit,
}

impl ExponentialLR {
    /// A decay by the factor `gamma`, 0 or above.
    pub fn new(gamma: f64) -> Self {
        Self { gamma, unit: Unit::Epoch }
    }

    /// The same where updates are counted instead of epochs.
    pub fn per_step(mut self) -> Self {
        self.unit = Unit::Step;
        self
    }
}

impl Schedule for ExponentialLR {
    fn check(&self) -> Result<(), Error> {
        check_factor("gamma", self.gamma)
    }

    fn unit(&self) -> Unit {
        self.unit
    }

    fn learning_rate(&self, base: f64, time: u64) -> f64 {
        base * self.gamma.powf(time as f64)
    }
}
