//! Examples and what a model should make of them.

use wgrad_core::{DType, HostTensor};

use crate::error::Error;
use crate::inputs::Inputs;
use crate::tensor::Tensor;

/// Inputs and targets, one of each for every example: a whole data set, or a batch of one. A clone shares the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    inputs: Inputs,
    targets: Tensor,
}

impl Dataset {
    /// A data set of inputs, `[n, ...]` of floats or bytes, and targets: classes, `[n]` of integers or bytes, or floats
    /// of the shape of the model's outputs.
    ///
    /// # Errors
    /// Where there are no examples, not as many targets as inputs, inputs are integers, or a number is NaN or infinite.
    pub fn new(inputs: impl Into<Tensor>, targets: impl Into<Tensor>) -> Result<Self, Error> {
        let (inputs, targets) = (inputs.into(), targets.into());
        if inputs.kind().dtype == DType::U32 {
            return Err(Error::mismatch("inputs", "floats or bytes", inputs.kind()));
        }
        for (name, tensor) in [("inputs", &inputs), ("targets", &targets)] {
            if tensor.shape().rank() == 0 || tensor.shape().elements() == 0 {
                return Err(Error::mismatch(name, "one example at least", tensor.kind()));
            }
            check_finite(name, tensor)?;
        }
        if inputs.rows() != targets.rows() {
            let wanted = format!("{}, one for each input", inputs.rows());
            return Err(Error::mismatch("targets", wanted, targets.rows()));
        }
        Ok(Self { inputs: inputs.into(), targets })
    }

    /// The same data set whose inputs reach the model as `(x - mean) / deviation`, where bytes are divided by 255
    /// first: what PyTorch's `ToTensor` and `Normalize` make of an image. The data stay as they are.
    ///
    /// # Errors
    /// Where the mean is not finite, or the deviation not finite and positive.
    pub fn normalized(self, mean: f64, deviation: f64) -> Result<Self, Error> {
        Ok(Self { inputs: self.inputs.normalized(mean, deviation)?, ..self })
    }

    /// The inputs.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The targets.
    pub fn targets(&self) -> &Tensor {
        &self.targets
    }

    /// The number of examples: at least 1.
    #[allow(clippy::len_without_is_empty, reason = "no data set is empty")]
    pub fn len(&self) -> usize {
        self.inputs.rows()
    }

    /// The examples that `indices` name, in that order.
    ///
    /// # Errors
    /// Where there are no indices, or one is not below [`Dataset::len`].
    pub fn select(&self, indices: &[usize]) -> Result<Self, Error> {
        if indices.is_empty() {
            return Err(Error::mismatch("examples", "one at least", 0));
        }
        Ok(Self { inputs: self.inputs.select(indices)?, targets: self.targets.select(indices)? })
    }

    /// As [`Dataset::select`], for indices that are known to be there.
    pub(crate) fn pick(&self, indices: &[usize]) -> Self {
        Self { inputs: self.inputs.pick(indices), targets: self.targets.pick(indices) }
    }
}

fn check_finite(tensor: &'static str, values: &Tensor) -> Result<(), Error> {
    let HostTensor::F32(shape, elements) = &**values.host() else { return Ok(()) };
    let columns = shape.elements() / values.rows();
    match elements.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(Error::NotANumber { tensor, row: index / columns, column: index % columns, value: elements[index] }),
        None => Ok(()),
    }
}
