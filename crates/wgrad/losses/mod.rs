//! What training makes small.

mod bce;
mod categorical;
mod cross_entropy;
mod from_fn;
mod mse;

use std::fmt::Debug;

use wgrad_core::{DType, Shape};

use crate::error::Error;
use crate::tensor::Tensor;
use crate::var::Var;

pub use bce::{BCELoss, BCEWithLogitsLoss};
pub use categorical::CategoricalCrossEntropy;
pub use cross_entropy::CrossEntropyLoss;
pub use from_fn::{FromFn, from_fn};
pub use mse::MSELoss;

/// How far a model's outputs are from the targets.
pub trait Loss: Debug + Send {
    /// Checks targets, `[n, ...]`, for a model whose output for one example is of shape `output`.
    ///
    /// # Errors
    /// Where their type or shape does not fit the outputs, or one has a value that the loss does not take.
    fn check(&self, output: &Shape, targets: &Tensor) -> Result<(), Error>;

    /// The losses of a batch. Their mean is what is made small.
    ///
    /// # Errors
    /// Where outputs and targets do not go together.
    fn forward(&self, output: &Var, targets: &Var) -> Result<Losses, Error>;
}

impl<L: Loss + ?Sized> Loss for Box<L> {
    fn check(&self, output: &Shape, targets: &Tensor) -> Result<(), Error> {
        (**self).check(output, targets)
    }

    fn forward(&self, output: &Var, targets: &Var) -> Result<Losses, Error> {
        (**self).forward(output, targets)
    }
}

/// What a loss makes of a batch.
#[derive(Clone, Debug)]
pub struct Losses {
    /// The losses, f32 of any shape.
    pub losses: Var,
    /// 1 where an output is right, else 0, f32 of any shape, of which the mean is the accuracy; none where outputs are
    /// not right or wrong.
    pub hits: Option<Var>,
}

/// Checks that targets are floats of the outputs' shape.
fn check_floats(output: &Shape, targets: &Tensor) -> Result<(), Error> {
    let kind = targets.kind();
    if kind.dtype != DType::F32 || kind.shape.dims().get(1..) != Some(output.dims()) {
        let extents: String = output.dims().iter().map(|extent| format!(", {extent}")).collect();
        return Err(Error::mismatch("targets", format!("f32[n{extents}], as the model's outputs"), kind));
    }
    Ok(())
}

/// Checks that targets are floats from 0 to 1 of the outputs' shape.
fn check_shares(output: &Shape, targets: &Tensor) -> Result<(), Error> {
    check_floats(output, targets)?;
    let elements = targets.to_vec();
    match elements.iter().position(|target| !(0.0..=1.0).contains(target)) {
        Some(index) => {
            let row = index / output.elements();
            Err(Error::mismatch(format!("target of example {row} (counted from 0)"), "0 to 1", elements[index]))
        }
        None => Ok(()),
    }
}
