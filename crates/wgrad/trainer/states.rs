//! What a training keeps from step to step, by name: on the device, or until a graph that has it is loaded, on the host.

use std::collections::BTreeMap;
use std::sync::Arc;

use wgrad_core::{Graph, HostTensor};

use crate::error::Error;
use crate::trainer::Trainer;

/// States by name.
pub(crate) type States = BTreeMap<String, Arc<HostTensor>>;

impl Trainer {
    /// A state's value, as it is after all steps; none where no graph has it yet and nobody has given it one.
    pub(super) fn state(&mut self, name: &str) -> Result<Option<Arc<HostTensor>>, Error> {
        if self.backend.has_state(name) {
            return self.backend.read_state(name).map(Some);
        }
        Ok(self.waiting.get(name).cloned())
    }

    /// Gives a state a value: now, or as soon as a graph that has it is loaded.
    pub(super) fn set_state(&mut self, name: &str, value: Arc<HostTensor>) -> Result<(), Error> {
        if self.backend.has_state(name) {
            return self.backend.write_state(name, &value);
        }
        self.waiting.insert(name.to_owned(), value);
        Ok(())
    }

    /// Gives the states of a graph that was just loaded the values that wait for them.
    pub(super) fn settle(&mut self, graph: &Graph) -> Result<(), Error> {
        for (name, _) in graph.states() {
            if let Some(value) = self.waiting.get(name).filter(|_| self.backend.has_state(name)) {
                self.backend.write_state(name, value)?;
                self.waiting.remove(name);
            }
        }
        Ok(())
    }

    /// The states that the device has, with their values before the first step.
    pub(super) fn loaded_states(&self) -> States {
        let on_device = self.initial_states.iter().filter(|(name, _)| self.backend.has_state(name));
        on_device.map(|(name, initial)| (name.clone(), initial.clone())).collect()
    }
}
