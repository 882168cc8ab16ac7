//! Graphs of one's own on a device, without a model.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wgrad_core::graph::Kind;
use wgrad_core::{Graph, Source, TensorType};
use wgrad_executor::Checks;

use crate::backend::{self, Backend};
use crate::device::Device;
use crate::error::Error;
use crate::tensor::Tensor;
use crate::trace::{Origin, Registry, Trace};
use crate::var::Var;

/// Programs that are written from tensor operations, and the states and inputs that they share on a device. What has no
/// states needs no program: [`Trace::on`].
///
/// ```
/// # use wgrad::prelude::*;
/// let mut session = Session::new(&Device::cpu());
/// let halve = session.compile("halve", |graph| {
///     let x = graph.state("x", [8.0, 4.0]);
///     x.set(&(0.5 * &x));
///     Ok([x.sum()])
/// })?;
/// session.run(&halve, 2)?;
/// let [sum] = session.outputs(&halve)?;
/// assert_eq!((sum.item()?, session.read("x")?), (6.0, Tensor::from([2.0, 1.0])));
/// # Ok::<(), Error>(())
/// ```
///
/// Layers may be used too, as they are outside of training: without dropout, with running statistics. Their parameters are
/// states, which the program has to change by itself:
///
/// ```
/// # use wgrad::prelude::*;
/// # let mut session = Session::new(&Device::cpu());
/// let step = session.compile("step", |graph| {
///     let x = graph.constant([[1.0, 2.0]]);
///     let loss = (x.layer("linear", &Linear::new(2, 1))? - 5.0).square().mean();
///     for (_, parameter) in graph.parameters() {
///         parameter.set(&(&parameter - 0.01 * loss.gradient(&parameter)));
///     }
///     Ok([loss])
/// })?;
/// session.run(&step, 100)?;
/// let [loss] = session.outputs(&step)?;
/// assert!(loss.item()? < 1e-3);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Session {
    /// Tells sessions apart.
    id: u64,
    backend: Box<dyn Backend>,
    seed: u32,
    /// What ran last.
    last: Option<backend::Program>,
    /// The inputs of all programs.
    inputs: BTreeMap<String, TensorType>,
    /// The inputs that have been written.
    written: BTreeSet<String>,
    /// Of those, what the device has no memory for, since none of its kernels reads it.
    unread: BTreeMap<String, Tensor>,
}

/// A program with `N` outputs that a session has compiled.
#[derive(Clone, Debug)]
pub struct Program<const N: usize> {
    /// The session that has compiled it.
    session: u64,
    program: backend::Program,
    graph: Arc<Graph>,
}

impl<const N: usize> Program<N> {
    /// What a step computes.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }
}

impl Session {
    /// A session without programs.
    pub fn new(device: &Device) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let id = MADE.fetch_add(1, Ordering::Relaxed);
        Self {
            id,
            backend: backend::new(device, Checks::Unchecked, true),
            seed: 0,
            last: None,
            inputs: BTreeMap::new(),
            written: BTreeSet::new(),
            unread: BTreeMap::new(),
        }
    }

    /// The same with another seed than 0, which the initial values of [`Trace::parameter`] depend on.
    pub fn seed(mut self, seed: u32) -> Self {
        self.seed = seed;
        self
    }

    /// Makes a program of the graph that `build` makes, with the outputs that it returns. States and inputs of one name are
    /// the same in all programs of a session, and keep their values.
    ///
    /// # Errors
    /// What went wrong in `build`: shapes that do not go together, for example. Where the device cannot run it.
    pub fn compile<const N: usize>(
        &mut self,
        name: &str,
        build: impl FnOnce(&Trace) -> Result<[Var; N], Error>,
    ) -> Result<Program<N>, Error> {
        let trace = Trace::new(self.seed, Registry::new(Origin::Drawn));
        let built = build(&trace);
        for (index, output) in trace.checked(built)?.iter().enumerate() {
            trace.output(&index.to_string(), output);
        }
        trace.checked(Ok(()))?;
        let graph = Arc::new(trace.as_graph().clone());
        let program = backend::at_once(self.backend.load(name, &graph))?;
        self.inputs.extend(graph.nodes().iter().filter_map(|node| match &node.kind {
            Kind::Source(Source::Input { name }) => Some((name.clone(), node.outputs[0].clone())),
            _ => None,
        }));
        for (input, tensor) in std::mem::take(&mut self.unread) {
            self.write(&input, tensor)?;
        }
        Ok(Program { session: self.id, program, graph })
    }

    /// Runs steps of a program; they may still run when it returns.
    ///
    /// # Errors
    /// Where another session has compiled the program, or one of its inputs was never written; on errors of the device.
    pub fn run<const N: usize>(&mut self, program: &Program<N>, steps: u32) -> Result<(), Error> {
        self.check(program)?;
        if let Some(input) = program.graph.inputs().find(|input| !self.written.contains(*input)) {
            return Err(Error::mismatch(format!("input {input}"), "a value, by Session::write", "none"));
        }
        if steps > 0 {
            self.last = Some(program.program);
        }
        self.backend.run(&[(program.program, steps)])
    }

    /// Waits for all steps, and reads the outputs of the last one, which has to be one of this program.
    ///
    /// # Errors
    /// Where the program was not the last, or another session has compiled it; on errors of the device.
    pub fn outputs<const N: usize>(&mut self, program: &Program<N>) -> Result<[Tensor; N], Error> {
        self.check(program)?;
        if self.last != Some(program.program) {
            return Err(Error::mismatch("outputs", "those of the program that ran last", "those of another"));
        }
        backend::outputs(&mut *self.backend, program.program)
    }

    /// Writes an input for the steps to come.
    ///
    /// # Errors
    /// Where no program has it, or it is of another type; on errors of the device.
    pub fn write(&mut self, input: &str, tensor: impl Into<Tensor>) -> Result<(), Error> {
        let tensor = tensor.into();
        let wanted = self.inputs.get(input).ok_or_else(|| Error::mismatch("input", "one that a program reads", input))?;
        if tensor.kind() != *wanted {
            return Err(Error::mismatch(format!("input {input}"), wanted, tensor.kind()));
        }
        match self.backend.write_input(input, tensor.host())? {
            true => self.unread.remove(input),
            false => self.unread.insert(input.to_owned(), tensor),
        };
        self.written.insert(input.to_owned());
        Ok(())
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

    fn check<const N: usize>(&self, program: &Program<N>) -> Result<(), Error> {
        match program.session == self.id {
            true => Ok(()),
            false => Err(Error::mismatch("program", "one of this session", "one of another")),
        }
    }
}
