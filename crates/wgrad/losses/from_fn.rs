//! Losses that are functions.

use std::fmt;

use wgrad_core::Shape;

use crate::error::Error;
use crate::losses::{Loss, Losses};
use crate::tensor::Tensor;
use crate::var::Var;

/// A loss that is a function of outputs and targets, which may be anything that the function takes.
///
/// ```
/// # use wgrad::losses::{self, Losses};
/// # use wgrad::prelude::*;
/// let absolute = losses::from_fn(|output, target| Ok(Losses { losses: (output - target).abs(), hits: None }));
/// let data = Dataset::new([[0.0], [1.0]], [[1.0], [3.0]])?;
/// let mut trainer = Trainer::new(&Device::cpu(), Linear::new(1, 1), absolute, SGD::new(0.1), Options::default())?;
/// assert!(trainer.step(&data)? > 0.0);
/// # Ok::<(), Error>(())
/// ```
pub fn from_fn<F: Fn(&Var, &Var) -> Result<Losses, Error> + Send>(forward: F) -> FromFn<F> {
    FromFn(forward)
}

/// What [`from_fn`] makes.
#[derive(Clone, Copy)]
pub struct FromFn<F>(F);

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("FromFn")
    }
}

impl<F: Fn(&Var, &Var) -> Result<Losses, Error> + Send> Loss for FromFn<F> {
    fn check(&self, _: &Shape, _: &Tensor) -> Result<(), Error> {
        Ok(())
    }

    fn forward(&self, output: &Var, targets: &Var) -> Result<Losses, Error> {
        (self.0)(output, targets)
    }
}
