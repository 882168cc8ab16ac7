//! Graphs on the CPU.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::sync::Arc;

use wgrad_core::plan::Plan;
use wgrad_core::{Graph, HostTensor};
use wgrad_executor::Statistics;
use wgrad_reference::Store;

use crate::backend::{Backend, Copies, Gpu, Loading, Program, foreign_snapshot};
use crate::error::Error;

/// Inputs and states, and the graphs that share them.
#[derive(Debug, Default)]
pub(super) struct Cpu {
    store: Store,
    /// The names of the states in it.
    states: BTreeSet<String>,
    programs: Vec<wgrad_reference::Program>,
    /// What the last step gave.
    outputs: BTreeMap<String, Arc<HostTensor>>,
}

impl Cpu {
    fn add(&mut self, graph: &Graph) -> Result<Program, Error> {
        self.store.add(graph)?;
        self.states.extend(graph.states().map(|(name, _)| name.to_owned()));
        self.programs.push(wgrad_reference::Program::new(graph)?);
        Ok(Program(self.programs.len() - 1))
    }
}

impl Backend for Cpu {
    fn check_room(&self, bytes: u64) -> Result<(), Error> {
        // Parameters, their gradient, and two moments, before and after the step. The memory is not touched.
        let wanted = usize::try_from(bytes).ok().and_then(|bytes| bytes.checked_mul(7));
        let has_room = wanted.is_some_and(|wanted| Vec::<u8>::new().try_reserve_exact(wanted).is_ok());
        if has_room {
            return Ok(());
        }
        Err(Error::mismatch("size of all parameters", "less than a seventh of the free memory", format!("{bytes} bytes")))
    }

    fn load<'a>(&'a mut self, _: &'a str, graph: &'a Graph) -> Loading<'a> {
        Box::pin(ready(self.add(graph)))
    }

    fn write_input(&mut self, name: &str, tensor: &Arc<HostTensor>) -> Result<bool, Error> {
        let is_read = !self.states.contains(name) && self.store.names().any(|input| input == name);
        if is_read {
            self.store.write(name, tensor.clone())?;
        }
        Ok(is_read)
    }

    fn has_state(&self, name: &str) -> bool {
        self.states.contains(name)
    }

    fn write_state(&mut self, name: &str, tensor: &Arc<HostTensor>) -> Result<(), Error> {
        Ok(self.store.write(name, tensor.clone())?)
    }

    fn read_state(&mut self, name: &str) -> Result<Arc<HostTensor>, Error> {
        Ok(self.store.read(name)?.clone())
    }

    fn snapshot(&self) -> Result<Copies, Error> {
        let copies = self.states.iter().map(|name| Ok((name.clone(), self.store.read(name)?.clone())));
        Ok(Copies::Host(copies.collect::<Result<_, Error>>()?))
    }

    fn restore(&mut self, copies: &Copies) -> Result<(), Error> {
        let Copies::Host(copies) = copies else { return Err(foreign_snapshot()) };
        let mut store = self.store.clone();
        copies.iter().try_for_each(|(name, tensor)| store.write(name, tensor.clone()))?;
        self.store = store;
        Ok(())
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

    fn as_gpu(&mut self) -> Option<&mut Gpu> {
        None
    }

    fn statistics(&self) -> Statistics {
        Statistics::default()
    }
}
