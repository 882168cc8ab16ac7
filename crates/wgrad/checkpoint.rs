//! Whole trainings, apart from any device.

use std::path::Path;

use crate::arena::Given;
use crate::error::Error;
use crate::files::{TensorFile, previous};

/// The text that marks a training.
pub(crate) const MARK: &str = "wgrad";
/// What the names of parameters and buffers begin with.
pub(crate) const MODEL: &str = "model.";
/// What the names of those states begin with that the optimizers keep for the parameters.
pub(crate) const OPTIMIZER: &str = "optimizer.";
/// What the names of all other states begin with.
pub(crate) const STATE: &str = "state.";

/// The tensors of a part of a training, without what their names begin with there; all of them, where a file is none.
pub(crate) fn part(file: &TensorFile, prefix: &str) -> Vec<(String, Given)> {
    file.floats(if file.text(MARK).is_some() { prefix } else { "" })
}

/// All that a training is at one moment: parameters, buffers, the optimizers' states, gathered gradients, the clock, the
/// log, and how far the schedule is. Made by [`Trainer::checkpoint`](crate::Trainer::checkpoint) and
/// [`Training::try_checkpoint`](crate::Training::try_checkpoint); [`Trainer::resume`](crate::Trainer::resume) goes on
/// from it, on any device.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint(pub(crate) TensorFile);

impl Checkpoint {
    /// Writes it to a file of safetensors. The file is replaced at once, when all is on the disk; the one before is kept
    /// beside it as `PATH.previous`.
    ///
    /// # Errors
    /// Where the file cannot be written; it is as it was then.
    pub fn write(self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        self.0.sealed().write(path, Some(&previous(path)))
    }

    /// Reads one.
    ///
    /// # Errors
    /// Where the file cannot be read, or is damaged: the error names the one before, if there is one.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        TensorFile::read(path).map(Self).map_err(|error| with_previous(error, path))
    }
}

/// The error, and that the file before is there, if it is.
fn with_previous(error: Error, path: &Path) -> Error {
    let previous = previous(path);
    match error {
        Error::File { path, message } if previous.exists() => {
            let message = format!("{message}; the training before it is in {}", previous.display());
            Error::File { path, message }
        }
        other => other,
    }
}
