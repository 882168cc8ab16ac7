//! Files to go on from.

use std::path::PathBuf;

use crate::callbacks::Callback;
use crate::error::Error;
use crate::history::Epoch;
use crate::trainer::{Control, Trainer};

/// Saves all of a training after each epoch, and every so many steps if wanted, for [`Trainer::load`] to go on from. Of several
/// callbacks it is the last: what those behind it set is in the next file only.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    path: PathBuf,
    every_steps: u64,
}

impl Checkpoints {
    /// Saves to this file, which is replaced each time; the one before is kept beside it, as [`Trainer::save`] says.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), every_steps: 0 }
    }

    /// The same where the training is also saved each time that its steps are a multiple of `steps`.
    pub fn every_steps(mut self, steps: u64) -> Self {
        self.every_steps = steps;
        self
    }

    fn save(&self, trainer: &mut Trainer) -> Result<Control, Error> {
        trainer.save(&self.path).map(|()| Control::Continue)
    }
}

impl Callback for Checkpoints {
    fn every_steps(&self) -> u64 {
        self.every_steps
    }

    fn after_steps(&mut self, trainer: &mut Trainer) -> Result<Control, Error> {
        // What the callbacks before this one set after the epoch belongs to it, and a broken model is not to be kept.
        if trainer.is_between_epochs() { Ok(Control::Continue) } else { self.save(trainer) }
    }

    fn after_epoch(&mut self, trainer: &mut Trainer, _: &Epoch) -> Result<Control, Error> {
        self.save(trainer)
    }
}
