//! Append-only graphs of tensors.

use std::fmt;
use std::sync::Arc;

use crate::op::{Op, ShapeError};
use crate::tensor::{HostTensor, TensorType};

/// The most elements that a tensor can have: kernels count them in u32.
pub const MOST_ELEMENTS: usize = u32::MAX as usize;

/// Names a node of a graph. A node comes after all nodes that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// Names one output of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value {
    /// The node.
    pub node: NodeId,
    /// Which of its outputs.
    pub output: u32,
}

/// Where values come from that no operation computes.
#[derive(Clone, Debug)]
pub enum Source {
    /// Written by the host before a step; graphs that name the same input share it.
    Input {
        /// Its name, unique among inputs and states.
        name: String,
    },
    /// Kept from one step to the next; graphs that name the same state share it.
    State {
        /// Its name, unique among inputs and states.
        name: String,
        /// Its value before the first step.
        initial: Arc<HostTensor>,
    },
    /// Fixed when the graph is made.
    Constant(Arc<HostTensor>),
}

/// What a node does.
#[derive(Clone, Debug)]
pub enum Kind {
    /// It is a source, with one output.
    Source(Source),
    /// It computes its outputs from its inputs.
    Op(Arc<dyn Op>),
}

/// One node of a graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name in the graph.
    pub id: NodeId,
    /// What it does.
    pub kind: Kind,
    /// What it reads.
    pub inputs: Vec<Value>,
    /// The types of its outputs.
    pub outputs: Vec<TensorType>,
    /// The scope it was made in, such as a layer's name: a prefix of labels.
    pub scope: String,
}

impl Node {
    /// This node's `index`th output.
    pub fn output(&self, index: usize) -> Value {
        Value { node: self.id, output: index as u32 }
    }

    /// The operation, if it is one.
    pub fn op(&self) -> Option<&dyn Op> {
        match &self.kind {
            Kind::Op(op) => Some(op.as_ref()),
            Kind::Source(_) => None,
        }
    }

    /// The source's or operation's name.
    pub fn name(&self) -> &str {
        match &self.kind {
            Kind::Op(op) => op.name(),
            Kind::Source(Source::Input { name } | Source::State { name, .. }) => name,
            Kind::Source(Source::Constant(_)) => "constant",
        }
    }
}

/// What is wrong with a graph that somebody tried to build.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// An operation does not take these inputs.
    #[error("{scope}{operation}: {source}")]
    Shape {
        /// Where, such as `layer 2: `; empty outside any scope.
        scope: String,
        /// The operation's name.
        operation: String,
        /// What was wanted and what was got.
        source: ShapeError,
    },
    /// A tensor has more elements than kernels can count.
    #[error("{scope}{operation}: wanted a tensor of {MOST_ELEMENTS} elements at most, got {kind}")]
    TooLarge {
        /// Where, such as `layer 2: `; empty outside any scope.
        scope: String,
        /// The operation's name.
        operation: String,
        /// The type of what would have been made.
        kind: TensorType,
    },
    /// A state's next value has another type than the state.
    #[error("state {state}: its next value should be {wanted}, but is {got}")]
    NextType {
        /// The state's name.
        state: String,
        /// The state's type.
        wanted: TensorType,
        /// The value's type.
        got: TensorType,
    },
    /// A value that is no state was given a next value, or a state a second one.
    #[error("{0} cannot be given a next value: it is no state, or has one already")]
    NoState(String),
    /// A source's data does not fill its shape.
    #[error("{name}: a tensor of shape {shape} has {wanted} elements, got {got}")]
    Data {
        /// The source's name.
        name: String,
        /// Its shape.
        shape: String,
        /// The elements that the shape has.
        wanted: usize,
        /// The elements that were given.
        got: usize,
    },
    /// The loss depends on an operation that cannot be differentiated, such as a gradient.
    #[error("{}{operation} has no gradient: wanted an operation that can be differentiated", prefix(scope))]
    NoGradient {
        /// Where, such as `layer 2`; empty outside any scope.
        scope: String,
        /// The operation's name.
        operation: String,
    },
    /// The value to differentiate is not one float.
    #[error("only a single f32 can be differentiated, got {0}")]
    NotScalar(TensorType),
}

