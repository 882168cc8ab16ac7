//! What runs graphs: a device of wgpu, or the CPU.

mod cpu;
mod gpu;

use std::fmt::Debug;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use wgrad_core::plan::Plan;
use wgrad_core::{Graph, HostTensor};
use wgrad_executor::wgpu::WasmNotSend;
use wgrad_executor::{Checks, ExecutorError, Statistics};

use crate::device::Device;
use crate::error::Error;
use crate::tensor::Tensor;

pub(crate) use gpu::{Gpu, Part};

/// Names a graph that a backend has loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Program(usize);

/// A program that is being loaded. Natively it may go on in another thread.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type Loading<'a> = Pin<Box<dyn Future<Output = Result<Program, Error>> + Send + 'a>>;
#[cfg(target_arch = "wasm32")]
pub(crate) type Loading<'a> = Pin<Box<dyn Future<Output = Result<Program, Error>> + 'a>>;

/// What a future gives that has nothing to wait for, as all loading natively.
///
/// # Errors
/// Those of the future; in a browser where there is something to wait for.
pub(crate) fn at_once<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(ExecutorError::CannotWait.into()),
    }
}

/// What all states were at one moment.
#[derive(Debug)]
pub(crate) enum Copies {
    /// Copies on the device that they were made on.
    Device(wgrad_executor::Snapshot),
    /// The tensors themselves, by name.
    Host(Vec<(String, Arc<HostTensor>)>),
}

/// Runs graphs, whose inputs and states of one name are the same. It goes from thread to thread, but in a browser, whose
/// objects do not.
pub(crate) trait Backend: Debug + WasmNotSend {
    /// Whether there can be tensors of so many bytes for all parameters, their gradients, and what an optimizer keeps.
    fn check_room(&self, bytes: u64) -> Result<(), Error>;

    /// Prepares a graph to be run under a name, which labels its plan.
    fn load<'a>(&'a mut self, name: &'a str, graph: &'a Graph) -> Loading<'a>;

    /// Writes an input of loaded graphs. Says whether one of them reads it; otherwise nothing is written.
    fn write_input(&mut self, name: &str, tensor: &Arc<HostTensor>) -> Result<bool, Error>;

    /// Whether a loaded graph reads or changes a state of this name. One that a graph has but does not use may be missing.
    fn has_state(&self, name: &str) -> bool;

    /// Overwrites a state of loaded graphs.
    fn write_state(&mut self, name: &str, tensor: &Arc<HostTensor>) -> Result<(), Error>;

    /// Waits for all steps, and reads a state.
    fn read_state(&mut self, name: &str) -> Result<Arc<HostTensor>, Error>;

    /// Copies all states, as they are after all steps; nothing is read back.
    fn snapshot(&self) -> Result<Copies, Error>;

    /// Puts states back to what they were. Those that were loaded later stay as they are.
    fn restore(&mut self, copies: &Copies) -> Result<(), Error>;

    /// Waits for all steps, and reads an output of the last one, which has to be one of this program.
    fn read_output(&mut self, program: Program, name: &str) -> Result<Arc<HostTensor>, Error>;

    /// Has steps of programs run one after another; they may still run when it returns.
    fn run(&mut self, work: &[(Program, u32)]) -> Result<(), Error>;

    /// The plan of a program; none where graphs are run without one.
    fn plan(&self, program: Program) -> Option<&Plan>;

    /// The same, where it is a device of wgpu.
    fn as_gpu(&mut self) -> Option<&mut Gpu>;

    /// What was asked of a device.
    fn statistics(&self) -> Statistics;
}

/// Waits for all steps, and reads the outputs of a program that are named by their places.
pub(crate) fn outputs<const N: usize>(backend: &mut dyn Backend, program: Program) -> Result<[Tensor; N], Error> {
    let mut outputs = std::array::from_fn(|_| Tensor::from(0.0));
    for (index, output) in outputs.iter_mut().enumerate() {
        *output = Tensor::from_host(backend.read_output(program, &index.to_string())?);
    }
    Ok(outputs)
}

/// The error for copies that another kind of backend has made.
fn foreign_snapshot() -> Error {
    Error::mismatch("snapshot", "one of this device", "one of another")
}

/// The backend of a device.
pub(crate) fn new(device: &Device, checks: Checks, fuse: bool) -> Box<dyn Backend> {
    match device {
        Device::Adapter(device) => Box::new(Gpu::new(device.clone(), checks, fuse)),
        Device::Cpu => Box::new(cpu::Cpu::default()),
    }
}
