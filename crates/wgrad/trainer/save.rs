//! Trained weights, and whole trainings, in files.

use std::path::Path;
use std::sync::Arc;

use wgrad_core::{HostTensor, TensorType};

use crate::arena::mismatches;
use crate::checkpoint::{Checkpoint, MODEL, OPTIMIZER, STATE};
use crate::error::Error;
use crate::files::TensorFile;
use crate::graphs::{CLOCK, Clock};
use crate::tensor::Tensor;
use crate::trainer::description::Description;
use crate::trainer::states::States;
use crate::trainer::{Model, Trainer};
use crate::weights::Weights;

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
    /// that f32 holds. Of a whole training they are those of its model. The optimizer's state stays as it is, and so does a
    /// training whose loss was no longer finite: [`Trainer::load`] and [`Trainer::restore`] go back before that.
    ///
    /// # Errors
    /// Where the model is not built yet; where the file cannot be read or is not a whole one; where tensors are missing or unknown,
    /// or their shapes or elements do not fit: the error lists all of them, and nothing was changed; on errors of the device.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.replace(Weights::read(path)?.named(), |_| false)
    }

    /// Writes all that the training is to a file of safetensors, for [`Trainer::load`] to go on from: as
    /// [`Trainer::checkpoint`] and [`Checkpoint::write`].
    ///
    /// # Errors
    /// As there.
    pub fn save(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.checkpoint()?.write(path)
    }

    /// Goes on from a file that [`Trainer::save`] has written: as [`Checkpoint::read`] and [`Trainer::resume`].
    ///
    /// # Errors
    /// As there; the error names the file.
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        self.resume(&Checkpoint::read(path)?).map_err(|error| match error {
            Error::Checkpoint { message } => Error::File { path: path.to_owned(), message },
            error @ Error::Parameters(_) => Error::File { path: path.to_owned(), message: error.to_string() },
            other => other,
        })
    }

    /// All that the training is now.
    ///
    /// # Errors
    /// Where the model is not built yet; where the loss is no longer finite, so that there is nothing to go on from; on errors
    /// of the device.
    pub fn checkpoint(&mut self) -> Result<Checkpoint, Error> {
        self.check_clock()?;
        let (empty, mut states) = (self.empty_checkpoint()?, self.host_states()?);
        for name in self.device_states() {
            let state = self.backend.read_state(&name)?;
            states.insert(name, state);
        }
        self.filled_checkpoint(empty, states)
    }

    /// Goes on from a checkpoint: on the same kind of device, with the same data, later steps have the same bits as if the
    /// training had not been interrupted. The schedule has to be set before, and may be replaced by another one after it.
    ///
    /// # Errors
    /// Where it is of a training with other parameters, optimizers or states, or another loss, schedule, seed, batch size,
    /// accumulation, clipping or precision: the error lists what differs, and nothing was changed; on errors of the device. What
    /// the model computes with its parameters is not compared, and what callbacks remember is no part of it.
    pub fn resume(&mut self, Checkpoint(file): &Checkpoint) -> Result<(), Error> {
        let failed = |message| Error::Checkpoint { message };
        let Description { counts, overrides, input, moves_momentum } = self.description_in(file).map_err(failed)?;
        let states = states_in(file).map_err(failed)?;
        self.check_states(&states).map_err(failed)?;
        let moves_momentum = self.check_momentum_moves(moves_momentum)?;
        let vectors = self.vectors_in(file, input, moves_momentum)?;
        if moves_momentum {
            self.numbers.move_momentum();
        }
        self.waiting = states.into_iter().chain(vectors).collect();
        self.reset_states(|_| false)?;
        self.counts = counts;
        *self.numbers.overrides_mut() = overrides;
        Ok(())
    }

    /// A checkpoint that says what training it is of, and how far that is, but has no tensors.
    pub(crate) fn empty_checkpoint(&self) -> Result<Checkpoint, Error> {
        self.described().map(Checkpoint)
    }

    /// A checkpoint with the values of all states, as they were when it was described: [`Trainer::host_states`], and in their
    /// places [`Trainer::device_states`].
    ///
    /// # Errors
    /// Where the loss was no longer finite.
    pub(crate) fn filled_checkpoint(&self, Checkpoint(mut file): Checkpoint, states: States) -> Result<Checkpoint, Error> {
        let clock = states.get(CLOCK).map(|clock| Clock::from_host(clock)).unwrap_or_default();
        if clock.stop {
            return Err(Error::NotFinite { step: u64::from(clock.step) + 1, epoch: None });
        }
        let (optimizers, model) = (self.optimizer_arenas(self.numbers.moves_momentum())?, &self.model()?.parameters.arenas);
        let arenas = model.iter().map(|arena| (MODEL, arena)).chain(optimizers.iter().map(|arena| (OPTIMIZER, arena)));
        for (name, state) in states {
            match arenas.clone().find(|(_, arena)| arena.state == name) {
                Some((prefix, arena)) => arena.unpack(&state).into_iter().for_each(|(entry, tensor)| {
                    file.set_tensor(format!("{prefix}{entry}"), &tensor);
                }),
                None => file.set_tensor(format!("{STATE}{name}"), &Tensor::from_host(state)),
            }
        }
        Ok(Checkpoint(file))
    }

    /// The states that a checkpoint holds, as far as the host knows them: parameters, buffers and what optimizers keep before
    /// the first step, and what waits for a graph that has it.
    pub(crate) fn host_states(&self) -> Result<States, Error> {
        let Model { parameters, initial } = self.model()?;
        let model = parameters.arenas.iter().map(|arena| arena.state.clone()).zip(initial.clone());
        let optimizers = self.optimizer_arenas(self.numbers.moves_momentum())?;
        let zeros = optimizers.iter().map(|arena| (arena.state.clone(), HostTensor::zeros(&arena.kind()).into()));
        Ok(zeros.chain(model).chain(self.waiting.clone()).filter(|(name, _)| is_kept(name)).collect())
    }

    /// The names of the states that a checkpoint holds and the device has.
    pub(crate) fn device_states(&self) -> Vec<String> {
        self.loaded_states().into_keys().filter(|name| is_kept(name)).collect()
    }

    /// Fails where a loss was not finite, even if nobody has looked at the log yet.
    pub(super) fn check_clock(&mut self) -> Result<(), Error> {
        self.check_running()?;
        let clock = self.state(CLOCK)?.map(|clock| Clock::from_host(&clock)).unwrap_or_default();
        if clock.stop {
            self.counts.back_to(clock.step.into(), self.options.accumulation);
            return Err(self.stop_at(self.counts.steps + 1, None));
        }
        Ok(())
    }

    /// Fails where a state is of another type than the one that the device has; the text says which.
    fn check_states(&self, states: &States) -> Result<(), String> {
        self.loaded_states().iter().try_for_each(|(name, own)| match states.get(name) {
            Some(state) if state.kind() != own.kind() => {
                Err(format!("{STATE}{name}: wanted {}, got {}", own.kind(), state.kind()))
            }
            _ => Ok(()),
        })
    }

    /// Whether optimizers that were made without momentum have one, where a file says so or a schedule has moved it here.
    fn check_momentum_moves(&self, in_file: bool) -> Result<bool, Error> {
        let moves = self.numbers.moves_momentum();
        if in_file && !moves && self.has_plans_in_use {
            let wanted = "that of a training whose schedules have moved no momentum, while steps are recorded by a plan without";
            return Err(Error::mismatch("checkpoint", wanted, "one whose schedules have"));
        }
        Ok(in_file || moves)
    }

    /// The vectors of parameters, buffers, and what the optimizers keep. Builds the model where it is not, but not where they
    /// do not fit.
    fn vectors_in(&mut self, file: &TensorFile, input: TensorType, moves_momentum: bool) -> Result<States, Error> {
        let was_built = self.model.is_some();
        let vectors = self.build(input).and_then(|()| {
            let (weights, kept) = (file.floats(MODEL), file.floats(OPTIMIZER));
            let optimizers = self.optimizer_arenas(moves_momentum)?;
            let Model { parameters, initial } = self.model()?;
            let entries = optimizers.iter().flat_map(|arena| &arena.entries);
            let mismatches =
                [mismatches(parameters.entries(), &weights, |_| false), mismatches(entries, &kept, |_| false)].concat();
            if !mismatches.is_empty() {
                return Err(Error::Parameters(mismatches));
            }
            self.check_groups(file)?;
            let model = parameters.arenas.iter().zip(initial).map(|(arena, initial)| (arena, arena.replaced(&weights, initial)));
            let optimizers = optimizers.iter().map(|arena| (arena, arena.replaced(&kept, &HostTensor::zeros(&arena.kind()))));
            Ok(model.chain(optimizers).map(|(arena, vector)| (arena.state.clone(), Arc::new(vector))).collect())
        });
        if vectors.is_err() && !was_built {
            self.model = None;
        }
        vectors
    }
}

/// Whether a state is a part of the training.
fn is_kept(state: &str) -> bool {
    !state.starts_with(EVALUATION)
}

/// All states but parameters and buffers; as text, what is wrong with one.
fn states_in(file: &TensorFile) -> Result<States, String> {
    let states = file.tensors(STATE).into_iter();
    let states = states.map(|(name, state)| match state {
        Ok(state) => Ok((name, state.host().clone())),
        Err(got) => Err(format!("{STATE}{name}: wanted a tensor of F32, F16, U8 or counts in I64, got {got}")),
    });
    states.collect()
}
