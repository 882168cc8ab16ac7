//! How examples get into a graph.

use std::borrow::Cow;

use wgrad_core::TensorType;
use wgrad_shaders::{normalize, sequence, shuffle};

use crate::dataset::Dataset;
use crate::error::Error;
use crate::inputs::{Inputs, Normalization};
use crate::trace::Trace;
use crate::var::Var;

/// Where a graph's examples lie, and which of them a step takes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Feed {
    /// A prefix of the inputs' names.
    purpose: Cow<'static, str>,
    inputs: TensorType,
    targets: Targets,
    normalization: Option<Normalization>,
    pick: Pick,
}

/// What the loss compares a model's outputs with.
#[derive(Clone, Debug, PartialEq)]
enum Targets {
    /// Nothing: only outputs are asked for.
    None,
    /// A tensor of this type.
    Stored(TensorType),
    /// What the model gets.
    Inputs,
}

/// Which examples a step takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pick {
    /// All that are there.
    All,
    /// The next of a random order, another one each epoch.
    Shuffled(Batches),
    /// The next.
    InOrder(Batches),
}

/// How an epoch is cut into steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Batches {
    /// The examples in an epoch.
    pub length: usize,
    /// The examples in a full step.
    pub size: usize,
    /// The examples that this graph's step takes: fewer in the last step of an epoch, where they do not come out even.
    pub count: usize,
}

impl Batches {
    /// The full steps of an epoch, and the examples that are left for the last one.
    pub fn of(length: usize, size: usize) -> [(Self, u32); 2] {
        let (full, rest) = (length / size, length % size);
        let batches = |count| Self { length, size, count };
        [(batches(size), full as u32), (batches(rest), u32::from(rest > 0))]
    }

    /// The steps of an epoch.
    pub fn steps(&self) -> usize {
        self.length.div_ceil(self.size)
    }
}

impl Feed {
    /// Examples with targets.
    pub fn of_data(purpose: impl Into<Cow<'static, str>>, data: &Dataset, pick: Pick) -> Self {
        let targets = if data.is_autoencoder() { Targets::Inputs } else { Targets::Stored(data.targets().kind()) };
        Self { targets, ..Self::of_inputs(purpose, data.inputs(), pick) }
    }

    /// Examples alone.
    pub fn of_inputs(purpose: impl Into<Cow<'static, str>>, inputs: &Inputs, pick: Pick) -> Self {
        let (kind, normalization) = (inputs.tensor().kind(), inputs.normalization());
        Self { purpose: purpose.into(), inputs: kind, targets: Targets::None, normalization, pick }
    }

    /// Examples alone of a type, batch and all, that are scaled on their way into the model.
    pub fn of_kind(purpose: impl Into<Cow<'static, str>>, kind: TensorType, normalization: Option<Normalization>) -> Self {
        Self { purpose: purpose.into(), inputs: kind, targets: Targets::None, normalization, pick: Pick::All }
    }

    /// How many examples a step takes.
    pub fn count(&self) -> usize {
        match self.pick {
            Pick::All => self.inputs.shape.dims().first().copied().unwrap_or(1),
            Pick::Shuffled(batches) | Pick::InOrder(batches) => batches.count,
        }
    }

    /// How many steps there are in an epoch.
    pub fn steps(&self) -> usize {
        match self.pick {
            Pick::All => 1,
            Pick::Shuffled(batches) | Pick::InOrder(batches) => batches.steps(),
        }
    }

    /// Whether the next step takes other examples, as its position tells.
    pub fn moves(&self) -> bool {
        self.pick != Pick::All
    }

    /// The name of the graph's input for examples. It tells their type, so that data of several types can be resident.
    pub fn inputs_name(&self) -> String {
        format!("{}.inputs {}", self.purpose, self.inputs)
    }

    /// The name of the graph's input for targets; none where it has none of its own.
    pub fn targets_name(&self) -> Option<String> {
        match &self.targets {
            Targets::Stored(kind) => Some(format!("{}.targets {kind}", self.purpose)),
            Targets::None | Targets::Inputs => None,
        }
    }

    /// This step's examples, as the model takes them, and their targets. `position` counts steps.
    pub fn examples(&self, trace: &Trace, position: &Var) -> Result<(Var, Option<Var>), Error> {
        let seed = trace.seed();
        let examples = trace.scoped("data", || {
            let indices = match self.pick {
                Pick::All => None,
                Pick::Shuffled(Batches { length, size, count }) => {
                    Some(position.map(|graph, position| shuffle(graph, position, length, size, count, seed)))
                }
                Pick::InOrder(Batches { length, size, count }) => {
                    Some(position.map(|graph, position| sequence(graph, position, length, size, count)))
                }
            };
            let inputs = self.inputs(trace, indices.as_ref());
            let targets = self.targets(trace, &inputs, indices.as_ref());
            (inputs, targets)
        });
        trace.checked(Ok(examples))
    }

    fn targets(&self, trace: &Trace, inputs: &Var, indices: Option<&Var>) -> Option<Var> {
        match (&self.targets, self.targets_name()) {
            (Targets::Inputs, _) => Some(inputs.clone()),
            (Targets::Stored(kind), Some(name)) => Some(pick_rows(trace.input(&name, kind.clone()), indices)),
            _ => None,
        }
    }

    /// All examples, as the model takes them.
    pub fn all(&self, trace: &Trace) -> Result<Var, Error> {
        let inputs = trace.scoped("data", || self.inputs(trace, None));
        trace.checked(Ok(inputs))
    }

    fn inputs(&self, trace: &Trace, indices: Option<&Var>) -> Var {
        let rows = pick_rows(trace.input(&self.inputs_name(), self.inputs.clone()), indices);
        match self.normalization {
            Some(Normalization { scale, offset }) => rows.map(|graph, rows| normalize(graph, rows, scale, offset)),
            None => rows,
        }
    }
}

fn pick_rows(table: Var, indices: Option<&Var>) -> Var {
    match indices {
        Some(indices) => table.rows(indices),
        None => table,
    }
}
