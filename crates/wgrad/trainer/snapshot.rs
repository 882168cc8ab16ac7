//! A training's state at one moment, to go back to.

use std::collections::BTreeSet;

use crate::backend::Copies;
use crate::error::Error;
use crate::trainer::Trainer;
use crate::trainer::counts::Counts;
use crate::trainer::numbers::Overrides;
use crate::trainer::states::States;

/// What [`Trainer::snapshot`] has kept: on an adapter, a copy of all states in the device's memory.
#[derive(Debug)]
pub struct Snapshot {
    copies: Copies,
    /// The states that were copied.
    copied: BTreeSet<String>,
    /// The values of those that no graph had.
    waiting: States,
    counts: Counts,
    overrides: Overrides,
}

impl Trainer {
    /// Copies all that steps change: parameters, buffers, the optimizers' states, gathered gradients, the clock and the
    /// logs. On an adapter nothing passes through the host, and the copy takes as much memory as they do.
    ///
    /// # Errors
    /// Where the device has no room; on errors of the device.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        Ok(Snapshot {
            copies: self.backend.snapshot()?,
            copied: self.loaded_states().into_keys().collect(),
            waiting: self.waiting.clone(),
            counts: self.counts,
            overrides: self.numbers.overrides().clone(),
        })
    }

    /// Goes back to a snapshot of this trainer: what follows has the same bits as what followed it. The schedule stays,
    /// and goes back to where it was.
    ///
    /// # Errors
    /// Where the snapshot is of a trainer of another kind; on errors of the device.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        self.backend.restore(&snapshot.copies)?;
        self.waiting = snapshot.waiting.clone();
        self.reset_states(|name| snapshot.copied.contains(name))?;
        self.counts = snapshot.counts;
        *self.numbers.overrides_mut() = snapshot.overrides.clone();
        Ok(())
    }

    /// Gives the states on the device what waits for them, or what they have before the first step, but for those that
    /// are right already.
    pub(super) fn reset_states(&mut self, is_right: impl Fn(&str) -> bool) -> Result<(), Error> {
        for (name, initial) in self.loaded_states() {
            let value = self.waiting.remove(&name).unwrap_or(initial);
            if !is_right(&name) {
                self.backend.write_state(&name, &value)?;
            }
        }
        Ok(())
    }
}
