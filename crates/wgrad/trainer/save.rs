//! Trained weights, and whole trainings, in files.

use std::path::Path;

use wgrad_core::TensorType;

use crate::error::Error;
use crate::files::{TensorFile, previous};
use crate::graphs::{CLOCK, Clock};
use crate::tensor::Tensor;
use crate::trainer::description::Description;
use crate::trainer::states::States;
use crate::trainer::{Model, Trainer};

/// What the names of parameters and buffers begin with.
const MODEL: &str = "model.";
/// What the names of all other states begin with.
const STATE: &str = "state.";
/// What the names of states begin with that each evaluation writes anew.
const EVALUATION: &str = "evaluation.";

impl Trainer {
    /// Writes all parameters and buffers to a file of safetensors, with PyTorch's names, shapes and types:
    /// `model.load_state_dict(safetensors.torch.load_file(path))` reads them there.
    ///
    /// # Errors
    /// Where the model is not built yet, or the file cannot be written; on errors of the device.
    pub fn save_weights(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let mut file = TensorFile::new();
        file.set_text("format", "pt");
        for (name, tensor) in self.state_dict()? {
            file.set_tensor(name, &tensor);
        }
        file.write(path.as_ref(), None)
    }

    /// Replaces all parameters and buffers by those of a file of safetensors, such as
    /// `safetensors.torch.save_file(model.state_dict(), path)` writes: floats of 16, 32 or 64 bits, and integers of 32 or 64
    /// that f32 holds. The optimizer's state stays as it is.
    ///
    /// # Errors
    /// Where the model is not built yet; where the file cannot be read or is not a whole one; where tensors are missing or unknown,
    /// or their shapes or elements do not fit: the error lists all of them, and nothing was changed; on errors of the device.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let file = TensorFile::read(path.as_ref())?;
        self.replace(&file.floats(""), |_| false)
    }

    /// Writes all that the training is to a file of safetensors, for [`Trainer::load`] to go on from: parameters, buffers,
    /// the optimizers' states, gathered gradients, the clock, the log, and how far the schedule is.
    ///
    /// The file is replaced at once, when all is on the disk; the one before is kept beside it as `PATH.previous`.
    ///
    /// # Errors
    /// Where the model is not built yet, or the file cannot be written; where the loss is no longer finite, so that there is
    /// nothing to go on from; on errors of the device.
    pub fn save(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        self.check_clock()?;
        let mut file = self.described()?;
        for (name, tensor) in self.state_dict()? {
            file.set_tensor(format!("{MODEL}{name}"), &tensor);
        }
        let mut names: Vec<String> = self.loaded_states().into_keys().chain(self.waiting.keys().cloned()).collect();
        names.retain(|name| self.is_kept(name));
        for name in names {
            if let Some(state) = self.state(&name)? {
                file.set_tensor(format!("{STATE}{name}"), &Tensor::from_host(state));
            }
        }
        file.sealed().write(path, Some(&previous(path)))
    }

    /// Goes on from a file that [`Trainer::save`] has written: on the same device, with the same data, later steps have the
    /// same bits as if the training had not been interrupted. A schedule is no part of the file, but how far it is.
    ///
    /// # Errors
    /// Where the file cannot be read, is damaged or no checkpoint; where it is of a training with another model, optimizer,
    /// loss, seed, batch size, accumulation or clipping: the error lists what differs, and nothing was changed; on errors of
    /// the device.
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let file = TensorFile::read(path).map_err(|error| with_previous(error, path))?;
        let failed = |message| Error::File { path: path.to_owned(), message };
        let Description { counts, learning_rate, input } = self.description_in(&file).map_err(failed)?;
        let states = states_in(&file).map_err(failed)?;
        let arenas = self.arenas_in(&file, input)?;
        self.waiting = states.into_iter().chain(arenas).collect();
        self.reset_states(|_| false)?;
        self.counts = counts;
        self.rates.fix(learning_rate);
        Ok(())
    }

    /// Fails where a loss was not finite, even if nobody has looked at the log yet.
    fn check_clock(&mut self) -> Result<(), Error> {
        self.check_running()?;
        let clock = self.state(CLOCK)?.map(|clock| Clock::from_host(&clock)).unwrap_or_default();
        if clock.stop {
            self.take_back(self.counts.steps.saturating_sub(clock.step.into()));
            return Err(self.stop_at(self.counts.steps + 1, None));
        }
        Ok(())
    }

    /// The vectors of parameters and buffers. Builds the model where it is not, but not where they do not fit.
    fn arenas_in(&mut self, file: &TensorFile, input: TensorType) -> Result<States, Error> {
        let was_built = self.model.is_some();
        let arenas = self.build(input).and_then(|()| {
            let Model { parameters, initial } = self.model()?;
            let vectors = parameters.pack(&file.floats(MODEL), initial, |_| false)?;
            Ok(parameters.arenas.iter().map(|arena| arena.state.clone()).zip(vectors).collect())
        });
        if arenas.is_err() && !was_built {
            self.model = None;
        }
        arenas
    }

    /// Whether a state is a part of the training, and not in the file as parameters and buffers.
    fn is_kept(&self, state: &str) -> bool {
        let arenas = self.model.iter().flat_map(|model| &model.parameters.arenas);
        !state.starts_with(EVALUATION) && !arenas.into_iter().any(|arena| arena.state == state)
    }
}

/// All states but parameters and buffers; as text, what is wrong with one.
fn states_in(file: &TensorFile) -> Result<States, String> {
    let states = file.tensors(STATE).into_iter();
    let states = states.map(|(name, state)| match state {
        Ok(state) => Ok((name, state.host().clone())),
        Err(got) => Err(format!("{STATE}{name}: wanted a tensor of F32, U8 or counts in I64, got {got}")),
    });
    states.collect()
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
