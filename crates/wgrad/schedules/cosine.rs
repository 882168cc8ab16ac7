//! Cosine annealing.

use std::f64::consts::PI;

use crate::error::Error;
use crate::schedules::{Schedule, Unit, check_factor, check_period};

/// From the learning rate to `eta_min` along half a cosine of `t_max` epochs, and back in the next, as PyTorch's
/// [`CosineAnnealingLR`](https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingLR.html).
#[derive(Clone, Copy, Debug)]
pub struct CosineAnnealingLR {
    t_max: u64,
    eta_min: f64,
    unit: Unit,
}

impl CosineAnnealingLR {
    /// Half a cosine of so many epochs, 1 at least, down to 0.
    pub fn new(t_max: u64) -> Self {
        Self { t_max, eta_min: 0.0, unit: Unit::Epoch }
    }

    /// The same down to another learning rate, 0 or above.
    pub fn eta_min(mut self, eta_min: f64) -> Self {
        self.eta_min = eta_min;
        self
    }

    /// The same where updates are counted instead of epochs.
    pub fn per_step(mut self) -> Self {
        self.unit = Unit::Step;
        self
    }
}

impl Schedule for CosineAnnealingLR {
    fn check(&self) -> Result<(), Error> {
        check_period("t_max", self.t_max)?;
        check_factor("eta_min", self.eta_min)
    }

    fn unit(&self) -> Unit {
        self.unit
    }

    fn learning_rate(&self, base: f64, time: u64) -> f64 {
        let phase = PI * time as f64 / self.t_max as f64;
        self.eta_min + (base - self.eta_min) * (1.0 + phase.cos()) / 2.0
    }
}
