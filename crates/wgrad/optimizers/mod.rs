//! How gradients change parameters.

mod adam;
mod adamw;
mod chain;
mod groups;
mod sgd;

use std::fmt::Debug;

use wgrad_core::HostTensor;
use wgrad_shaders::slice;

use crate::error::Error;
use crate::tensor::Tensor;
use crate::var::Var;

pub use adam::Adam;
pub use adamw::AdamW;
pub use chain::{Chain, chain};
pub use groups::Optimizers;
pub use sgd::SGD;

/// A rule by which parameters follow their gradients.
pub trait Optimizer: Debug + Send {
    /// Checks what the optimizer was made with.
    ///
    /// # Errors
    /// Where a number is out of its range.
    fn check(&self) -> Result<(), Error>;

    /// The learning rate that it was made with, of which a schedule makes those of each update.
    fn learning_rate(&self) -> f64;

    /// The weight decay that it was made with; none where its update knows none, so that nobody can set it.
    fn own_weight_decay(&self) -> Option<f64> {
        None
    }

    /// The momentum, or Adam's beta1, that it was made with; none where its update knows none, so that neither a schedule nor
    /// anybody else can set it. One that hands [`At`] on to another optimizer hands this on too, as its own weight decay.
    fn own_momentum(&self) -> Option<f64> {
        None
    }

    /// The numbers that the update reads and that change from one update to the next: always as many.
    fn numbers(&self, at: At) -> Vec<f32>;

    /// Whether its update keeps a velocity only where [`Update::moves_momentum`] asks for it.
    fn lacks_momentum(&self) -> bool {
        false
    }

    /// Whether its numbers depend on how many updates there were, so that a file of its state has to say so.
    fn counts_updates(&self) -> bool {
        true
    }

    /// Adds the update to the graph, and returns the parameters after it.
    ///
    /// # Errors
    /// Where the update cannot be built.
    fn update(&self, update: &Update) -> Result<Var, Error>;
}

/// What an optimizer makes its numbers of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct At {
    /// The update, counted from 1.
    pub update: u64,
    /// Its learning rate.
    pub learning_rate: f64,
    /// Its weight decay: 0 where [`Optimizer::own_weight_decay`] is none.
    pub weight_decay: f64,
    /// Its momentum, or Adam's beta1: 0 where [`Optimizer::own_momentum`] is none.
    pub momentum: f64,
}

impl<O: Optimizer + ?Sized> Optimizer for Box<O> {
    fn check(&self) -> Result<(), Error> {
        (**self).check()
    }

    fn learning_rate(&self) -> f64 {
        (**self).learning_rate()
    }

    fn own_weight_decay(&self) -> Option<f64> {
        (**self).own_weight_decay()
    }

    fn own_momentum(&self) -> Option<f64> {
        (**self).own_momentum()
    }

    fn numbers(&self, at: At) -> Vec<f32> {
        (**self).numbers(at)
    }

    fn lacks_momentum(&self) -> bool {
        (**self).lacks_momentum()
    }

    fn counts_updates(&self) -> bool {
        (**self).counts_updates()
    }

    fn update(&self, update: &Update) -> Result<Var, Error> {
        (**self).update(update)
    }
}

/// What an optimizer builds its update with. All parameters that it changes are one vector.
#[derive(Clone, Debug)]
pub struct Update {
    /// The parameters, f32 `[n]`.
    pub parameters: Var,
    /// The gradient of the mean loss with respect to them, f32 `[n]`.
    pub gradient: Var,
    /// What the gradient is multiplied with, a single f32: where it is 0, nothing may change, not even if the gradient is
    /// NaN.
    pub scale: Var,
    /// Whether a schedule moves the momentum, so that an optimizer that was made without one has it all the same.
    pub moves_momentum: bool,
    /// This update's numbers of all optimizers.
    pub(crate) numbers: Var,
    /// The first of this one's.
    pub(crate) first: usize,
    /// What its states' names begin with.
    pub(crate) prefix: String,
    /// How many transforms there are around it.
    pub(crate) transforms: usize,
}

/// What files call the number of updates of a parameter, behind its name, as PyTorch does.
pub(crate) const STEP: &str = "step";

impl Update {
    /// One of [`Optimizer::numbers`], a single f32.
    pub fn number(&self, index: usize) -> Var {
        self.numbers.map(|graph, numbers| slice(graph, numbers, self.first + index, []))
    }

    /// The same for a transform of the gradient, whose states have names of their own.
    fn of_transform(&self) -> Self {
        Self { prefix: format!("{}.transform.{}", self.prefix, self.transforms), ..self.clone() }
    }

    /// The same for the optimizer behind a transform.
    fn behind_transform(&self) -> Self {
        Self { transforms: self.transforms + 1, ..self.clone() }
    }

    /// A vector as long as the parameters that is kept from step to step, and begins as zeros. The optimizer gives it its
    /// next value with [`Var::set`]. Files hold it for each parameter under this name, which is any but `step`; other states
    /// are in checkpoints alone.
    pub fn state(&self, name: &str) -> Var {
        if name == STEP {
            let wanted = "a name that does not stand for the number of updates";
            return self.parameters.trace().failed(Error::mismatch("state of an optimizer", wanted, name));
        }
        let zeros = HostTensor::zeros(&self.parameters.kind());
        self.parameters.trace().state(&format!("{}.{name}", self.prefix), Tensor::from_host(zeros.into()))
    }
}

/// Fails where a learning rate is negative, NaN or infinite, or too large for f32.
pub(crate) fn check_learning_rate(learning_rate: f64) -> Result<(), Error> {
    match learning_rate >= 0.0 && (learning_rate as f32).is_finite() {
        true => Ok(()),
        false => Err(Error::mismatch("learning rate", "a finite number, 0 or above", learning_rate)),
    }
}

/// Fails where a weight decay is negative, NaN or infinite, or too large for f32.
pub(crate) fn check_weight_decay(weight_decay: f64) -> Result<(), Error> {
    match weight_decay >= 0.0 && (weight_decay as f32).is_finite() {
        true => Ok(()),
        false => Err(Error::mismatch("weight decay", "a finite number, 0 or above", weight_decay)),
    }
}

/// Fails where a momentum, called `name`, is negative, NaN, or rounded to 1 or above as an f32.
pub(crate) fn check_momentum(name: &str, momentum: f64) -> Result<(), Error> {
    match momentum >= 0.0 && (momentum as f32) < 1.0 {
        true => Ok(()),
        false => Err(Error::mismatch(name, "at least 0, and below 1 as an f32", momentum)),
    }
}
