//! One cycle: up, and further down.

use std::f64::consts::PI;

use crate::error::Error;
use crate::optimizers::check_momentum;
use crate::schedules::{Schedule, Unit, check_factor, check_period};

/// From `max_lr / 25` up to `max_lr` and down to `max_lr / 250,000` along two halves of a cosine, as PyTorch's
/// [`OneCycleLR`](https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html). It counts
/// updates, and takes no notice of the optimizer's learning rate. Meanwhile momentum, or Adam's beta1, goes from 0.95
/// down to 0.85 and up again, unless told not to; SGD that was made without momentum gets it too.
///
/// A training that goes on after the cycle keeps its last learning rate, `max_lr / 250,000`, and its last momentum, without an
/// error, where PyTorch raises one.
#[derive(Clone, Copy, Debug)]
pub struct OneCycleLR {
    max_lr: f64,
    total_steps: u64,
    pct_start: f64,
    momentum: Option<[f64; 2]>,
}

/// How much smaller than the largest the first learning rate is.
const DIV_FACTOR: f64 = 25.0;
/// How much smaller than the first the last one is.
const FINAL_DIV_FACTOR: f64 = 1e4;

impl OneCycleLR {
    /// A cycle of so many updates, 1 at least.
    pub fn new(max_lr: f64, total_steps: u64) -> Self {
        Self { max_lr, total_steps, pct_start: 0.3, momentum: Some([0.85, 0.95]) }
    }

    /// The same where this share of the cycle, between 0 and 1, goes up, instead of 0.3.
    pub fn pct_start(mut self, pct_start: f64) -> Self {
        self.pct_start = pct_start;
        self
    }

    /// The same where the momentum moves between others than 0.85 and 0.95: each at least 0 and below 1.
    pub fn momentum_range(mut self, lowest: f64, highest: f64) -> Self {
        self.momentum = Some([lowest, highest]);
        self
    }

    /// The same where the momentum stays as the optimizer has it.
    pub fn without_momentum(mut self) -> Self {
        self.momentum = None;
        self
    }

    /// A value that goes from the first to the second while the learning rate rises, and to the third while it falls.
    fn anneal(&self, time: u64, [first, peak, last]: [f64; 3]) -> f64 {
        let end = (self.total_steps - 1) as f64;
        let top = self.pct_start * self.total_steps as f64 - 1.0;
        let time = (time as f64).min(end);
        let (from, to, share) =
            if top > 0.0 && time <= top { (first, peak, time / top) } else { (peak, last, (time - top) / (end - top)) };
        to + (from - to) / 2.0 * (1.0 + (PI * share).cos())
    }
}

impl Schedule for OneCycleLR {
    fn check(&self) -> Result<(), Error> {
        check_factor("max_lr", self.max_lr)?;
        check_period("total_steps", self.total_steps)?;
        if !(self.pct_start > 0.0 && self.pct_start < 1.0) {
            return Err(Error::mismatch("pct_start", "above 0 and below 1", self.pct_start));
        }
        self.momentum.into_iter().flatten().try_for_each(|momentum| check_momentum("momentum", momentum))
    }

    fn unit(&self) -> Unit {
        Unit::Step
    }

    fn learning_rate(&self, _: f64, time: u64) -> f64 {
        let first = self.max_lr / DIV_FACTOR;
        self.anneal(time, [first, self.max_lr, first / FINAL_DIV_FACTOR])
    }

    fn momentum(&self, time: u64) -> Option<f64> {
        self.momentum.map(|[lowest, highest]| self.anneal(time, [highest, lowest, highest]))
    }
}
