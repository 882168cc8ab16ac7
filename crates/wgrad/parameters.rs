//! A model's parameters and buffers: what they are called, how they start, and where they lie.

use std::rc::Rc;
use std::sync::Arc;

use wgrad_core::{HostTensor, Shape, TensorType};

use crate::arena::{Arena, Entry, Given, Role, mismatches};
use crate::error::Error;
use crate::initial::Initial;
use crate::layers::Layer;
use crate::summary::Row;
use crate::tensor::Tensor;
use crate::trace::{Mode, Origin, Part, Registry, Trace};

/// The state that holds all buffers.
pub(crate) const BUFFERS: &str = "buffers";

/// All tensors that a model keeps, in the order in which it asks for them, and the shapes of its ends.
#[derive(Clone, Debug)]
pub(crate) struct Parameters {
    pub arenas: Vec<Arena>,
    order: Vec<String>,
    /// The type of one input.
    pub input: TensorType,
    /// The shape of one output.
    pub output: Shape,
    /// What the input's tokens have to be below; none where the model takes all.
    pub tokens: Option<usize>,
}

/// What a model asks for.
pub(crate) struct Collected {
    pub entries: Vec<Entry>,
    pub rows: Vec<Row>,
    output: Shape,
    tokens: Option<usize>,
}

/// Traces a model on one example of type `input`, without the axis of examples, only to see what it asks for. Fails where its
/// outputs have no axis of examples.
pub(crate) fn collect(model: &dyn Layer, input: &TensorType) -> Result<Collected, Error> {
    let (trace, shape) = traced(model, input, 1)?;
    let output = match shape.dims() {
        [_, output @ ..] if gives_each_a_row(model, input) => output.to_vec().into(),
        _ => {
            let reason = Error::mismatch("output", "[batch, ...], a row for each example", format!("{shape} for one example"));
            return Err(Error::Model { kind: model.name().to_owned(), reason: Box::new(reason) });
        }
    };
    Ok(Collected { entries: trace.found(), rows: trace.rows(), output, tokens: trace.token_limit() })
}

/// Whether two examples have two rows, as far as the model takes two.
fn gives_each_a_row(model: &dyn Layer, input: &TensorType) -> bool {
    traced(model, input, 2).map_or(true, |(_, shape)| shape.dims().first() == Some(&2))
}

/// A model in training on so many examples, and the shape of its outputs.
fn traced(model: &dyn Layer, input: &TensorType, examples: usize) -> Result<(Trace, Shape), Error> {
    let trace = Trace::new(0, Registry::new(Origin::Unknown));
    let step = trace.counter("step");
    if let Some(step) = step.value() {
        trace.set_mode(Mode::Training(step));
    }
    let batch = trace.input("input", TensorType::new(input.dtype, [&[examples], input.shape.dims()].concat()));
    let output = trace.model(model, &batch)?.shape();
    Ok((trace, output))
}

