//! How gradients change parameters.

mod adam;
mod adamw;
mod sgd;

use std::fmt::Debug;

use wgrad_core::{Graph, HostTensor, Value};
use wgrad_shaders::slice;

use crate::error::Error;
use crate::tensor::Tensor;

pub use adam::Adam;
pub use adamw::AdamW;
pub use sgd::Sgd;

/// A rule by which parameters follow their gradients.
pub trait Optimizer: Debug {
    /// Checks what the optimizer was made with.
    ///
    /// # Errors
    /// Where a number is out of its range.
    fn check(&self) -> Result<(), Error>;

    /// The numbers that change from step to step in a way that is known beforehand, such as the learning rate: a row for
    /// each step, f32 `[steps, numbers]`, of which the last holds for all later steps too.
    ///
    /// # Errors
    /// Where the table cannot be made.
    fn schedule(&self) -> Result<Tensor, Error>;

    /// Adds the update to the graph, and returns the parameters after it.
    ///
    /// # Errors
    /// Where an operation does not take what it is given.
    fn update(&self, update: &mut Update) -> Result<Value, Error>;
}

impl<O: Optimizer + ?Sized> Optimizer for Box<O> {
    fn check(&self) -> Result<(), Error> {
        (**self).check()
    }

    fn schedule(&self) -> Result<Tensor, Error> {
        (**self).schedule()
    }

    fn update(&self, update: &mut Update) -> Result<Value, Error> {
        (**self).update(update)
    }
}

/// What an optimizer builds its update with. All parameters are one vector.
#[derive(Debug)]
pub struct Update<'a> {
    /// The graph.
    pub graph: &'a mut Graph,
    /// The parameters, f32 `[n]`.
    pub parameters: Value,
    /// The gradient of the mean loss with respect to them, f32 `[n]`.
    pub gradient: Value,
    /// What the gradient is multiplied with, a single f32: where it is 0, nothing may change, not even if the gradient is
    /// NaN.
    pub scale: Value,
    /// This step's row of the schedule.
    pub(crate) scheduled: Value,
}

impl Update<'_> {
    /// One of this step's numbers of the schedule, a single f32.
    ///
    /// # Errors
    /// Where the schedule has no such column.
    pub fn scheduled(&mut self, column: usize) -> Result<Value, Error> {
        Ok(slice(self.graph, self.scheduled, column, [])?)
    }

    /// A vector as long as the parameters that is kept from step to step, and begins as zeros. The optimizer gives it its
    /// next value with [`Graph::set_next`].
    ///
    /// # Errors
    /// Where the graph does not take it.
    pub fn state(&mut self, name: &str) -> Result<Value, Error> {
        let zeros = HostTensor::zeros(self.graph.kind(self.parameters));
        Ok(self.graph.state(format!("optimizer.{name}"), zeros)?)
    }
}

/// Fails where a learning rate is negative, NaN or infinite, or too large for f32.
fn check_learning_rate(learning_rate: f64) -> Result<(), Error> {
    match learning_rate >= 0.0 && (learning_rate as f32).is_finite() {
        true => Ok(()),
        false => Err(Error::mismatch("learning rate", "a finite number, 0 or above", learning_rate)),
    }
}

/// Fails where a weight decay is negative, NaN or infinite, or too large for f32.
fn check_weight_decay(weight_decay: f64) -> Result<(), Error> {
    match weight_decay >= 0.0 && (weight_decay as f32).is_finite() {
        true => Ok(()),
        false => Err(Error::mismatch("weight decay", "a finite number, 0 or above", weight_decay)),
    }
}
