//! Tensors of a graph that is being built, with PyTorch's names for what can be done with them.

mod arithmetic;
mod elementwise;
mod functions;
mod gradients;
mod reductions;
mod shapes;

use std::fmt;

use wgrad_core::{DType, Graph, GraphError, Op, Shape, TensorType, Value};

use crate::error::Error;
use crate::layers::Layer;
use crate::trace::Trace;

/// A tensor of a graph that is being built: it has a type, but no elements yet.
///
/// Operations add nodes to the graph and never fail: what is wrong, such as shapes that do not go together, is kept, and
/// returned where the graph is finished or evaluated. A variable that an error left without value has the shape of a scalar.
///
/// ```
/// # use wgrad::prelude::*;
/// let graph = Trace::on(&Device::cpu());
/// let x = graph.constant([[1.0, 2.0], [3.0, 4.0]]);
/// let y = 2.0 * &x + x.matmul(&x);
/// assert_eq!(y.evaluate()?, Tensor::from([[9.0, 14.0], [21.0, 30.0]]));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Var {
    trace: Trace,
    value: Option<Value>,
}

impl Var {
    pub(crate) fn new(trace: Trace, value: Option<Value>) -> Self {
        Self { trace, value }
    }

    /// The value in the graph; none where an error left it without.
    pub(crate) fn value(&self) -> Option<Value> {
        self.value
    }

    /// The graph that it belongs to.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Shape and element type.
    pub fn kind(&self) -> TensorType {
        self.value.map_or(TensorType::f32(Shape::default()), |value| self.trace.kind(value))
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.kind().shape
    }

    /// Runs `layer` on this, as the part `name` of the layer that is being run. `name` is what PyTorch's `state_dict`
    /// calls the attribute that holds the layer.
    ///
    /// # Errors
    /// What is wrong with the layer or its input, with the layer's name.
    pub fn layer(&self, name: &str, layer: &dyn Layer) -> Result<Var, Error> {
        self.trace.layer(name, layer, self)
    }

    /// Gives a state its next value: what it is after the step. All that reads the state in this step sees the old one, also
    /// another state whose next value it is; on adapters, two that take each other's place must be f32.
    pub fn set(&self, next: &Var) {
        let (Some(state), Some(value)) = (self.trace.own(self), self.trace.own(next)) else { return };
        // Copies of states wait until nobody reads the old values any more, which two that take each other's place would do
        // for ever. What is computed does not.
        let is_another = self.trace.is_state(value) && value != state && next.kind().dtype == DType::F32;
        let Some(value) = (if is_another { (1.0 * next).value } else { Some(value) }) else { return };
        let set = self.trace.graph(|graph| Ok(graph.set_next(state, value)?));
        set.unwrap_or_else(|error| self.trace.fail(error));
    }

    /// The first output of an operation of one's own on this and `others`.
    pub fn apply<const N: usize>(&self, op: impl Op + 'static, others: [&Var; N]) -> Var {
        let inputs: Option<Vec<Value>> = std::iter::once(self).chain(others).map(|var| self.trace.own(var)).collect();
        match inputs {
            Some(inputs) => self.trace.build(|graph| graph.apply_one(op, &inputs)),
            None => self.nothing(),
        }
    }

    /// A function of one variable.
    pub(crate) fn map(&self, build: impl FnOnce(&mut Graph, Value) -> Result<Value, GraphError>) -> Var {
        self.with([self], |graph, [value]| build(graph, value))
    }

    /// A function of two variables.
    pub(crate) fn zip(&self, other: &Var, build: impl FnOnce(&mut Graph, Value, Value) -> Result<Value, GraphError>) -> Var {
        self.with([self, other], |graph, [left, right]| build(graph, left, right))
    }

    /// A function of several variables.
    pub(crate) fn with<const N: usize>(
        &self,
        inputs: [&Var; N],
        build: impl FnOnce(&mut Graph, [Value; N]) -> Result<Value, GraphError>,
    ) -> Var {
        let [output] = self.with_several(inputs, |graph, inputs| Ok([build(graph, inputs)?]));
        output
    }

    /// A function of several variables with several results.
    pub(crate) fn with_several<const N: usize, const M: usize>(
        &self,
        inputs: [&Var; N],
        build: impl FnOnce(&mut Graph, [Value; N]) -> Result<[Value; M], GraphError>,
    ) -> [Var; M] {
        let values: Option<Vec<Value>> = inputs.iter().map(|input| self.trace.own(input)).collect();
        let outputs = values.and_then(|values| <[Value; N]>::try_from(values).ok()).and_then(|values| {
            let outputs = self.trace.graph(|graph| Ok(build(graph, values)?));
            outputs.map_err(|error| self.trace.fail(error)).ok()
        });
        outputs.map_or_else(|| [(); M].map(|()| self.nothing()), |outputs| outputs.map(|output| self.trace.var(output)))
    }

    /// This, or what went wrong on the way to it: before its shape is looked at.
    pub(crate) fn checked(self) -> Result<Var, Error> {
        let trace = self.trace.clone();
        trace.checked(Ok(self))
    }

    /// Keeps an error, and stands for nothing.
    pub(crate) fn failed(&self, error: Error) -> Var {
        self.trace.failed(error)
    }

    /// What stands where an error left a variable without value.
    fn nothing(&self) -> Var {
        Var::new(self.trace.clone(), None)
    }
}

impl fmt::Debug for Var {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self.value {
            Some(value) => write!(formatter, "{value}: {}", self.kind()),
            None => formatter.write_str("no value"),
        }
    }
}
