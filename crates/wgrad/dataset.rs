//! Examples and what a model should make of them.

mod of_table;
mod part;
mod standardization;
mod targets;

use std::sync::Arc;

use wgrad_core::HostTensor;

use crate::error::Error;
use crate::inputs::Inputs;
use crate::tensor::Tensor;

pub use standardization::Standardization;

use targets::Targets;

/// Inputs and targets, one of each for every example: a whole data set, or a batch of one. A clone shares the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    inputs: Inputs,
    targets: Targets,
}

impl Dataset {
    /// A data set of inputs, `[n, ...]` of floats, bytes or tokens (integers), and targets: classes, `[n]` of integers
    /// or bytes, or floats of the shape of the model's outputs.
    ///
    /// # Errors
    /// Where there are no examples, not as many targets as inputs, or a number is NaN or infinite.
    pub fn new(inputs: impl Into<Tensor>, targets: impl Into<Tensor>) -> Result<Self, Error> {
        let (inputs, targets) = (inputs.into(), targets.into());
        check("inputs", &inputs)?;
        check("targets", &targets)?;
        if inputs.rows() != targets.rows() {
            let wanted = format!("{}, one for each input", inputs.rows());
            return Err(Error::mismatch("targets", wanted, targets.rows()));
        }
        Ok(Self::of_known(inputs, targets))
    }

    /// As [`Dataset::new`], for tensors that are known to go together.
    pub(crate) fn of_known(inputs: impl Into<Tensor>, targets: impl Into<Tensor>) -> Self {
        Self { inputs: inputs.into().into(), targets: Targets::Stored(targets.into()) }
    }

    /// The same data set whose inputs reach the model as `(x - mean) / deviation`, where bytes are divided by 255
    /// first: what PyTorch's `ToTensor` and `Normalize` make of an image. The data stay as they are.
    ///
    /// # Errors
    /// Where the inputs are tokens, the mean is not finite, or the deviation not finite and positive; where f32 cannot hold
    /// what they are multiplied with.
    pub fn normalized(self, mean: f64, deviation: f64) -> Result<Self, Error> {
        Ok(Self { inputs: self.inputs.normalized(mean, deviation)?, ..self })
    }

    /// The same data set whose inputs have another shape, without the axis of examples: `&[1, 28, 28]` makes images
    /// of one channel of rows of 784 pixels.
    ///
    /// # Errors
    /// Where an example of that shape has more or fewer elements.
    pub fn reshaped(self, example: &[usize]) -> Result<Self, Error> {
        Ok(Self { inputs: self.inputs.reshaped(example)?, ..self })
    }

    /// The inputs.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// Whether another holds the same tensors, and not only equal ones.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let is_one = |own: &Tensor, other: &Tensor| Arc::ptr_eq(own.host(), other.host());
        is_one(self.inputs.tensor(), other.inputs.tensor()) && is_one(self.targets(), other.targets())
    }

    /// The number of examples: at least 1.
    #[allow(clippy::len_without_is_empty, reason = "no data set is empty")]
    pub fn len(&self) -> usize {
        self.inputs.rows()
    }
}

/// Checks that there is an example and that all numbers are finite.
fn check(name: &'static str, tensor: &Tensor) -> Result<(), Error> {
    if tensor.shape().rank() == 0 || tensor.shape().elements() == 0 {
        return Err(Error::mismatch(name, "one example at least", tensor.kind()));
    }
    let HostTensor::F32(shape, elements) = &**tensor.host() else { return Ok(()) };
    let columns = shape.elements() / tensor.rows();
    match elements.iter().position(|value| !value.is_finite()) {
        Some(index) => {
            Err(Error::NotANumber { tensor: name, row: index / columns, column: index % columns, value: elements[index] })
        }
        None => Ok(()),
    }
}
