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
    /// The names and shapes of the model's parameters and buffers; none where it was not built.
    entries: Option<Vec<String>>,
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
            entries: self.entries(),
            copies: self.backend.snapshot()?,
            copied: self.loaded_states().into_keys().collect(),
            waiting: self.waiting.clone(),
            counts: self.counts,
            overrides: self.numbers.overrides().clone(),
        })
    }

    /// Goes back to a snapshot of this trainer: what follows has the same bits as what followed it. The schedule stays,
    /// and goes back to where it was; learning rates, weight decays, momenta and the norm to clip at that were set between
    /// steps are those of the snapshot again.
    ///
    /// # Errors
    /// Where the snapshot is of a trainer of another model or with other optimizers; on errors of the device.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        if let (Some(wanted), Some(got)) = (self.entries(), &snapshot.entries)
            && wanted != *got
        {
            return Err(Error::mismatch("snapshot", format!("one of {}", wanted.join(", ")), got.join(", ")));
        }
        self.backend.restore(&snapshot.copies)?;
        self.waiting = snapshot.waiting.clone();
        self.reset_states(|name| snapshot.copied.contains(name))?;
        self.counts = snapshot.counts;
        *self.numbers.overrides_mut() = snapshot.overrides.clone();
        Ok(())
    }

    /// The names and shapes of all parameters and buffers, where there are any yet.
    fn entries(&self) -> Option<Vec<String>> {
        let parameters = &self.model.as_ref()?.parameters;
        let shape = |name| parameters.place(name).map(|(_, _, kind)| format!("{name} {}", kind.shape));
        Some(parameters.names().filter_map(shape).collect())
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
