//! Where a model's parameters and buffers come from.

use std::collections::HashMap;
use std::rc::Rc;
use std::slice;

use wgrad_core::{Graph, HostTensor, Kind, Lowering, Shape, Source, TensorType, Value};

use crate::arena::{Entry, Role};
use crate::error::Error;
use crate::initial::Initial;
use crate::trace::Trace;
use crate::var::Var;

/// What a trace knows of the tensors that a model keeps.
#[derive(Debug)]
pub(crate) struct Registry {
    origin: Origin,
    known: HashMap<String, Value>,
    found: Vec<Entry>,
    nexts: Vec<(String, Value)>,
    /// Tokens of the model's input have to be below this; none where it takes all.
    tokens: Option<usize>,
}

/// Where they come from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// They are only collected.
    Unknown,
    /// Each is drawn where it is asked for: a state of its own, or a constant where a graph is evaluated on demand.
    Drawn,
    /// They are parts of vectors, each from an element on.
    Packed(Rc<HashMap<String, Part>>),
}

/// A part of a packed vector.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The state that holds the vector.
    pub state: String,
    /// The part's first element.
    pub offset: usize,
    pub shape: Shape,
}

impl Registry {
    pub fn new(origin: Origin) -> Self {
        Self { origin, known: HashMap::new(), found: Vec::new(), nexts: Vec::new(), tokens: None }
    }

    /// All that the model asked for, in that order.
    pub fn found(&self) -> &[Entry] {
        &self.found
    }

    /// The number of trainable elements that were asked for after so many tensors.
    pub fn elements_since(&self, count: usize) -> usize {
        let trainable = self.found[count..].iter().filter(|entry| entry.role == Role::Trainable);
        trainable.map(|entry| entry.shape.elements()).sum()
    }
}

impl Trace {
    /// A trainable tensor of f32. Its full name is that of the layers around it and `name`, joined by dots, as in
    /// PyTorch's `state_dict`; asked for again by the same full name, it is the same tensor.
    ///
    /// # Errors
    /// Where it has no elements, or was asked for with another shape.
    pub fn parameter(&self, name: &str, shape: impl Into<Shape>, initial: Initial) -> Result<Var, Error> {
        self.entry(Entry { name: self.full_name(name), shape: shape.into(), initial, role: Role::Trainable })
    }

    /// A tensor of f32 that the model keeps but no optimizer changes, such as running statistics, named likewise.
    /// [`Trace::set_buffer`] gives it its next value.
    ///
    /// # Errors
    /// As [`Trace::parameter`].
    pub fn buffer(&self, name: &str, shape: impl Into<Shape>, initial: Initial) -> Result<Var, Error> {
        self.entry(Entry { name: self.full_name(name), shape: shape.into(), initial, role: Role::Buffer })
    }

    /// A buffer of one whole number, which counts from 0.
    ///
    /// # Errors
    /// As [`Trace::parameter`].
    pub fn counting_buffer(&self, name: &str) -> Result<Var, Error> {
        let initial = Initial::Constant(0.0);
        self.entry(Entry { name: self.full_name(name), shape: Shape::default(), initial, role: Role::Counter })
    }

    /// All trainable tensors that were asked for so far, by their full names, in that order.
    pub fn parameters(&self) -> Vec<(String, Var)> {
        let tracing = self.0.borrow();
        let trainable = tracing.registry.found.iter().filter(|entry| entry.role == Role::Trainable);
        trainable.map(|entry| (entry.name.clone(), self.var(tracing.registry.known[&entry.name]))).collect()
    }

    /// Says what a buffer becomes at the end of a step of training, unless the step's loss is not finite.
    ///
    /// # Errors
    /// Where the layer has no buffer of that name, or its shape is another.
    pub fn set_buffer(&self, name: &str, next: &Var) -> Result<(), Error> {
        let full = self.full_name(name);
        let known = self.0.borrow().registry.known.get(&full).copied();
        let wanted = known.map(|value| self.kind(value).shape);
        if wanted.as_ref() != Some(&next.shape()) {
            let wanted = wanted.map_or("a name that was asked for before".to_owned(), |shape| shape.to_string());
            return Err(Error::mismatch(format!("buffer {full}"), wanted, next.shape()));
        }
        if let Some(next) = self.own(next) {
            self.0.borrow_mut().registry.nexts.push((full, next));
        }
        Ok(())
    }