/// A network's computation: nodes in an order in which they can run, what is wanted, and what states become.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    outputs: Vec<(String, Value)>,
    nexts: Vec<(NodeId, Value)>,
    scope: Vec<String>,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// All nodes, each after those that it reads.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of that name.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The type of a value.
    pub fn kind(&self, value: Value) -> &TensorType {
        &self.node(value.node).outputs[value.output as usize]
    }

    /// What the graph is asked for, by name.
    pub fn outputs(&self) -> &[(String, Value)] {
        &self.outputs
    }

    /// The names of the inputs.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter_map(|node| match &node.kind {
            Kind::Source(Source::Input { name }) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The states, with their values before the first step.
    pub fn states(&self) -> impl Iterator<Item = (&str, &Arc<HostTensor>)> {
        self.nodes.iter().filter_map(|node| match &node.kind {
            Kind::Source(Source::State { name, initial }) => Some((name.as_str(), initial)),
            _ => None,
        })
    }

    /// The states that change, with the values that they have after the step.
    pub fn nexts(&self) -> &[(NodeId, Value)] {
        &self.nexts
    }

    /// Runs `build` with `name` as a part of the scope of all nodes that it adds.
    pub fn scoped<T>(&mut self, name: impl Into<String>, build: impl FnOnce(&mut Graph) -> T) -> T {
        self.enter(name);
        let result = build(self);
        self.leave();
        result
    }

    pub(crate) fn enter(&mut self, scope: impl Into<String>) {
        self.scope.push(scope.into());
    }

    pub(crate) fn leave(&mut self) {
        self.scope.pop();
    }

    /// A tensor that the host writes.
    pub fn input(&mut self, name: impl Into<String>, kind: TensorType) -> Value {
        self.push(Kind::Source(Source::Input { name: name.into() }), Vec::new(), vec![kind])
    }

    /// A tensor that is kept from step to step. It keeps its value unless [`Graph::set_next`] gives it another.
    ///
    /// # Errors
    /// Where the initial value's data does not fill its shape.
    pub fn state(&mut self, name: impl Into<String>, initial: impl Into<Arc<HostTensor>>) -> Result<Value, GraphError> {
        let (name, initial) = (name.into(), initial.into());
        let kind = checked_kind(&name, &initial)?;
        Ok(self.push(Kind::Source(Source::State { name, initial }), Vec::new(), vec![kind]))
    }

    /// A fixed tensor.
    ///
    /// # Errors
    /// Where the data does not fill the shape.
    pub fn constant(&mut self, tensor: impl Into<Arc<HostTensor>>) -> Result<Value, GraphError> {
        let tensor = tensor.into();
        let kind = checked_kind("constant", &tensor)?;
        Ok(self.push(Kind::Source(Source::Constant(tensor)), Vec::new(), vec![kind]))
    }

    /// A fixed float.
    pub fn scalar(&mut self, value: f32) -> Value {
        let tensor = HostTensor::scalar(value);
        let kind = tensor.kind();
        self.push(Kind::Source(Source::Constant(Arc::new(tensor))), Vec::new(), vec![kind])
    }

    /// Adds an operation and returns its outputs.
    ///
    /// # Errors
    /// Where the operation does not take these inputs; the error names the scope and the operation.
    pub fn apply(&mut self, op: impl Op + 'static, inputs: &[Value]) -> Result<Vec<Value>, GraphError> {
        self.apply_shared(Arc::new(op), inputs)
    }

    /// Adds an operation that is known by its trait alone, and returns its outputs.
    ///
    /// # Errors
    /// As [`Graph::apply`].
    pub fn apply_shared(&mut self, op: Arc<dyn Op>, inputs: &[Value]) -> Result<Vec<Value>, GraphError> {
        let kinds: Vec<TensorType> = inputs.iter().map(|&input| self.kind(input).clone()).collect();
        let (scope, name) = (|| self.scope.iter().map(|name| format!("{name}: ")).collect(), op.name());
        let outputs =
            op.infer(&kinds).map_err(|source| GraphError::Shape { scope: scope(), operation: name.to_owned(), source })?;
        if let Some(kind) = outputs.iter().find(|kind| kind.shape.elements() > MOST_ELEMENTS) {
            return Err(GraphError::TooLarge { scope: scope(), operation: name.to_owned(), kind: kind.clone() });
        }
        let count = outputs.len() as u32;
        let first = self.push(Kind::Op(op), inputs.to_vec(), outputs);
        Ok((0..count).map(|output| Value { output, ..first }).collect())
    }

    /// Adds an operation with one output, and returns it.
    ///
    /// # Errors
    /// As [`Graph::apply`].
    pub fn apply_one(&mut self, op: impl Op + 'static, inputs: &[Value]) -> Result<Value, GraphError> {
        self.apply(op, inputs).map(|outputs| outputs[0])
    }

    /// Asks for a value under a name.
    pub fn set_output(&mut self, name: impl Into<String>, value: Value) {
        self.outputs.push((name.into(), value));
    }

    /// The same computation of which only these values are asked for, by their places in the list; states stay as they are.
    pub fn asked_for(&self, values: &[Value]) -> Self {
        let outputs = values.iter().enumerate().map(|(index, value)| (index.to_string(), *value)).collect();
        Self { nodes: self.nodes.clone(), outputs, ..Self::default() }
    }

    /// Says what a state becomes at the end of the step. All readers in the step see its old value.
    ///
    /// # Errors
    /// Where `state` is no state or has a next value already, or the types differ.
    pub fn set_next(&mut self, state: Value, next: Value) -> Result<(), GraphError> {
        let node = self.node(state.node);
        let is_state = matches!(node.kind, Kind::Source(Source::State { .. }));
        if !is_state || self.nexts.iter().any(|(known, _)| *known == state.node) {
            return Err(GraphError::NoState(node.name().to_owned()));
        }
        if self.kind(state) != self.kind(next) {
            return Err(GraphError::NextType {
                state: node.name().to_owned(),
                wanted: self.kind(state).clone(),
                got: self.kind(next).clone(),
            });
        }
        self.nexts.push((state.node, next));
        Ok(())
    }

    pub(crate) fn push(&mut self, kind: Kind, inputs: Vec<Value>, outputs: Vec<TensorType>) -> Value {
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(Node { id, kind, inputs, outputs, scope: self.scope.join(".") });
        Value { node: id, output: 0 }
    }
}

