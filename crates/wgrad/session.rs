//! Graphs of one's own on a device, without a model.

use std::sync::Arc;

use wgrad_core::Graph;
use wgrad_executor::Checks;

use crate::backend::{self, Backend};
use crate::device::Device;
use crate::error::Error;
use crate::tensor::Tensor;
use crate::trace::{Origin, Registry, Trace};
use crate::var::Var;

/// Programs that are written from tensor operations, and the states and inputs that they share on a device.
///
/// ```
/// # use wgrad::prelude::*;
/// # use wgrad::Session;
/// let mut session = Session::new(&Device::cpu());
/// let halve = session.compile("halve", |graph| {
///     let x = graph.state("x", [8.0, 4.0]);
///     x.set(&(0.5 * &x));
///     graph.output("sum", &x.sum());
///     Ok(())
/// })?;
/// session.run(&halve, 2)?;
/// assert_eq!(session.read("x")?, Tensor::from([2.0, 1.0]));
/// assert_eq!(session.output(&halve, "sum")?.to_vec(), [6.0]);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Session {
    backend: Box<dyn Backend>,
}

/// A program that a session has compiled.
#[derive(Clone, Debug)]
pub struct Program {
    program: backend::Program,
    graph: Arc<Graph>,
}

impl Program {
    /// What a step computes.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }
}

impl Session {
    /// A session without programs.
    pub fn new(device: &Device) -> Self {
        Self { backend: backend::new(device, Checks::Unchecked, true) }
    }

    /// Makes a program of the graph that `build` makes. States and inputs of one name are the same in all programs of a
    /// session, and keep their values.
    ///
    /// # Errors
    /// What went wrong in `build`: shapes that do not go together, for example. Where the device cannot run it.
    pub fn compile(&mut self, name: &str, build: impl FnOnce(&Trace) -> Result<(), Error>) -> Result<Program, Error> {
        let trace = Trace::new(0, Registry::new(Origin::Packed(Default::default())));
        let built = build(&trace);
        trace.checked(built)?;
        let graph = Arc::new(trace.as_graph().clone());
        let program = backend::at_once(self.backend.load(name, &graph))?;
        Ok(Program { program, graph })
    }

    /// Runs steps of a program; they may still run when it returns.
    ///
    /// # Errors
    /// On errors of the device.
    pub fn run(&mut self, program: &Program, steps: u32) -> Result<(), Error> {
        self.backend.run(&[(program.program, steps)])
    }

    /// Makes a program of the graph that `build` makes, runs it once, and reads what `build` returns.
    ///
    /// ```
    /// # use wgrad::prelude::*;
    /// # use wgrad::Session;
    /// let mut session = Session::new(&Device::cpu());
    /// let [square, root] = session.compute("square and root", |graph| {
    ///     let x = graph.constant([4.0, 9.0]);
    ///     Ok([x.square(), x.sqrt()])
    /// })?;
    /// assert_eq!((square, root), ([16.0, 81.0].into(), [2.0, 3.0].into()));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Session::compile`] and [`Session::run`].
    pub fn compute<const N: usize>(
        &mut self,
        name: &str,
        build: impl FnOnce(&Trace) -> Result<[Var; N], Error>,
    ) -> Result<[Tensor; N], Error> {
        let program = self.compile(name, |graph| {
            for (index, output) in build(graph)?.iter().enumerate() {
                graph.output(&index.to_string(), output);
            }
            Ok(())
        })?;
        self.run(&program, 1)?;
        let mut outputs = std::array::from_fn(|_| Tensor::from(0.0));
        for (index, output) in outputs.iter_mut().enumerate() {
            *output = self.output(&program, &index.to_string())?;
        }
        Ok(outputs)
    }

    /// Writes an input for the steps to come.
    ///
    /// # Errors
    /// Where a program reads it and it is of another type; on errors of the device.
    pub fn write(&mut self, input: &str, tensor: impl Into<Tensor>) -> Result<(), Error> {
        self.backend.write_input(input, tensor.into().host()).map(drop)
    }

    /// Overwrites a state.
    ///
    /// # Errors
    /// Where no program has such a state, or it is of another type; on errors of the device.
    pub fn write_state(&mut self, state: &str, tensor: impl Into<Tensor>) -> Result<(), Error> {
        self.backend.write_state(state, tensor.into().host())
    }

    /// Waits for all steps, and reads a state.
    ///
    /// # Errors
    /// Where no program has such a state; on errors of the device.
    pub fn read(&mut self, state: &str) -> Result<Tensor, Error> {
        Ok(Tensor::from_host(self.backend.read_state(state)?))
    }

    /// Waits for all steps, and reads an output of the last one, which has to be one of this program.
    ///
    /// # Errors
    /// Where the program has no such output, or was not the last; on errors of the device.
    pub fn output(&mut self, program: &Program, name: &str) -> Result<Tensor, Error> {
        Ok(Tensor::from_host(self.backend.read_output(program.program, name)?))
    }
}
