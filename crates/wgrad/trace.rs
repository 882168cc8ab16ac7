//! How a model becomes a graph: it is run once on values that stand for tensors.

use std::collections::HashMap;

use wgrad_core::{Graph, Shape, TensorType, Value};

use crate::error::Error;
use crate::initial::Initial;
use crate::layers::Layer;
use crate::parameters::{Parameter, Parameters};
use crate::summary::Row;

/// What a graph is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Steps that change the parameters.
    Training {
        /// The number of the step, a single u32: what random numbers depend on.
        step: Value,
    },
    /// Everything else: no dropout.
    Evaluation,
}

/// What a layer builds its part of the graph with.
#[derive(Debug)]
pub struct Trace<'a> {
    /// The graph, to which the operations of [`ops`](crate::ops) are added.
    pub graph: &'a mut Graph,
    context: &'a mut Context,
}

/// What a trace knows beside the graph.
#[derive(Debug)]
pub(crate) struct Context {
    mode: Mode,
    seed: u32,
    streams: u32,
    source: Source,
    scope: Vec<String>,
    known: HashMap<String, Value>,
    pub(crate) found: Vec<Parameter>,
    pub(crate) rows: Vec<Row>,
}

/// Where parameters come from.
#[derive(Debug)]
enum Source {
    /// They are only collected.
    Unknown,
    /// They lie one after another in a state.
    Packed { state: Value, places: HashMap<String, (usize, Shape)> },
}

impl Context {
    /// For a first trace, which finds the parameters.
    pub(crate) fn collecting(mode: Mode) -> Self {
        Self::new(mode, 0, Source::Unknown)
    }

    /// For a trace whose parameters lie in `state`.
    pub(crate) fn reading(mode: Mode, seed: u32, state: Value, parameters: &Parameters) -> Self {
        let places = parameters.places().map(|(parameter, offset)| (parameter.name.clone(), (offset, parameter.shape.clone())));
        Self::new(mode, seed, Source::Packed { state, places: places.collect() })
    }

    fn new(mode: Mode, seed: u32, source: Source) -> Self {
        let (scope, known, found, rows) = (Vec::new(), HashMap::new(), Vec::new(), Vec::new());
        Self { mode, seed, streams: 0, source, scope, known, found, rows }
    }

    /// The value of a parameter that the model has used.
    pub(crate) fn parameter(&self, name: &str) -> Option<Value> {
        self.known.get(name).copied()
    }
}

impl<'a> Trace<'a> {
    pub(crate) fn new(graph: &'a mut Graph, context: &'a mut Context) -> Self {
        Self { graph, context }
    }

    /// What the graph is for.
    pub fn mode(&self) -> Mode {
        self.context.mode
    }

    /// The seed of the training.
    pub fn seed(&self) -> u32 {
        self.context.seed
    }

    /// A sequence of random numbers of its own, the same in each trace.
    pub fn stream(&mut self) -> u32 {
        self.context.streams += 1;
        self.context.streams - 1
    }

    /// A trainable tensor of f32. Its full name is that of the layers around it and `name`, joined by dots, as in
    /// PyTorch's `state_dict`; asked for again by the same full name, it is the same tensor.
    ///
    /// # Errors
    /// Where it has no elements, or was asked for with another shape.
    pub fn parameter(&mut self, name: &str, shape: impl Into<Shape>, initial: Initial) -> Result<Value, Error> {
        let (name, shape) = (self.full_name(name), shape.into());
        let elements = shape.dims().iter().try_fold(1_usize, |product, &extent| product.checked_mul(extent));
        if elements.is_none_or(|elements| elements == 0 || elements > u32::MAX as usize) {
            let wanted = format!("between 1 and {} elements", u32::MAX);
            return Err(Error::mismatch(format!("parameter {name}"), wanted, shape));
        }
        if let Some(&known) = self.context.known.get(&name) {
            let wanted = &self.graph.kind(known).shape;
            let is_same = *wanted == shape;
            return if is_same { Ok(known) } else { Err(Error::mismatch(format!("parameter {name}"), wanted, shape)) };
        }
        let value = match &self.context.source {
            Source::Unknown => self.graph.input(name.clone(), TensorType::f32(shape.clone())),
            Source::Packed { state, places } => {
                let (offset, wanted) =
                    places.get(&name).ok_or_else(|| Error::mismatch(&*name, "nothing of that name", &shape))?;
                if *wanted != shape {
                    return Err(Error::mismatch(format!("parameter {name}"), wanted, shape));
                }
                wgrad_shaders::slice(self.graph, *state, *offset, shape.clone())?
            }
        };
        self.context.known.insert(name.clone(), value);
        self.context.found.push(Parameter { name, shape, initial });
        Ok(value)
    }

    /// Runs `layer` on `input` under a name of its own, as the model's part `name`.
    ///
    /// # Errors
    /// What is wrong with the layer or its input, with the layer's name.
    pub fn layer(&mut self, name: &str, layer: &dyn Layer, input: Value) -> Result<Value, Error> {
        let context = &mut *self.context;
        context.scope.push(name.to_owned());
        let row = context.rows.len();
        context.rows.push(Row::new(&context.scope, layer.name()));
        let found = context.found.len();
        let output = self.graph.scoped(name, |graph| layer.forward(&mut Trace { graph, context }, input));
        let context = &mut *self.context;
        context.scope.pop();
        let output =
            output.map_err(|reason| Error::Layer { layer: format!("{name} ({})", layer.name()), reason: Box::new(reason) })?;
        let elements = context.found[found..].iter().map(|parameter| parameter.shape.elements()).sum();
        context.rows[row].finish(self.graph.kind(output).shape.clone(), elements);
        Ok(output)
    }

    fn full_name(&self, name: &str) -> String {
        self.context.scope.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(".")
    }
}