impl Parameters {
    /// Those of a model whose input is of type `input`, without the axis of examples. `optimizer` tells which one
    /// changes a parameter.
    pub fn of(model: &dyn Layer, input: TensorType, optimizer: impl Fn(&str) -> Option<usize>) -> Result<Self, Error> {
        let Collected { entries, output, tokens, .. } = collect(model, &input)?;
        let order = entries.iter().map(|entry| entry.name.clone()).collect();
        let (trainable, buffers): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.role == Role::Trainable);
        if trainable.is_empty() {
            return Err(Error::NoParameters);
        }
        let mut groups: Vec<(Option<usize>, Vec<Entry>)> = Vec::new();
        for entry in trainable {
            let group = optimizer(&entry.name);
            match groups.iter_mut().find(|(known, _)| *known == group) {
                Some((_, entries)) => entries.push(entry),
                None => groups.push((group, vec![entry])),
            }
        }
        let state = |group: &Option<usize>| group.map_or("frozen".to_owned(), |index| format!("parameters.{index}"));
        let mut arenas: Vec<Arena> =
            groups.into_iter().map(|(group, entries)| Arena::new(state(&group), group, entries)).collect();
        if !buffers.is_empty() {
            arenas.push(Arena::new(BUFFERS.to_owned(), None, buffers));
        }
        Ok(Self { arenas, order, input, output, tokens })
    }

    /// The vectors before the first step. Each entry's random numbers are its own.
    pub fn draw(&self, seed: u32) -> Vec<Arc<HostTensor>> {
        let draw = |arena: &Arena| Arc::new(arena.packed(|entry| self.elements(entry, entry.initial, seed)));
        self.arenas.iter().map(draw).collect()
    }

    /// Those of the trainable tensors that `initial` says how to draw, by name.
    pub fn redrawn(&self, seed: u32, initial: impl Fn(&str, &Shape) -> Option<Initial>) -> Result<Vec<(String, Tensor)>, Error> {
        let entries = self.entries().filter(|entry| entry.role == Role::Trainable);
        let drawn = entries.filter_map(|entry| Some((entry, initial(&entry.name, &entry.shape)?)));
        let tensors = drawn.map(|(entry, initial)| {
            initial.check(&entry.shape).map_err(|[wanted, got]| Error::mismatch(&entry.name, wanted, got))?;
            Ok((entry.name.clone(), Tensor::f32(entry.shape.clone(), self.elements(entry, initial, seed))?))
        });
        tensors.collect()
    }

    fn elements(&self, entry: &Entry, initial: Initial, seed: u32) -> Vec<f32> {
        let stream = self.order.iter().position(|known| *known == entry.name).unwrap_or_default();
        initial.draw(&entry.shape, seed, stream as u64)
    }

    /// Vectors of zeros.
    pub fn zeros(&self) -> Vec<Arc<HostTensor>> {
        self.arenas.iter().map(|arena| Arc::new(HostTensor::zeros(&arena.kind()))).collect()
    }

    /// Where each entry lies.
    pub fn origin(&self) -> Origin {
        let parts = self.arenas.iter().flat_map(|arena| {
            arena.places().map(|(entry, offset)| {
                let part = Part { state: arena.state.clone(), offset, shape: entry.shape.clone() };
                (entry.name.clone(), part)
            })
        });
        Origin::Packed(Rc::new(parts.collect()))
    }

    /// The vectors with some entries replaced by named tensors.
    ///
    /// # Errors
    /// As [`Parameters::check`].
    pub fn pack(
        &self,
        named: &[(String, Given)],
        previous: &[Arc<HostTensor>],
        may_lack: impl Fn(&Entry) -> bool,
    ) -> Result<Vec<Arc<HostTensor>>, Error> {
        self.check(named, may_lack)?;
        let arenas = self.arenas.iter().zip(previous);
        Ok(arenas.map(|(arena, previous)| Arc::new(arena.replaced(named, previous))).collect())
    }

    /// Checks that named tensors are those of the model.
    ///
    /// # Errors
    /// Lists all names that are unknown, given twice, of another shape or of elements that do not fit; and all that are missing,
    /// but those that `may_lack` allows.
    pub fn check(&self, named: &[(String, Given)], may_lack: impl Fn(&Entry) -> bool) -> Result<(), Error> {
        let mismatches = mismatches(self.entries(), named, may_lack);
        if mismatches.is_empty() { Ok(()) } else { Err(Error::Parameters(mismatches)) }
    }

    /// Which optimizer changes which parameters, such as `0: 0.weight 0.bias; frozen: 2.weight`.
    pub fn groups(&self) -> String {
        let vectors = self.arenas.iter().filter(|arena| arena.state != BUFFERS);
        let groups = vectors.map(|arena| {
            let names: Vec<&str> = arena.entries.iter().map(|entry| entry.name.as_str()).collect();
            format!("{}: {}", arena.optimizer.map_or("frozen".to_owned(), |place| place.to_string()), names.join(" "))
        });
        groups.collect::<Vec<String>>().join("; ")
    }

    /// All tensors, vector by vector.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.arenas.iter().flat_map(|arena| &arena.entries)
    }

    /// The named tensors of all vectors, in the order in which the model asks for them.
    pub fn unpack(&self, packed: &[Arc<HostTensor>]) -> Vec<(String, Tensor)> {
        let arenas = self.arenas.iter().zip(packed);
        let mut named: Vec<_> = arenas.flat_map(|(arena, packed)| arena.unpack(packed)).collect();
        named.sort_by_key(|(name, _)| self.order.iter().position(|known| known == name));
        named
    }

    /// Where an entry lies: the state that holds it, at which element it begins there, and its type.
    pub fn place(&self, name: &str) -> Option<(String, usize, TensorType)> {
        self.arenas.iter().find_map(|arena| {
            let (entry, offset) = arena.places().find(|(entry, _)| entry.name == name)?;
            Some((arena.state.clone(), offset, TensorType::f32(entry.shape.clone())))
        })
    }

    /// The names of all entries, in the order in which the model asks for them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(String::as_str)
    }

    /// The names of the trainable tensors.
    pub fn trainable(&self) -> impl Iterator<Item = &str> + Clone {
        self.entries().filter(|entry| entry.role == Role::Trainable).map(|entry| entry.name.as_str())
    }
}
