//! Trained weights, apart from any device.

use std::path::Path;

use crate::arena::Given;
use crate::checkpoint::{MODEL, part};
use crate::error::Error;
use crate::files::TensorFile;
use crate::tensor::Tensor;

/// Parameters and buffers by name, as a file of [safetensors](https://huggingface.co/docs/safetensors) holds them, such as
/// [`Trainer::save_weights`](crate::Trainer::save_weights) or PyTorch writes: floats of 16, 32 or 64 bits, and integers that
/// f32 holds. Of a whole training, as [`Trainer::save`](crate::Trainer::save) writes it, they are those of its model.
#[derive(Clone, Debug)]
pub struct Weights(Vec<(String, Given)>);

impl Weights {
    /// Those of a file.
    ///
    /// # Errors
    /// Where it cannot be read, or is not a whole file of safetensors.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self(part(&TensorFile::read(path.as_ref())?, MODEL)))
    }

    /// Those of a file's bytes, as `include_bytes!` gives them.
    ///
    /// # Errors
    /// Where they are not a whole file of safetensors, or are damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let file = TensorFile::parse(bytes).map_err(|[wanted, got]| Error::mismatch("weights", wanted, got))?;
        Ok(Self(part(&file, MODEL)))
    }

    pub(crate) fn named(&self) -> &[(String, Given)] {
        &self.0
    }
}

impl From<&[(String, Tensor)]> for Weights {
    /// Those of [`Trainer::state_dict`](crate::Trainer::state_dict).
    fn from(named: &[(String, Tensor)]) -> Self {
        Self(named.iter().map(|(name, tensor)| (name.clone(), Ok(tensor.clone()))).collect())
    }
}
