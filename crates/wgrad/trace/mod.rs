//! How a program becomes a graph: it is run once on variables that stand for tensors.

mod evaluate;
mod parameters;
mod scope;

use std::cell::{Ref, RefCell};
use std::rc::Rc;

use wgrad_core::{DType, Graph, GraphError, HostTensor, Kind, MOST_ELEMENTS, Shape, Source, TensorType, Value};

use crate::device::Device;
use crate::error::Error;
use crate::summary::Row;
use crate::tensor::Tensor;
use crate::var::Var;

pub(crate) use parameters::{Origin, Part, Registry};

/// What a graph is for.
#[derive(Clone, Debug)]
pub(crate) enum Mode {
    /// Steps that change the parameters, with the number of the step, a single u32: what random numbers depend on.
    Training(Value),
    /// Everything else: no dropout, running statistics instead of those of the batch.
    Evaluation,
}

/// A graph that is being built. Clones are the same graph.
///
/// Operations on its variables never fail at once: what is wrong is kept, with the layer that it happened in, and
/// returned by whatever asked for the graph.
#[derive(Clone, Debug)]
pub struct Trace(Rc<RefCell<Tracing>>);

#[derive(Debug)]
struct Tracing {
    graph: Graph,
    mode: Mode,
    /// What its variables are evaluated on where they are asked for; none in a graph that becomes a program.
    device: Option<Device>,
    /// What matrix products take their operands as.
    products: DType,
    seed: u32,
    streams: u32,
    registry: Registry,
    /// The names of the layers around what is built now.
    scope: Vec<String>,
    rows: Vec<Row>,
    /// The names of the layers whose outputs the graph gives; none where it gives none.
    kept: Option<Vec<String>>,
    /// The first mistake since the innermost layer began.
    error: Option<Error>,
}

impl Trace {
    pub(crate) fn new(seed: u32, registry: Registry) -> Self {
        let tracing = Tracing {
            graph: Graph::new(),
            mode: Mode::Evaluation,
            device: None,
            products: DType::F32,
            seed,
            streams: 0,
            registry,
            scope: Vec::new(),
            rows: Vec::new(),
            kept: None,
            error: None,
        };
        Self(Rc::new(RefCell::new(tracing)))
    }

    pub(crate) fn set_mode(&self, mode: Mode) {
        self.0.borrow_mut().mode = mode;
    }

    /// Has matrix products take their operands as f16 or f32.
    pub(crate) fn set_products(&self, dtype: DType) {
        self.0.borrow_mut().products = dtype;
    }

    /// What matrix products take their operands as.
    pub(crate) fn products(&self) -> DType {
        self.0.borrow().products
    }

    /// Whether the graph is a step of training, in which layers such as dropout do what they otherwise do not.
    pub fn is_training(&self) -> bool {
        matches!(self.0.borrow().mode, Mode::Training(_))
    }

    /// The number of the step of training, a single u32; none in evaluation.
    pub(crate) fn step(&self) -> Option<Var> {
        match self.0.borrow().mode {
            Mode::Training(step) => Some(self.var(step)),
            Mode::Evaluation => None,
        }
    }

    /// The seed of the training.
    pub fn seed(&self) -> u32 {
        self.0.borrow().seed
    }

    /// The number of a sequence of random numbers of its own, the same in each trace.
    pub fn stream(&self) -> u32 {
        let mut tracing = self.0.borrow_mut();
        tracing.streams += 1;
        tracing.streams - 1
    }

    /// A tensor that is written before a step is run: see [`Session::write`](crate::Session::write).
    pub fn input(&self, name: &str, kind: TensorType) -> Var {
        if let Err(error) = self.check_program("input", name) {
            return self.failed(error);
        }
        if kind.shape.elements() > MOST_ELEMENTS {
            return self.failed(Error::mismatch(format!("input {name}"), format!("{MOST_ELEMENTS} elements at most"), kind));
        }
        self.build(|graph| Ok(graph.input(name, kind)))
    }