    fn entry(&self, entry: Entry) -> Result<Var, Error> {
        entry.check()?;
        if let Some(&known) = self.0.borrow().registry.known.get(&entry.name) {
            let wanted = self.kind(known).shape;
            let is_same = wanted == entry.shape;
            return if is_same { Ok(self.var(known)) } else { Err(entry.mismatch(wanted)) };
        }
        let origin = self.0.borrow().registry.origin.clone();
        let value = match origin {
            Origin::Unknown => self.graph(|graph| Ok(graph.input(&*entry.name, TensorType::f32(entry.shape.clone()))))?,
            Origin::Drawn => self.drawn(&entry)?,
            Origin::Packed(parts) => self.packed(&entry, parts.get(&entry.name))?,
        };
        let registry = &mut self.0.borrow_mut().registry;
        registry.known.insert(entry.name.clone(), value);
        registry.found.push(entry);
        Ok(self.var(value))
    }

    /// An entry with its initial value.
    fn drawn(&self, entry: &Entry) -> Result<Value, Error> {
        let (seed, stream) = (self.seed(), self.0.borrow().registry.found.len() as u64);
        let initial = HostTensor::F32(entry.shape.clone(), entry.initial.draw(&entry.shape, seed, stream));
        let is_on_demand = self.is_on_demand();
        self.graph(|graph| match is_on_demand {
            true => Ok(graph.constant(initial)?),
            false => Ok(graph.state(&*entry.name, initial)?),
        })
    }

    /// An entry that is a part of a vector.
    fn packed(&self, entry: &Entry, part: Option<&Part>) -> Result<Value, Error> {
        let Some(Part { state, offset, shape }) = part else {
            return Err(Error::mismatch(&*entry.name, "nothing of that name", &entry.shape));
        };
        if *shape != entry.shape {
            return Err(entry.mismatch(shape));
        }
        let vector = self.checked(Ok(self.named(state)))?.value();
        let vector = vector.ok_or_else(|| Error::mismatch(&*entry.name, "a loaded state", state))?;
        self.graph(|graph| Ok(wgrad_shaders::slice(graph, vector, *offset, shape.clone())?))
    }

    /// Says that `tokens` have to be below a number. Where they are the model's input, data sets are held to it.
    pub(crate) fn limit_tokens(&self, tokens: &Var, below: usize) {
        let is_input = tokens.value().is_some_and(|value| is_view_of_an_input(&self.as_graph(), value));
        if is_input {
            let known = &mut self.0.borrow_mut().registry.tokens;
            *known = Some(known.map_or(below, |known| known.min(below)));
        }
    }

    /// What the tokens of the model's input have to be below.
    pub(crate) fn token_limit(&self) -> Option<usize> {
        self.0.borrow().registry.tokens
    }

    /// All that the model asked for so far.
    pub(crate) fn found(&self) -> Vec<Entry> {
        self.0.borrow().registry.found.clone()
    }

    /// The value of a parameter or buffer that the model has used.
    pub(crate) fn used_entry(&self, name: &str) -> Option<Value> {
        self.0.borrow().registry.known.get(name).copied()
    }

    /// The value that a buffer becomes; none where it keeps its own.
    pub(crate) fn next_buffer(&self, name: &str) -> Option<Value> {
        let tracing = self.0.borrow();
        let nexts = tracing.registry.nexts.iter().rev();
        nexts.filter(|(known, _)| known == name).map(|(_, next)| *next).next()
    }
}

/// Whether a value shows an input's elements as they are.
fn is_view_of_an_input(graph: &Graph, value: Value) -> bool {
    let node = graph.node(value.node);
    match (&node.kind, &*node.inputs) {
        (Kind::Source(Source::Input { .. }), _) => true,
        (Kind::Op(op), &[input]) => {
            matches!(op.lowering(slice::from_ref(graph.kind(input))), Lowering::View(_)) && is_view_of_an_input(graph, input)
        }
        _ => false,
    }
}
