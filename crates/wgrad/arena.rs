//! Vectors of named tensors: what they hold, where each lies, and whether what is given for them fits.

use std::collections::{HashMap, HashSet};

use wgrad_core::{HostTensor, MOST_ELEMENTS, Shape, TensorType};
use wgrad_shaders::{PackLayout, pack_layout};

use crate::error::{Error, ParameterMismatch};
use crate::initial::Initial;
use crate::tensor::Tensor;

/// A tensor that a model keeps, or an optimizer for one.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// As in PyTorch's `state_dict`.
    pub name: String,
    pub shape: Shape,
    pub initial: Initial,
    pub role: Role,
}

/// What changes an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// An optimizer.
    Trainable,
    /// The model itself, in training.
    Buffer,
    /// Likewise; it holds a whole number.
    Counter,
}

/// A tensor that somebody has given; as text, what it is where it cannot be read.
pub(crate) type Given = Result<Tensor, String>;

/// The largest count up to which f32 holds all whole numbers.
pub(crate) const LARGEST_COUNT: f32 = 16_777_216.0;

/// Entries that lie in one vector.
#[derive(Clone, Debug)]
pub(crate) struct Arena {
    /// The name of the state that holds the vector.
    pub state: String,
    /// The optimizer that changes it, by its place; none for what is frozen, and for buffers.
    pub optimizer: Option<usize>,
    pub entries: Vec<Entry>,
    layout: PackLayout,
}

impl Entry {
    /// Fails where it has no elements, or too many.
    pub fn check(&self) -> Result<(), Error> {
        if !(1..=MOST_ELEMENTS).contains(&self.shape.elements()) {
            return Err(self.mismatch(format!("between 1 and {MOST_ELEMENTS} elements")));
        }
        self.initial
            .check(&self.shape)
            .map_err(|[wanted, got]| Error::mismatch(format!("initial value of {}", self.name), wanted, got))
    }

    /// What is kept for it under its name and `suffix`, of its shape.
    fn beside(&self, suffix: &str) -> Self {
        let name = format!("{}.{suffix}", self.name);
        Self { name, shape: self.shape.clone(), initial: Initial::Constant(0.0), role: Role::Trainable }
    }

    /// What is wrong with what was given for it.
    fn misfit(&self, given: Option<&Given>) -> Option<ParameterMismatch> {
        let is_count = |element: &f32| (0.0..=LARGEST_COUNT).contains(element) && element.fract() == 0.0;
        let (wanted, got) = match given {
            None => (self.shape.to_string(), None),
            Some(Err(got)) => (format!("{} of numbers that f32 holds", self.shape), Some(got.clone())),
            Some(Ok(tensor)) if *tensor.shape() != self.shape => (self.shape.to_string(), Some(tensor.shape().to_string())),
            Some(Ok(tensor)) if self.role == Role::Counter && !tensor.to_vec().iter().all(is_count) => {
                (format!("whole numbers from 0 to {LARGEST_COUNT}"), Some(format!("{:?}", tensor.to_vec())))
            }
            Some(Ok(_)) => return None,
        };
        Some(ParameterMismatch { name: self.name.clone(), wanted: Some(wanted), got })
    }

    /// An error that says what the shape should have been.
    pub fn mismatch(&self, wanted: impl ToString) -> Error {
        Error::mismatch(format!("parameter {}", self.name), wanted, &self.shape)
    }
}

impl Arena {
    /// The vector of a state that holds these entries, one after another.
    pub fn new(state: String, optimizer: Option<usize>, entries: Vec<Entry>) -> Self {
        let shapes: Vec<Shape> = entries.iter().map(|entry| entry.shape.clone()).collect();
        Self { state, optimizer, entries, layout: pack_layout(&shapes) }
    }

    /// The vector of a state that an optimizer keeps for these entries, each under its name and `suffix`.
    pub fn beside(&self, state: String, suffix: &str) -> Self {
        let entries = self.entries.iter().map(|entry| entry.beside(suffix)).collect();
        Self { state, entries, ..self.clone() }
    }