    /// A tensor that is kept from step to step, and has this value before the first. [`Var::set`] gives it another one. Asked
    /// for again by the same name, it is the same state.
    pub fn state(&self, name: &str, initial: impl Into<Tensor>) -> Var {
        if let Err(error) = self.check_program("state", name) {
            return self.failed(error);
        }
        let initial = initial.into().host().clone();
        let known = self.source(name);
        match known.map(|known| (known, self.kind(known))) {
            None => self.build(|graph| graph.state(name, initial)),
            Some((known, kind)) if kind == initial.kind() => self.var(known),
            Some((_, kind)) => self.failed(Error::mismatch(format!("state {name}"), kind, initial.kind())),
        }
    }

    /// A fixed tensor.
    pub fn constant(&self, tensor: impl Into<Tensor>) -> Var {
        let tensor = tensor.into().host().clone();
        self.build(|graph| graph.constant(tensor))
    }

    /// A fixed number.
    pub fn scalar(&self, value: f32) -> Var {
        self.build(|graph| Ok(graph.scalar(value)))
    }

    /// Asks for a variable's value under a name.
    pub(crate) fn output(&self, name: &str, var: &Var) {
        if let Some(value) = self.own(var) {
            self.0.borrow_mut().graph.set_output(name, value);
        }
    }

    /// Adds to the graph what `build` does, in the scope of the layers around. Where that fails, or has failed before,
    /// the variable stands for nothing.
    pub fn build(&self, build: impl FnOnce(&mut Graph) -> Result<Value, GraphError>) -> Var {
        let value = self.graph(|graph| Ok(build(graph)?)).map_err(|error| self.fail(error)).ok();
        Var::new(self.clone(), value)
    }

    /// As [`Trace::build`], for what is no single variable, and returns what is wrong at once.
    pub(crate) fn graph<T>(&self, build: impl FnOnce(&mut Graph) -> Result<T, Error>) -> Result<T, Error> {
        let mut tracing = self.0.borrow_mut();
        let scope = tracing.scope.join(".");
        if scope.is_empty() { build(&mut tracing.graph) } else { tracing.graph.scoped(scope, build) }
    }

    /// Keeps an error, and returns what stands for nothing.
    pub(crate) fn failed(&self, error: Error) -> Var {
        self.fail(error);
        Var::new(self.clone(), None)
    }

    /// The variable of a value of this graph.
    pub(crate) fn var(&self, value: Value) -> Var {
        Var::new(self.clone(), Some(value))
    }

    /// The value of a variable of this graph; none, and an error is kept, where it is of another one.
    pub(crate) fn own(&self, var: &Var) -> Option<Value> {
        if !Rc::ptr_eq(&self.0, &var.trace().0) {
            self.fail(Error::mismatch("variable", "one of the graph that is being built", "one of another graph"));
            return None;
        }
        var.value()
    }

    /// Whether a value is a state.
    pub(crate) fn is_state(&self, value: Value) -> bool {
        let tracing = self.0.borrow();
        matches!(tracing.graph.node(value.node).kind, Kind::Source(Source::State { .. }))
    }

    pub(crate) fn kind(&self, value: Value) -> TensorType {
        self.0.borrow().graph.kind(value).clone()
    }

    fn source(&self, name: &str) -> Option<Value> {
        let graph = self.as_graph();
        let sources =
            graph.nodes().iter().filter(|node| matches!(node.kind, Kind::Source(Source::Input { .. } | Source::State { .. })));
        sources.filter(|node| node.name() == name).map(|node| node.output(0)).next()
    }

    /// The input or state of that name.
    pub(crate) fn named(&self, name: &str) -> Var {
        match self.source(name) {
            Some(source) => self.var(source),
            None => self.scalar(0.0).failed(Error::mismatch("input or state", "one of the graph", name)),
        }
    }

    /// The graph so far.
    pub(crate) fn as_graph(&self) -> Ref<'_, Graph> {
        Ref::map(self.0.borrow(), |tracing| &tracing.graph)
    }

    /// Keeps the first mistake, until [`Trace::checked`] asks.
    pub(crate) fn fail(&self, error: Error) {
        self.0.borrow_mut().error.get_or_insert(error);
    }

    /// A result, unless something went wrong before.
    pub(crate) fn checked<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        match self.0.borrow_mut().error.take() {
            Some(error) => Err(error),
            None => result,
        }
    }

    /// A scalar of u32 that counts, and begins at 0.
    pub(crate) fn counter(&self, name: &str) -> Var {
        self.state(name, Tensor::from_host(HostTensor::U32(Shape::default(), vec![0]).into()))
    }
}
