//! What the optimizers keep from step to step, by the names that PyTorch has for it.

use std::path::Path;

use wgrad_core::{HostTensor, Shape};

use crate::arena::{Arena, Entry, Role, mismatches};
use crate::error::Error;
use crate::files::TensorFile;
use crate::graphs::{self, CLOCK, Clock};
use crate::initial::Initial;
use crate::trainer::Trainer;

/// What PyTorch calls the number of updates that a parameter has had, behind its name.
const STEP: &str = "step";

impl Trainer {
    /// Writes what the optimizers keep to a file of safetensors. For each parameter it has PyTorch's states, with their names and
    /// the parameter's shape, such as `0.weight.exp_avg` and `0.weight.exp_avg_sq` of Adam or `0.weight.momentum_buffer` of SGD;
    /// and where the optimizer counts its updates, `0.weight.step`, a single f32. Before the first step the states are zeros.
    ///
    /// PyTorch takes it into an optimizer so:
    ///
    /// ```python
    /// for name, value in load_file("optimizer.safetensors").items():
    ///     parameter, key = name.rsplit(".", 1)
    ///     optimizer.state[model.get_parameter(parameter)][key] = value
    /// ```
    ///
    /// ```
    /// # use wgrad::prelude::*;
    /// # let path = std::env::temp_dir().join(format!("wgrad optimizer {}", std::process::id()));
    /// let open = || Trainer::new(&Device::cpu(), Linear::new(2, 1), MSELoss, Adam::new(0.1), Options::default());
    /// let (data, mut trainer, mut other) = (Dataset::new([[1.0, 2.0]], [[3.0]])?, open()?, open()?);
    /// trainer.step(&data)?;
    /// trainer.save_optimizer(&path)?;
    ///
    /// other.build(&[2])?;
    /// other.load_state_dict(&trainer.state_dict()?)?;
    /// other.load_optimizer(&path)?;
    /// assert_eq!(other.step(&data)?, trainer.step(&data)?);
    /// # std::fs::remove_file(&path).ok();
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the model is not built yet, or the file cannot be written; on errors of the device.
    pub fn save_optimizer(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let mut file = TensorFile::new();
        file.set_text("format", "pt");
        for arena in self.optimizer_arenas()? {
            let state = self.state(&arena.state)?.unwrap_or_else(|| HostTensor::zeros(&arena.kind()).into());
            arena.unpack(&state).into_iter().for_each(|(name, tensor)| file.set_tensor(name, &tensor));
        }
        let clock = self.state(CLOCK)?.map(|clock| Clock::from_host(&clock)).unwrap_or_default();
        for step in self.step_entries()?.filter(|(_, is_wanted)| *is_wanted).map(|(entry, _)| entry) {
            file.set_tensor(step.name, &(clock.update as f32).into());
        }
        file.write(path.as_ref(), None)
    }

    /// Replaces what the optimizers keep by a file of safetensors that [`Trainer::save_optimizer`] has written, or PyTorch:
    ///
    /// ```python
    /// save_file({f"{name}.{key}": value for name, parameter in model.named_parameters()
    ///     for key, value in optimizer.state[parameter].items()}, "optimizer.safetensors")
    /// ```
    ///
    /// The next update is the one behind as many as its `step` says, for schedules of updates as well. All parameters have to
    /// agree on it, as they do in PyTorch where each has had a gradient in each step. Steps that an [`Engine`](crate::Engine) has
    /// recorded must have been submitted before. Learning rates and the like are no part of the file.
    ///
    /// # Errors
    /// Where the model is not built yet; where the file cannot be read or is not a whole one; where tensors are missing or unknown,
    /// or their shapes or elements do not fit: the error lists all of them, and nothing was changed; where the loss is no longer
    /// finite; on errors of the device.
    pub fn load_optimizer(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let named = TensorFile::read(path.as_ref())?.floats("");
        let arenas = self.optimizer_arenas()?;
        let steps: Vec<(Entry, bool)> = self.step_entries()?.collect();
        let entries = arenas.iter().flat_map(|arena| &arena.entries).chain(steps.iter().map(|(entry, _)| entry));
        let is_optional = |entry: &Entry| steps.iter().any(|(step, is_wanted)| step.name == entry.name && !is_wanted);
        let mismatches = mismatches(entries, &named, is_optional);
        if !mismatches.is_empty() {
            return Err(Error::Parameters(mismatches));
        }
        self.check_clock()?;
        let updates = common_step(named.iter().filter_map(|(name, given)| {
            let is_step = steps.iter().any(|(step, _)| step.name == *name);
            Some((name.as_str(), given.as_ref().ok().filter(|_| is_step)?.item().ok()? as u64))
        }))?;
        for arena in arenas {
            let vector = arena.replaced(&named, &HostTensor::zeros(&arena.kind()));
            self.set_state(&arena.state, vector.into())?;
        }
        if let Some(updates) = updates {
            self.counts.updates = updates;
            self.numbers.forget();
            self.set_state(CLOCK, self.clock().to_host().into())?;
        }
        Ok(())
    }

    /// The vectors that the optimizers keep, whether the device has them yet or not.
    pub(super) fn optimizer_arenas(&self) -> Result<Vec<Arena>, Error> {
        graphs::optimizer_states(self.built()?, &self.objective, self.numbers.moves_momentum())
    }

    /// What holds the number of updates of each parameter that an optimizer changes, and whether that depends on it.
    fn step_entries(&self) -> Result<impl Iterator<Item = (Entry, bool)>, Error> {
        let optimizers = &self.objective.optimizers;
        let arenas = self.model()?.parameters.arenas.iter();
        let counted = arenas.filter_map(|arena| Some((arena, optimizers.counts_updates(arena.optimizer?))));
        Ok(counted.flat_map(|(arena, counts)| arena.entries.iter().map(move |entry| (step_entry(&entry.name), counts))))
    }
}

fn step_entry(parameter: &str) -> Entry {
    let name = format!("{parameter}.{STEP}");
    Entry { name, shape: Shape::default(), initial: Initial::Constant(0.0), role: Role::Counter }
}

/// The number of updates that all parameters agree on; none where none has one.
fn common_step<'a>(mut steps: impl Iterator<Item = (&'a str, u64)>) -> Result<Option<u64>, Error> {
    let Some((name, step)) = steps.next() else { return Ok(None) };
    match steps.find(|(_, other)| *other != step) {
        None => Ok(Some(step)),
        Some((other, got)) => Err(Error::mismatch(other, format!("{step}, as {name}"), got)),
    }
}
