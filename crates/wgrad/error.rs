//! What can be wrong with a model, its data, its training or its device.

use std::error::Error as _;
use std::path::PathBuf;
use std::{fmt, iter};

use thiserror::Error as ThisError;
use wgrad_core::plan::{PlanError, Violation};
use wgrad_core::{GraphError, ShapeError};
use wgrad_data::DataError;
use wgrad_executor::{DeviceError, ExecutorError};
use wgrad_reference::{Mismatch, ReferenceError};

/// Why something cannot be built, trained or run. The message names what was wanted and what was got. `Debug` writes it too,
/// since that is what a `main` prints that returns the error.
#[derive(ThisError)]
pub enum Error {
    /// A number, shape or name that does not fit.
    #[error("{what}: wanted {wanted}, got {got}")]
    Mismatch {
        /// What was set or given, such as `learning rate`.
        what: String,
        /// What it has to be.
        wanted: String,
        /// What it is.
        got: String,
    },
    /// A layer cannot be built, or does not take what the layer before it gives.
    #[error("layer {layer}: {reason}")]
    Layer {
        /// Its name within what contains it, and its kind: `2 (Linear)`.
        layer: String,
        /// What is wrong with it.
        reason: Box<Error>,
    },
    /// A model cannot be built, or does not take its input, by itself and not by a layer within it.
    #[error("model ({kind}): {reason}")]
    Model {
        /// Its kind: `LSTM`.
        kind: String,
        /// What is wrong with it.
        reason: Box<Error>,
    },
    /// An operation does not take the inputs that it was given.
    #[error("{operation}: {reason}")]
    Operation {
        /// The operation's name.
        operation: String,
        /// What it takes and what it was given.
        reason: ShapeError,
    },
    /// The graph cannot be built for another reason.
    #[error(transparent)]
    Graph(GraphError),
    /// There is nothing to train.
    #[error("the model has no parameters")]
    NoParameters,
    /// The shape of the model's input is not known yet, so that it has no parameters.
    #[error("the model's parameters are asked for before it has seen data; call Trainer::build with the shape of an example")]
    NotBuilt,
    /// Named tensors are not those of the model.
    #[error("these tensors do not fit the model: {}", list(.0))]
    Parameters(Vec<ParameterMismatch>),
    /// A number in the data is NaN or infinite.
    #[error("{tensor}: row {row}, column {column} (counted from 0) is {value}; all numbers must be finite")]
    NotANumber {
        /// Whether inputs or targets.
        tensor: &'static str,
        /// The example.
        row: usize,
        /// The place within the flattened example.
        column: usize,
        /// The number.
        value: f32,
    },
    /// The loss does not take targets that are the inputs, which are looked at part by part.
    #[error("targets, from example {first} (counted from 0) on: {reason}")]
    Part {
        /// The first example of the part.
        first: usize,
        /// What is wrong, with places counted within the part.
        reason: Box<Error>,
    },
    /// A label is no class.
    #[error("label {index} (counted from 0) is {label}; the model has {classes} classes, so that labels are below {classes}")]
    Label {
        /// The label's place.
        index: usize,
        /// The label.
        label: u32,
        /// How many outputs the model has for an example.
        classes: usize,
    },
    /// The loss became NaN or infinite. No step since has changed the parameters, and none will.
    #[error("the loss is no longer finite: training stopped at step {step}{}; a smaller learning rate may help", epoch_of(.epoch))]
    NotFinite {
        /// The step, counted from 1 since the trainer was made.
        step: u64,
        /// The epoch of [`Trainer::fit`](crate::Trainer::fit), counted from 1.
        epoch: Option<usize>,
    },
    /// A graph cannot be planned for the device.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A plan would not compute what its graph says: a mistake in an operation, or in wgrad.
    #[error("the plan is wrong: {0}")]
    Violation(#[from] Violation),
    /// A kernel does not compute what the reference of its operation says.
    #[error("{operation}, output {output}: {mismatch}")]
    Disagreement {
        /// The operation's name.
        operation: String,
        /// Which of its outputs, counted from 0.
        output: usize,
        /// How they differ.
        mismatch: Mismatch,
    },
    /// The CPU runs no kernels, so that there are none to choose from.
    #[error("only adapters have kernels to choose from, and this is the CPU")]
    NoKernels,
    /// There is no such device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The device is gone: its driver was reset, it was unplugged, or its owner has destroyed it. A training goes on from its
    /// last checkpoint on another.
    #[error("the device is lost: {reason}")]
    DeviceLost {
        /// What is known of it.
        reason: String,
    },
    /// The device cannot load or run something.
    #[error(transparent)]
    Executor(ExecutorError),
    /// The CPU cannot run something.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A file cannot be read or written, or is not what it should be.
    #[error("{}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was wanted and what was got.
        message: String,
    },
    /// A checkpoint is not one of this training.
    #[error("checkpoint: {message}")]
    Checkpoint {
        /// What was wanted and what was got.
        message: String,
    },
    /// A data set cannot be loaded.
    #[error(transparent)]
    Data(#[from] DataError),
}

/// A named tensor that is missing, unknown, of another shape than the model's, or of elements that it cannot hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterMismatch {
    /// The parameter's name.
    pub name: String,
    /// The model's shape, and what else is wanted; none where the model has no such parameter.
    pub wanted: Option<String>,
    /// The shape that was given, or what else is wrong with it; none where nothing was given.
    pub got: Option<String>,
}

impl fmt::Display for ParameterMismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let name = &self.name;
        match (&self.wanted, &self.got) {
            (Some(wanted), Some(got)) => write!(formatter, "{name}: wanted {wanted}, got {got}"),
            (Some(wanted), None) => write!(formatter, "{name}: wanted {wanted}, got nothing"),
            (None, Some(got)) => write!(formatter, "{name}: wanted nothing of that name, got {got}"),
            (None, None) => write!(formatter, "{name}"),
        }
    }
}

impl Error {
    /// What was set or given, what it has to be, and what it is.
    pub fn mismatch(what: impl Into<String>, wanted: impl ToString, got: impl ToString) -> Self {
        Self::Mismatch { what: what.into(), wanted: wanted.to_string(), got: got.to_string() }
    }
}

impl fmt::Debug for Error {
    /// The message and its causes, in one line.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{self}")?;
        let causes = iter::successors(self.source(), |&cause| cause.source());
        // Some errors mention their causes themselves.
        let mut causes = causes.map(ToString::to_string).filter(|cause| !self.to_string().contains(cause));
        causes.try_for_each(|cause| write!(formatter, ": {cause}"))
    }
}

impl From<GraphError> for Error {
    /// Leaves the scope out: the layers that an error passes through add their names.
    fn from(error: GraphError) -> Self {
        match error {
            GraphError::Shape { operation, source, .. } => Self::Operation { operation, reason: source },
            other => Self::Graph(other),
        }
    }
}

impl From<ExecutorError> for Error {
    /// Gives the loss of a device the variant that programs look for.
    fn from(error: ExecutorError) -> Self {
        match error {
            ExecutorError::DeviceLost { reason } => Self::DeviceLost { reason },
            other => Self::Executor(other),
        }
    }
}

fn list(mismatches: &[ParameterMismatch]) -> String {
    let lines: Vec<String> = mismatches.iter().map(ParameterMismatch::to_string).collect();
    lines.join("; ")
}

fn epoch_of(epoch: &Option<usize>) -> String {
    epoch.map(|epoch| format!(", in epoch {epoch}")).unwrap_or_default()
}
