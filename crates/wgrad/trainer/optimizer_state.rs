//! What the optimizers keep from step to step, by the names that PyTorch has for it.

use std::path::Path;

use wgrad_core::{HostTensor, Shape};

use crate::arena::{Arena, Entry, LARGEST_COUNT, Role, mismatches};
use crate::checkpoint::{MARK, OPTIMIZER, part};
use crate::error::{Error, ParameterMismatch};
use crate::files::TensorFile;
use crate::graphs::{self, CLOCK, Clock};
use crate::initial::Initial;
use crate::optimizers::STEP;
use crate::trainer::Trainer;
use crate::trainer::description::MOST_STEPS;

impl Trainer {
    /// Writes what the optimizers keep to a file of safetensors. For each parameter it has PyTorch's states, with their names and
    /// the parameter's shape, such as `0.weight.exp_avg` and `0.weight.exp_avg_sq` of Adam or `0.weight.momentum_buffer` of SGD;
    /// and `0.weight.step`, the number of updates, a single f32, which stays at 2^24 as PyTorch's does. Before the first step the
    /// states are zeros.
    ///
    /// PyTorch takes it into the optimizer of a model so:
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
        for arena in self.optimizer_arenas(self.numbers.moves_momentum())? {
            let state = self.state(&arena.state)?.unwrap_or_else(|| HostTensor::zeros(&arena.kind()).into());
            arena.unpack(&state).into_iter().for_each(|(name, tensor)| file.set_tensor(name, &tensor));
        }
        let clock = self.state(CLOCK)?.map_or_else(|| self.clock(), |clock| Clock::from_host(&clock));
        let step = (clock.update as f32).min(LARGEST_COUNT);
        self.steps_of_parameters()?.iter().for_each(|(entry, _)| file.set_tensor(&entry.name, &step.into()));
        file.write(path.as_ref(), None)
    }

    /// Replaces what the optimizers keep by a file of safetensors that [`Trainer::save_optimizer`] or [`Trainer::save`] has
    /// written, or PyTorch:
    ///
    /// ```python
    /// tensors = {f"{name}.{key}": value for name, parameter in model.named_parameters()
    ///            for key, value in optimizer.state.get(parameter, {}).items()}
    /// save_file(tensors, "optimizer.safetensors")
    /// ```
    ///
    /// The next update is the one behind as many as its `step` says, for schedules that count updates as well. PyTorch's SGD counts
    /// none: [`Trainer::set_counts`] says it then, and how many epochs there were, which no such file knows. All parameters have to
    /// agree on their step, as they do in PyTorch where each has had a gradient each time. Learning rates and the like are no part of
    /// the file. Steps that an [`Engine`](crate::Engine) has recorded must have been submitted before.
    ///
    /// # Errors
    /// Where the model is not built yet; where the file cannot be read or is not a whole one; where tensors are missing or unknown,
    /// or their shapes or elements do not fit: the error lists all of them, and nothing was changed; where the loss is no longer
    /// finite; on errors of the device.
    pub fn load_optimizer(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let file = TensorFile::read(path.as_ref())?;
        let named = part(&file, OPTIMIZER);
        let updates = file.text(MARK).and_then(|_| file.text("updates"));
        let of_training = updates.and_then(|updates| updates.parse().ok()).filter(|updates| *updates <= MOST_STEPS);
        let arenas = self.optimizer_arenas(self.numbers.moves_momentum())?;
        let steps = self.steps_of_parameters()?;
        let entries = arenas.iter().flat_map(|arena| &arena.entries).chain(steps.iter().map(|(entry, _)| entry));
        let is_optional = |entry: &Entry| {
            steps.iter().any(|(step, is_needed)| step.name == entry.name && (!is_needed || of_training.is_some()))
        };
        let mut mismatches = mismatches(entries, &named, is_optional);
        let given = steps.iter().filter_map(|(step, _)| {
            let (_, given) = named.iter().find(|(name, _)| *name == step.name)?;
            Some((step.name.as_str(), given.as_ref().ok()?.item().ok()?))
        });
        let given: Vec<(&str, f32)> = given.collect();
        if mismatches.is_empty() {
            mismatches = unequal(&given);
        }
        if !mismatches.is_empty() {
            return Err(Error::Parameters(mismatches));
        }
        self.check_clock()?;
        for arena in arenas {
            let vector = arena.replaced(&named, &HostTensor::zeros(&arena.kind()));
            self.set_state(&arena.state, vector.into())?;
        }
        match of_training.or(given.first().map(|(_, step)| *step as u64)) {
            Some(updates) => self.set_counts(updates, self.counts.epochs),
            None => Ok(()),
        }
    }

    /// Goes on as if there had been so many updates and epochs since the schedule was set: what it counts, and Adam's corrections. It is PyTorch's
    /// `scheduler.last_epoch` and the optimizer's `step`, for a training whose beginning was elsewhere; [`Trainer::resume`] and
    /// [`Trainer::load`] know both. Steps that an [`Engine`](crate::Engine) has recorded must have been submitted before.
    ///
    /// ```
    /// # use wgrad::prelude::*;
    /// # use wgrad::schedules::StepLR;
    /// # let device = Device::cpu();
    /// let mut trainer = Trainer::new(&device, Linear::new(4, 3), MSELoss, SGD::new(0.1), Options::default())?;
    /// trainer.set_schedule(StepLR::new(30, 0.5))?;
    /// trainer.set_counts(12_000, 30)?;
    /// assert_eq!(trainer.learning_rate(), 0.05);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// Where one is above 2^53; on errors of the device.
    pub fn set_counts(&mut self, updates: u64, epochs: u64) -> Result<(), Error> {
        if updates.max(epochs) > MOST_STEPS {
            return Err(Error::mismatch("updates and epochs", format!("{MOST_STEPS} at most"), updates.max(epochs)));
        }
        let before = self.counts;
        (self.counts.updates, self.counts.epochs) = (updates, epochs);
        self.numbers.overrides_mut().since = [0, 0];
        let clock = self.clock().to_host();
        self.set_state(CLOCK, clock.into()).inspect_err(|_| self.counts = before)
    }

    /// The vectors that the optimizers keep, whether the device has them yet or not.
    pub(super) fn optimizer_arenas(&self, moves_momentum: bool) -> Result<Vec<Arena>, Error> {
        graphs::optimizer_states(self.built()?, &self.objective, moves_momentum)
    }

    /// What holds the number of updates of each parameter that an optimizer changes, and whether the optimizer depends on it.
    fn steps_of_parameters(&self) -> Result<Vec<(Entry, bool)>, Error> {
        let optimizers = &self.objective.optimizers;
        let arenas = self.model()?.parameters.arenas.iter();
        let counted = arenas.filter_map(|arena| Some((arena, optimizers.get(arena.optimizer?).counts_updates())));
        Ok(counted.flat_map(|(arena, counts)| arena.entries.iter().map(move |entry| (step_of(&entry.name), counts))).collect())
    }
}

fn step_of(parameter: &str) -> Entry {
    let name = format!("{parameter}.{STEP}");
    Entry { name, shape: Shape::default(), initial: Initial::Constant(0.0), role: Role::Counter }
}

/// Those numbers of updates that are not the first one's.
fn unequal(steps: &[(&str, f32)]) -> Vec<ParameterMismatch> {
    let Some((first, wanted)) = steps.first() else { return Vec::new() };
    let others = steps.iter().filter(|(_, step)| step != wanted);
    let mismatch = |(name, got): &(&str, f32)| ParameterMismatch {
        name: (*name).to_owned(),
        wanted: Some(format!("{wanted}, as {first}")),
        got: Some(got.to_string()),
    };
    others.map(mismatch).collect()
}
