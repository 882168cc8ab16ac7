//! What runs graphs: a device of wgpu, or the CPU.

mod cpu;
mod gpu;

use std::fmt::Debug;
use std::sync::Arc;

use wgrad_core::plan::Plan;
use wgrad_core::{Graph, HostTensor};
use wgrad_executor::{Checks, Statistics};

use crate::device::Device;
use crate::error::Error;

/// Names a graph that a backend has loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Program(usize);

/// Runs graphs, whose inputs and states of one name are the same.
pub(crate) trait Backend: Debug {
    /// Whether there can be tensors of so many bytes for all parameters, their gradients, and what an optimizer keeps.
    fn check_room(&self, bytes: u64) -> Result<(), Error>;

    /// Prepares a graph to be run under a name, which labels its plan.
    fn load(&mut self, name: &str, graph: &Graph) -> Result<Program, Error>;

    /// Writes an input of loaded graphs. Says whether one of them reads it; otherwise nothing is written.
    fn write_input(&mut self, name: &str, tensor: &Arc<HostTensor>) -> Result<bool, Error>;

    /// Overwrites a state of loaded graphs.
    fn write_state(&mut self, name: &str, tensor: &Arc<HostTensor>) -> Result<(), Error>;

    /// Waits for all steps, and reads a state.
    fn read_state(&mut self, name: &str) -> Result<Arc<HostTensor>, Error>;

    /// Waits for all steps, and reads an output of the last one, which has to be one of this program.
    fn read_output(&mut self, program: Program, name: &str) -> Result<Arc<HostTensor>, Error>;

    /// Has steps of programs run one after another; they may still run when it returns.
    fn run(&mut self, work: &[(Program, u32)]) -> Result<(), Error>;

    /// The plan of a program; none where graphs are run without one.
    fn plan(&self, program: Program) -> Option<&Plan>;

    /// What was asked of a device.
    fn statistics(&self) -> Statistics;
}

/// The backend of a device.
pub(crate) fn new(device: &Device, checks: Checks, fuse: bool) -> Box<dyn Backend> {
    match device {
        Device::Adapter(device) => Box::new(gpu::Gpu::new(device.clone(), checks, fuse)),
        Device::Cpu => Box::new(cpu::Cpu::default()),
    }
}
