//! What a model takes: examples as they are stored, and what a kernel makes of them when it reads them.

use wgrad_core::{DType, HostTensor};

use crate::error::Error;
use crate::tensor::Tensor;

/// Examples, `[n, ...]` of floats, bytes or tokens (integers), and how they are scaled on their way into the model.
///
/// Bytes stay bytes on the device: a quarter of the memory, and of what is read in each step.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    tensor: Tensor,
    normalization: Option<Normalization>,
}

/// `x * scale + offset` of each element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalization {
    /// What each element is multiplied with.
    pub scale: f32,
    /// What is added to each product.
    pub offset: f32,
}

impl Inputs {
    /// The examples as they are stored.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// How they are scaled; none where the model gets them as they are.
    pub fn normalization(&self) -> Option<Normalization> {
        self.normalization
    }

    /// What the model gets: integers as they are, else floats.
    pub fn dtype(&self) -> DType {
        if self.tensor.kind().dtype == DType::U32 { DType::U32 } else { DType::F32 }
    }

    /// The examples that `indices` name, known to be there, as floats that are scaled.
    pub(crate) fn scaled(&self, indices: &[usize]) -> Tensor {
        let rows = self.tensor.pick(indices);
        let Some(Normalization { scale, offset }) = self.normalization else { return rows };
        let elements = rows.to_vec().into_iter().map(|element| element * scale + offset).collect();
        Tensor::from_host(HostTensor::F32(rows.shape().clone(), elements).into())
    }

    /// Fails where a token is not below a number.
    pub(crate) fn check_tokens(&self, below: usize) -> Result<(), Error> {
        let HostTensor::U32(shape, tokens) = &**self.tensor.host() else { return Ok(()) };
        match tokens.iter().position(|&token| token as usize >= below) {
            Some(place) => {
                let example = place / (shape.elements() / self.rows());
                Err(Error::mismatch(
                    format!("token in example {example} (counted from 0)"),
                    format!("below {below}"),
                    tokens[place],
                ))
            }
            None => Ok(()),
        }
    }

    /// The same examples in another shape, without the axis of examples.
    ///
    /// # Errors
    /// Where an example of that shape has more or fewer elements.
    pub(crate) fn reshaped(self, example: &[usize]) -> Result<Self, Error> {
        let shape = [&[self.rows()], example].concat();
        Ok(Self { tensor: self.tensor.reshaped(shape)?, ..self })
    }

    /// The number of examples.
    pub fn rows(&self) -> usize {
        self.tensor.rows()
    }

    /// The examples that `indices` name, in that order.
    ///
    /// # Errors
    /// Where an index is not below the number of examples.
    pub fn select(&self, indices: &[usize]) -> Result<Self, Error> {
        Ok(Self { tensor: self.tensor.select(indices)?, normalization: self.normalization })
    }

    /// As [`Inputs::select`], for indices that are known to be there.
    pub(crate) fn pick(&self, indices: &[usize]) -> Self {
        Self { tensor: self.tensor.pick(indices), normalization: self.normalization }
    }

    /// The same examples as `(x - mean) / deviation`, where bytes are divided by 255 first: what PyTorch's `ToTensor`
    /// and `Normalize` make of an image.
    ///
    /// # Errors
    /// Where the examples are integers, the mean is not finite, or the deviation not finite and positive; where f32 cannot hold
    /// what they are multiplied with.
    pub(crate) fn normalized(self, mean: f64, deviation: f64) -> Result<Self, Error> {
        if self.dtype() == DType::U32 {
            return Err(Error::mismatch("inputs to normalize", "floats or bytes", self.tensor.kind()));
        }
        if !mean.is_finite() {
            return Err(Error::mismatch("mean", "a finite number", mean));
        }
        if !(deviation.is_finite() && deviation > 0.0) {
            return Err(Error::mismatch("deviation", "a finite number above 0", deviation));
        }
        let largest = if self.tensor.kind().dtype == DType::U8 { 255.0 } else { 1.0 };
        let (scale, offset) = ((1.0 / (largest * deviation)) as f32, (-mean / deviation) as f32);
        if !scale.is_finite() {
            return Err(Error::mismatch("deviation", "a finite number above 0 whose inverse is an f32", deviation));
        }
        if !offset.is_finite() {
            return Err(Error::mismatch("mean", "a finite number that is an f32 by the deviation", mean));
        }
        Ok(Self { normalization: Some(Normalization { scale, offset }), ..self })
    }
}

impl From<Tensor> for Inputs {
    /// Floats and integers as they are; bytes from 0 to 1, as PyTorch's `ToTensor` has them.
    fn from(tensor: Tensor) -> Self {
        let is_bytes = tensor.kind().dtype == DType::U8;
        let normalization = is_bytes.then_some(Normalization { scale: 1.0 / 255.0, offset: 0.0 });
        Self { tensor, normalization }
    }
}

impl<const ROWS: usize, const COLUMNS: usize> From<[[f32; COLUMNS]; ROWS]> for Inputs {
    /// One example a row.
    fn from(rows: [[f32; COLUMNS]; ROWS]) -> Self {
        Tensor::from(rows).into()
    }
}

impl From<&Tensor> for Inputs {
    fn from(tensor: &Tensor) -> Self {
        tensor.clone().into()
    }
}

impl From<&Inputs> for Inputs {
    fn from(inputs: &Inputs) -> Self {
        inputs.clone()
    }
}
