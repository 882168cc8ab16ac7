//! Graphs as plans on a device of wgpu.

use std::sync::Arc;

use wgrad_core::plan::{Choices, Plan, Target, plan};
use wgrad_core::{DType, Graph, HostTensor};
use wgrad_executor::{Action, Checks, DispatchSpan, Executor, Landing, LoadedPlan, Statistics, TensorBuffer, wgpu};

use crate::backend::{Backend, Copies, Loading, Program, foreign_snapshot};
use crate::cooperative;
use crate::error::Error;

/// A part of what is recorded.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// Overwrites an input or state.
    Write(&'static str, Arc<HostTensor>),
    /// Steps of a program.
    Steps(Program, u32),
}

/// An executor, and the plans that it has loaded.
#[derive(Debug)]
pub(crate) struct Gpu {
    executor: Executor,
    target: Target,
    plans: Vec<(Plan, LoadedPlan)>,
}

impl Gpu {
    pub fn new(device: wgrad_executor::Device, checks: Checks, fuse: bool) -> Self {
        let target = Target { fuse, ..device.target() };
        Self { executor: Executor::new(device, checks), target, plans: Vec::new() }
    }

    /// A plan of a graph that shares inputs and states with the others, but belongs to the caller.
    pub async fn load_apart(&mut self, name: &str, graph: &Graph) -> Result<(Plan, LoadedPlan), Error> {
        // A graph has just been made. Planning it takes about as long, and so does verification.
        self.device().pause().await;
        self.allow_cooperative_matrices(graph);
        let plan = plan(name, graph, &self.target)?;
        self.device().pause().await;
        plan.verify()?;
        let loaded = self.executor.load(&plan).await?;
        Ok((plan, loaded))
    }

    /// Has plans use the device's cooperative matrices from the first graph on that has what they multiply.
    fn allow_cooperative_matrices(&mut self, graph: &Graph) {
        let mut kinds = graph.nodes().iter().flat_map(|node| &node.outputs);
        if kinds.any(|kind| kind.dtype == DType::F16) {
            cooperative::test(self.device());
            self.target.cooperative = self.device().target().cooperative;
        }
    }

    /// Where an input or state lies.
    ///
    /// # Errors
    /// Where no plan reads or changes it.
    pub fn buffer(&self, name: &str) -> Result<TensorBuffer, Error> {
        self.executor.buffer(name).ok_or_else(|| Error::mismatch("input or state", "one of a loaded plan", name))
    }

    /// What plans may ask of the device.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Has plans that are loaded from now on take these kernels.
    pub fn choose(&mut self, choices: Choices) {
        self.target.choices = choices.into();
    }

    /// The device.
    pub fn device(&self) -> &wgrad_executor::Device {
        self.executor.device()
    }

    /// A program's plan on the device.
    pub fn loaded(&self, program: Program) -> &LoadedPlan {
        &self.plans[program.0].1
    }

    /// Runs steps of programs, and tells when each dispatch ran.
    pub fn timeline(&mut self, work: &[(Program, u32)]) -> Result<Vec<DispatchSpan>, Error> {
        let work: Vec<_> = work.iter().map(|(program, steps)| (&self.plans[program.0].1, *steps)).collect();
        Ok(self.executor.timeline_blocking(&work)?)
    }

    /// Overwrites memory for all that is submitted from now on.
    pub fn write(&self, buffer: &TensorBuffer, tensor: &HostTensor) -> Result<(), Error> {
        Ok(self.executor.write_buffer(buffer, tensor)?)
    }

    /// Records writes and steps, and has what they leave in `tensors` brought to the host.
    pub fn record(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        parts: &[Part],
        tensors: &[TensorBuffer],
    ) -> Result<Landing, Error> {
        let actions = parts.iter().map(|part| match part {
            Part::Write(name, tensor) => Action::Write(name, tensor),
            Part::Steps(program, steps) => Action::Steps(&self.plans[program.0].1, *steps),
        });
        let actions: Vec<Action> = actions.collect();
        Ok(self.executor.record(encoder, &actions, tensors)?)
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

    fn load<'a>(&'a mut self, name: &'a str, graph: &'a Graph) -> Loading<'a> {
        Box::pin(async move {
            let loaded = self.load_apart(name, graph).await?;
            self.plans.push(loaded);
            Ok(Program(self.plans.len() - 1))
        })
    }

    fn write_input(&mut self, name: &str, tensor: &Arc<HostTensor>) -> Result<bool, Error> {
        let is_read = self.executor.inputs().any(|input| input == name);
        if is_read {
            self.executor.write_input(name, tensor)?;
        }
        Ok(is_read)
    }

    fn has_state(&self, name: &str) -> bool {
        self.executor.states().any(|(state, _)| state == name)
    }

    fn write_state(&mut self, name: &str, tensor: &Arc<HostTensor>) -> Result<(), Error> {
        Ok(self.executor.write_state(name, tensor)?)
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

    fn as_gpu(&mut self) -> Option<&mut Gpu> {
        Some(self)
    }

    fn statistics(&self) -> Statistics {
        self.executor.statistics()
    }
}
