//! The tensors of the CPU device that outlive a step.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use wgrad_core::graph::Kind;
use wgrad_core::{Graph, HostTensor, Source, TensorType};

use crate::error::{ReferenceError, check_tensor};

/// Inputs and states by name, shared by all [programs](crate::Program) that run on it.
///
/// A clone is a snapshot: it shares the tensors, and costs nothing but the names.
///
/// ```
/// use wgrad_core::{Graph, HostTensor, TensorType};
/// use wgrad_reference::Store;
///
/// let mut graph = Graph::new();
/// graph.input("images", TensorType::f32([64, 784]));
/// graph.state("steps", HostTensor::scalar(0.0))?;
///
/// let mut store = Store::new();
/// store.add(&graph)?;
/// assert_eq!(**store.read("steps")?, HostTensor::scalar(0.0));
///
/// let error = store.write("images", HostTensor::scalar(1.0)).unwrap_err();
/// assert_eq!(error.to_string(), "images: wanted f32[64, 784], got f32[]");
/// let error = store.read("labels").unwrap_err();
/// assert_eq!(error.to_string(), "no input or state is called labels; there are: images, steps");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Store {
    tensors: BTreeMap<String, Slot>,
}

#[derive(Clone, Debug)]
struct Slot {
    kind: TensorType,
    /// None for an input that nobody has written yet.
    tensor: Option<Arc<HostTensor>>,
}

impl Store {
    /// A store without inputs or states.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes room for a graph's inputs and states. States get their initial values, without a copy; those that are
    /// there already, from another graph, keep theirs.
    ///
    /// # Errors
    /// Where another graph has an input or state of that name and another type. Nothing has been added then.
    pub fn add(&mut self, graph: &Graph) -> Result<(), ReferenceError> {
        let mut tensors = self.tensors.clone();
        for node in graph.nodes() {
            let (name, initial) = match &node.kind {
                Kind::Source(Source::Input { name }) => (name, None),
                Kind::Source(Source::State { name, initial }) => (name, Some(initial.clone())),
                Kind::Source(Source::Constant(_)) | Kind::Op(_) => continue,
            };
            add_slot(&mut tensors, name, &node.outputs[0], initial)?;
        }
        self.tensors = tensors;
        Ok(())
    }

    /// Replaces an input or state. An [`Arc`] is shared, not copied.
    ///
    /// # Errors
    /// Where no graph has an input or state of that name, or one of another type, or the data does not fill the
    /// shape.
    pub fn write(&mut self, name: &str, tensor: impl Into<Arc<HostTensor>>) -> Result<(), ReferenceError> {
        let tensor = tensor.into();
        check_tensor(name, &self.slot(name)?.kind, &tensor.kind(), tensor.len())?;
        self.replace(name, tensor);
        Ok(())
    }

    /// The present value of an input or state.
    ///
    /// # Errors
    /// Where no graph has an input or state of that name, or it is an input that nobody has written.
    pub fn read(&self, name: &str) -> Result<&Arc<HostTensor>, ReferenceError> {
        let slot = self.slot(name)?;
        slot.tensor.as_ref().ok_or_else(|| ReferenceError::NotWritten { name: name.to_owned(), wanted: slot.kind.clone() })
    }

    /// The names of all inputs and states, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// As [`Store::read`], for a reader that wants this type.
    pub(crate) fn read_as(&self, name: &str, wanted: &TensorType) -> Result<Arc<HostTensor>, ReferenceError> {
        let tensor = self.read(name)?;
        check_tensor(name, wanted, &tensor.kind(), tensor.len())?;
        Ok(tensor.clone())
    }

    /// As [`Store::write`], for a tensor that has been read, or computed, as this name's type.
    pub(crate) fn replace(&mut self, name: &str, tensor: Arc<HostTensor>) {
        if let Some(slot) = self.tensors.get_mut(name) {
            slot.tensor = Some(tensor);
        }
    }

    /// The type that a name was added with.
    pub(crate) fn kind(&self, name: &str) -> Result<&TensorType, ReferenceError> {
        self.slot(name).map(|slot| &slot.kind)
    }

    fn slot(&self, name: &str) -> Result<&Slot, ReferenceError> {
        self.tensors.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.names().collect();
            ReferenceError::UnknownName { name: name.to_owned(), known: known.join(", ") }
        })
    }
}

fn add_slot(
    tensors: &mut BTreeMap<String, Slot>,
    name: &str,
    kind: &TensorType,
    initial: Option<Arc<HostTensor>>,
) -> Result<(), ReferenceError> {
    match tensors.entry(name.to_owned()) {
        Entry::Vacant(vacant) => {
            vacant.insert(Slot { kind: kind.clone(), tensor: initial });
        }
        Entry::Occupied(mut known) => {
            check_tensor(name, &known.get().kind, kind, kind.shape.elements())?;
            let slot = known.get_mut();
            slot.tensor = slot.tensor.take().or(initial);
        }
    }
    Ok(())
}
