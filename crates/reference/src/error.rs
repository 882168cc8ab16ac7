//! What can be wrong with a graph, or with what it is given, on the CPU.

use thiserror::Error;
use wgrad_core::TensorType;

/// Why a graph does not run. No variant leaves states half updated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReferenceError {
    /// No graph has an input or state of that name.
    #[error("no input or state is called {name}; there are: {known}")]
    UnknownName {
        /// The name asked for.
        name: String,
        /// The names that there are, separated by commas.
        known: String,
    },

    /// One graph calls two of its inputs and states the same.
    #[error("two inputs or states of one graph are called {name}")]
    DuplicateName {
        /// Their name.
        name: String,
    },

    /// A tensor, or another graph's input or state of the same name, is not of the type that was declared.
    #[error("{name}: wanted {wanted}, got {got}")]
    Type {
        /// The input's or state's name.
        name: String,
        /// The declared type.
        wanted: TensorType,
        /// The type that was given.
        got: TensorType,
    },

    /// A tensor's data does not fill its shape.
    #[error("{name}: {kind} wants {wanted} elements, got {got}")]
    Elements {
        /// The input's, state's or operation's name.
        name: String,
        /// The tensor's type.
        kind: TensorType,
        /// The elements that its shape has.
        wanted: usize,
        /// The elements that are there.
        got: usize,
    },

    /// A step reads an input that nobody has written.
    #[error("input {name} has not been written: wanted {wanted}, got nothing")]
    NotWritten {
        /// The input's name.
        name: String,
        /// Its type.
        wanted: TensorType,
    },

    /// An operation computed something else than it had inferred. That is a mistake in the operation.
    #[error("{operation}: output {output} should be {wanted}, but is {got}")]
    Output {
        /// The operation's scope, name and place in the graph.
        operation: String,
        /// Which of its outputs.
        output: usize,
        /// The inferred type.
        wanted: TensorType,
        /// The type that was computed.
        got: TensorType,
    },
}

/// Checks that a tensor is of the type that `name` was declared with, and that its data fills its shape.
pub(crate) fn check_tensor(name: &str, wanted: &TensorType, got: &TensorType, elements: usize) -> Result<(), ReferenceError> {
    if wanted != got {
        let (wanted, got) = (wanted.clone(), got.clone());
        return Err(ReferenceError::Type { name: name.to_owned(), wanted, got });
    }
    if wanted.shape.elements() != elements {
        return Err(ReferenceError::Elements {
            name: name.to_owned(),
            kind: wanted.clone(),
            wanted: wanted.shape.elements(),
            got: elements,
        });
    }
    Ok(())
}
