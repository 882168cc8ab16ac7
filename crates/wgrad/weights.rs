//! Trained weights, apart from any device.

use std::path::Path;

use crate::error::Error;
use crate::files::TensorFile;
use crate::parameters::Given;
use crate::tensor::Tensor;

/// Parameters and buffers by name, as a file of [safetensors](https://huggingface.co/docs/safetensors) holds them, such as
/// [`Trainer::save_weights`](crate::Trainer::save_weights) or PyTorch writes: floats of 16, 32 or 64 bits, and integers that
/// f32 holds.
#[derive(Clone, Debug)]
pub struct Weights(Vec<(String, Given)>);

impl Weights {
    /// Those of a file.
    ///
    /// # Errors
    /// Where it cannot be read, or is not a whole file of safetensors.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self(TensorFile::read(path.as_ref())?.floats("")))
    }

    /// Those of a file's bytes, as `include_bytes!` gives them.
    ///
    /// # Errors
    /// Where they are not a whole file of safetensors.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let file = TensorFile::parse(bytes).map_err(|got| Error::mismatch("weights", "a whole file of safetensors", got))?;
        Ok(Self(file.floats("")))
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