/// A scope before what happened in it.
fn prefix(scope: &str) -> String {
    if scope.is_empty() { String::new() } else { format!("{scope}: ") }
}

fn checked_kind(name: &str, tensor: &HostTensor) -> Result<TensorType, GraphError> {
    let (wanted, got) = (tensor.shape().elements(), tensor.len());
    if wanted != got {
        return Err(GraphError::Data { name: name.to_owned(), shape: tensor.shape().to_string(), wanted, got });
    }
    Ok(tensor.kind())
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self.output {
            0 => write!(formatter, "%{}", self.node.0),
            output => write!(formatter, "%{}.{output}", self.node.0),
        }
    }
}

impl fmt::Display for Graph {
    /// One line a node: its value, type, operation, inputs and scope; then outputs and what states become.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        for node in &self.nodes {
            let join = |parts: Vec<String>| parts.join(", ");
            let inputs = join(node.inputs.iter().map(Value::to_string).collect());
            let outputs = join(node.outputs.iter().map(TensorType::to_string).collect());
            let what = match &node.kind {
                Kind::Op(op) => format!("{}({inputs})", op.name()),
                Kind::Source(Source::Input { name }) => format!("input {name}"),
                Kind::Source(Source::State { name, .. }) => format!("state {name}"),
                Kind::Source(Source::Constant(_)) => "constant".to_owned(),
            };
            writeln!(formatter, "{:>5}  {outputs:<24} {what:<32} {}", node.output(0).to_string(), node.scope)?;
        }
        for (name, value) in &self.outputs {
            writeln!(formatter, "output {name} = {value}")?;
        }
        for (state, next) in &self.nexts {
            writeln!(formatter, "next {} = {next}", self.node(*state).name())?;
        }
        Ok(())
    }
}
