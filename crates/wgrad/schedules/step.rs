//! Steps down.

use crate::error::Error;
use crate::schedules::{Schedule, Unit, check_factor, check_period};

/// The learning rate times `gamma` every `step_size` epochs, as PyTorch's
/// [`StepLR`](https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html).
#[derive(Clone, Copy, Debug)]
pub struct StepLR {
    step_size: u64,
    gamma: f64,
    unit: Unit,
}

impl StepLR {
    /// A step down every so many epochs, 1 at least; PyTorch's default of `gamma` is 0.1.
    pub fn new(step_size: u64, gamma: f64) -> Self {
        Self { step_size, gamma, unit: Unit::Epoch }
    }

    /// The same where updates are counted instead of epochs.
    pub fn per_step(mut self) -> Self {
        self.unit = Unit::Step;
        self
    }
}

impl Schedule for StepLR {
    fn check(&self) -> Result<(), Error> {
        check_period("step size", self.step_size)?;
        check_factor("gamma", self.gamma)
    }

    fn unit(&self) -> Unit {
        self.unit
    }

    fn learning_rate(&self, base: f64, time: u64) -> f64 {
        base * self.gamma.powf((time / self.step_size) as f64)
    }
}
