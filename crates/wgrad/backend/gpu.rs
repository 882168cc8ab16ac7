//! Graphs as plans on a device of wgpu.

use std::sync::Arc;

use wgrad_core::plan::{Plan, Target, plan};
use wgrad_core::{Graph, HostTensor};
use wgrad_executor::{Checks, Executor, LoadedPlan, Statistics};

use crate::backend::{Backend, Copies, Program, foreign_snapshot};
use crate::error::Error;

/// An executor, and the plans that it has loaded.
#[derive(Debug)]
pub(super) struct Gpu {
    executor: Executor,
    target: Target,
    plans: Vec<(Plan, LoadedPlan)>,
}

impl Gpu {
    pub fn new(device: wgrad_executor::Device, checks: Checks, fuse: bool) -> Self {
        let target = Target { fuse, ..device.target() };
        Self { executor: Executor::new(device, checks), target, plans: Vec::new() }
    }
}

impl Backend for Gpu {
    fn check_room(&self, bytes: u64) -> Result<(), Error> {
        let limit = self.target.binding_bytes;
        if bytes <= limit {
            return Ok(());
        }
        Err(Error::mismatch("size of all parameters", format!("{limit} bytes at most, which the adapter binds"), bytes))
    }

    fn load(&mut self, name: &str, graph: &Graph) -> Result<Program, Error> {
        let plan = plan(name, graph, &self.target)?;
        plan.verify()?;
        let loaded = self.executor.load_blocking(&plan)?;
        self.plans.push((plan, loaded));
        Ok(Program(self.plans.len() - 1))
    }

    fn write_input(&mut self, name: &str, tensor: &Arc<HostTensor>) -> Result<bool, Error> {
        let is_read = self.executor.inputs().any(|input| input == name);
        if is_read {
            self.executor.write_input_blocking(name, tensor)?;
        }
        Ok(is_read)
    }

    fn has_state(&self, name: &str) -> bool {
        self.executor.states().any(|(state, _)| state == name)
    }

    fn write_state(&mut self, name: &str, tensor: &Arc<HostTensor>) -> Result<(), Error> {
        Ok(self.executor.write_state_blocking(name, tensor)?)
    }

    fn read_state(&mut self, name: &str) -> Result<Arc<HostTensor>, Error> {
        self.executor.finish_blocking()?;
        Ok(self.executor.read_state_blocking(name)?.into())
    }

    fn snapshot(&self) -> Result<Copies, Error> {
        Ok(Copies::Device(self.executor.snapshot_blocking()?))
    }

    fn restore(&mut self, copies: &Copies) -> Result<(), Error> {
        match copies {
            Copies::Device(snapshot) => Ok(self.executor.restore_blocking(snapshot)?),
            Copies::Host(_) => Err(foreign_snapshot()),
        }
    }

    fn read_output(&mut self, program: Program, name: &str) -> Result<Arc<HostTensor>, Error> {
        self.executor.finish_blocking()?;
        Ok(self.executor.read_output_blocking(&self.plans[program.0].1, name)?.into())
    }

    fn run(&mut self, work: &[(Program, u32)]) -> Result<(), Error> {
        let work: Vec<_> = work.iter().map(|(program, steps)| (&self.plans[program.0].1, *steps)).collect();
        Ok(self.executor.run_blocking(&work)?)
    }

    fn plan(&self, program: Program) -> Option<&Plan> {
        Some(&self.plans[program.0].0)
    }

    fn statistics(&self) -> Statistics {
        self.executor.statistics()
    }
}