    /// The type of the vector.
    pub fn kind(&self) -> TensorType {
        TensorType::f32([self.layout.length])
    }

    /// The entries, and at which element each begins.
    pub fn places(&self) -> impl Iterator<Item = (&Entry, usize)> {
        self.entries.iter().zip(self.layout.offsets.iter().copied())
    }

    /// A vector whose entries are made one by one.
    pub fn packed(&self, make: impl Fn(&Entry) -> Vec<f32>) -> HostTensor {
        self.filled(vec![0.0; self.layout.length], |entry| Some(make(entry)))
    }

    /// A vector with those entries replaced for which a tensor is given. [`mismatches`] tells whether it fits.
    pub fn replaced(&self, named: &[(String, Given)], previous: &HostTensor) -> HostTensor {
        let given: HashMap<&str, &Tensor> =
            named.iter().filter_map(|(name, given)| Some((name.as_str(), given.as_ref().ok()?))).collect();
        self.filled(self.elements(previous), |entry| given.get(entry.name.as_str()).map(|tensor| tensor.to_vec()))
    }

    /// A vector of these elements, but where there is a part for an entry.
    fn filled(&self, mut elements: Vec<f32>, part: impl Fn(&Entry) -> Option<Vec<f32>>) -> HostTensor {
        for (entry, offset) in self.places() {
            if let Some(part) = part(entry) {
                elements[offset..offset + part.len()].copy_from_slice(&part);
            }
        }
        HostTensor::F32(self.kind().shape, elements)
    }

    /// The named tensors of a vector.
    pub fn unpack(&self, packed: &HostTensor) -> Vec<(String, Tensor)> {
        let elements = self.elements(packed);
        let named = self.places().filter_map(|(entry, offset)| {
            let part = elements[offset..offset + entry.shape.elements()].to_vec();
            let tensor = match entry.role {
                Role::Counter => Tensor::u32(entry.shape.clone(), part.iter().map(|&count| count as u32).collect()),
                Role::Trainable | Role::Buffer => Tensor::f32(entry.shape.clone(), part),
            };
            Some((entry.name.clone(), tensor.ok()?))
        });
        named.collect()
    }

    fn elements(&self, packed: &HostTensor) -> Vec<f32> {
        match packed {
            HostTensor::F32(_, elements) if elements.len() == self.layout.length => elements.clone(),
            _ => vec![0.0; self.layout.length],
        }
    }
}

/// How named tensors are not those that are wanted: all names that are unknown, given twice, of another shape or of elements
/// that do not fit; and all that are missing, but those that `may_lack` allows.
pub(crate) fn mismatches<'a>(
    entries: impl Iterator<Item = &'a Entry> + Clone,
    named: &[(String, Given)],
    may_lack: impl Fn(&Entry) -> bool,
) -> Vec<ParameterMismatch> {
    let known: HashSet<&str> = entries.clone().map(|entry| entry.name.as_str()).collect();
    let mut given: HashMap<&str, &Given> = HashMap::new();
    let mut surplus = Vec::new();
    for (name, tensor) in named {
        if !known.contains(name.as_str()) {
            let got = tensor.as_ref().map_or_else(String::clone, |tensor| tensor.shape().to_string());
            surplus.push(ParameterMismatch { name: name.clone(), wanted: None, got: Some(got) });
        } else if given.insert(name, tensor).is_some() {
            let [wanted, got] = ["one tensor", "another"].map(|word| Some(word.to_owned()));
            surplus.push(ParameterMismatch { name: name.clone(), wanted, got });
        }
    }
    let wrong = entries.filter_map(|entry| match given.get(entry.name.as_str()) {
        None if may_lack(entry) => None,
        given => entry.misfit(given.copied()),
    });
    wrong.chain(surplus).collect()
}
