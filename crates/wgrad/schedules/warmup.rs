//! A slow start, and one schedule after another.

use crate::error::Error;
use crate::schedules::{Schedule, Unit, check_factor, check_period};

/// From `start_factor` times the learning rate evenly up to the whole of it within `total_iters` epochs, as PyTorch's
/// [`LinearLR`](https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LinearLR.html): a warm-up.
#[derive(Clone, Copy, Debug)]
pub struct LinearLR {
    start_factor: f64,
    total_iters: u64,
    unit: Unit,
}

impl LinearLR {
    /// A warm-up of so many epochs, 1 at least.
    pub fn new(start_factor: f64, total_iters: u64) -> Self {
        Self { start_factor, total_iters, unit: Unit::Epoch }
    }

    /// The same where updates are counted instead of epochs.
    pub fn per_step(mut self) -> Self {
        self.unit = Unit::Step;
        self
    }
}

impl Schedule for LinearLR {
    fn check(&self) -> Result<(), Error> {
        check_factor("start_factor", self.start_factor)?;
        check_period("total_iters", self.total_iters)
    }

    fn unit(&self) -> Unit {
        self.unit
    }

    fn learning_rate(&self, base: f64, time: u64) -> f64 {
        let share = time.min(self.total_iters) as f64 / self.total_iters as f64;
        base * (self.start_factor + (1.0 - self.start_factor) * share)
    }
}

/// One schedule until a milestone, another from there on, which counts from 0 again, as PyTorch's
/// [`SequentialLR`](https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.SequentialLR.html). Both
/// count the same.
#[derive(Debug)]
pub struct SequentialLR {
    first: Box<dyn Schedule>,
    milestone: u64,
    second: Box<dyn Schedule>,
}

impl SequentialLR {
    /// `first` for `milestone` units, then `second`.
    pub fn new(first: impl Schedule + 'static, milestone: u64, second: impl Schedule + 'static) -> Self {
        Self { first: Box::new(first), milestone, second: Box::new(second) }
    }

    /// The schedule at a time, and its own time.
    fn at(&self, time: u64) -> (&dyn Schedule, u64) {
        match time.checked_sub(self.milestone) {
            Some(time) => (self.second.as_ref(), time),
            None => (self.first.as_ref(), time),
        }
    }
}

impl Schedule for SequentialLR {
    fn check(&self) -> Result<(), Error> {
        if self.first.unit() != self.second.unit() {
            let [wanted, got] = [&self.first, &self.second].map(|schedule| format!("{:?}", schedule.unit()));
            return Err(Error::mismatch("unit of the second schedule", wanted, got));
        }
        self.first.check()?;
        self.second.check()
    }

    fn unit(&self) -> Unit {
        self.first.unit()
    }

    fn learning_rate(&self, base: f64, time: u64) -> f64 {
        let (schedule, time) = self.at(time);
        schedule.learning_rate(base, time)
    }

    fn momentum(&self, time: u64) -> Option<f64> {
        let (schedule, time) = self.at(time);
        schedule.momentum(time)
    }

    fn moves_momentum(&self) -> bool {
        self.first.moves_momentum() || self.second.moves_momentum()
    }
}
