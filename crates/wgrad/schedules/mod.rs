//! How learning rates change in the course of training, as PyTorch's `torch.optim.lr_scheduler` has it.
//!
//! A schedule is a function of the number of updates, or of epochs, that have gone before: each says which it counts.
//! Learning rates are computed in double precision and looked up on the device, so that no step waits for the host.

mod cosine;
mod exponential;
mod one_cycle;
mod step;
mod warmup;

use std::fmt::Debug;

use crate::error::Error;

pub use cosine::CosineAnnealingLR;
pub use exponential::ExponentialLR;
pub use one_cycle::OneCycleLR;
pub use step::StepLR;
pub use warmup::{LinearLR, SequentialLR};

/// What a schedule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Updates of the parameters.
    Step,
    /// Passes over the data.
    Epoch,
}

/// A learning rate that changes in the course of training.
pub trait Schedule: Debug + Send {
    /// Checks what the schedule was made with.
    ///
    /// # Errors
    /// Where a number is out of its range.
    fn check(&self) -> Result<(), Error>;

    /// What it counts.
    fn unit(&self) -> Unit;

    /// The learning rate after so many units of which the optimizer was made with `base`.
    fn learning_rate(&self, base: f64, time: u64) -> f64;

    /// The momentum, or Adam's beta1, after so many units; none where it stays as the optimizer has it.
    fn momentum(&self, time: u64) -> Option<f64> {
        let _ = time;
        None
    }

    /// Whether there is a momentum at any time.
    fn moves_momentum(&self) -> bool {
        self.momentum(0).is_some()
    }
}

impl<S: Schedule + ?Sized> Schedule for Box<S> {
    fn check(&self) -> Result<(), Error> {
        (**self).check()
    }

    fn unit(&self) -> Unit {
        (**self).unit()
    }

    fn learning_rate(&self, base: f64, time: u64) -> f64 {
        (**self).learning_rate(base, time)
    }

    fn momentum(&self, time: u64) -> Option<f64> {
        (**self).momentum(time)
    }

    fn moves_momentum(&self) -> bool {
        (**self).moves_momentum()
    }
}

/// The learning rate that the optimizer was made with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConstantLR;

impl Schedule for ConstantLR {
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    fn unit(&self) -> Unit {
        Unit::Epoch
    }

    fn learning_rate(&self, base: f64, _: u64) -> f64 {
        base
    }
}

/// Fails where a number is no whole period.
fn check_period(what: &str, period: u64) -> Result<(), Error> {
    if period == 0 { Err(Error::mismatch(what, "1 at least", period)) } else { Ok(()) }
}

/// Fails where a factor is negative, NaN or infinite.
fn check_factor(what: &str, factor: f64) -> Result<(), Error> {
    let is_valid = factor >= 0.0 && factor.is_finite();
    if is_valid { Ok(()) } else { Err(Error::mismatch(what, "a finite number, 0 or above", factor)) }
}
