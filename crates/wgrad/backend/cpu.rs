//! Graphs on the CPU.

use std::collections::BTreeMap;
use std::sync::Arc;

use wgrad_core::plan::Plan;
use wgrad_core::{Graph, HostTensor};
use wgrad_executor::Statistics;
use wgrad_reference::Store;

use crate::backend::{Backend, Program};
use crate::error::Error;

/// Inputs and states, and the graphs that share them.
#[derive(Debug, Default)]
pub(super) struct Cpu {
    store: Store,
    programs: Vec<wgrad_reference::Program>,
    /// What the last step gave.
    outputs: BTreeMap<String, Arc<HostTensor>>,
}

impl Backend for Cpu {
    fn load(&mut self, _: &str, graph: &Graph) -> Result<Program, Error> {
        self.store.add(graph)?;
        self.programs.push(wgrad_reference::Program::new(graph)?);
        Ok(Program(self.programs.len() - 1))
    }

    fn write_input(&mut self, name: &str, tensor: &Arc<HostTensor>) -> Result<bool, Error> {
        self.store.write(name, tensor.clone())?;
        Ok(true)
    }

    fn write_state(&mut self, name: &str, tensor: &Arc<HostTensor>) -> Result<(), Error> {
        Ok(self.store.write(name, tensor.clone())?)
    }

    fn read_state(&mut self, name: &str) -> Result<Arc<HostTensor>, Error> {
        Ok(self.store.read(name)?.clone())
    }

    fn read_output(&mut self, _: Program, name: &str) -> Result<Arc<HostTensor>, Error> {
        let known = || self.outputs.keys().cloned().collect::<Vec<_>>().join(", ");
        self.outputs.get(name).cloned().ok_or_else(|| Error::mismatch("output", known(), name))
    }

    fn run(&mut self, work: &[(Program, u32)]) -> Result<(), Error> {
        for &(program, steps) in work {
            for _ in 0..steps {
                self.outputs = self.programs[program.0].step(&mut self.store)?;
            }
        }
        Ok(())
    }

    fn plan(&self, _: Program) -> Option<&Plan> {
        None
    }

    fn statistics(&self) -> Statistics {
        Statistics::default()
    }
}
