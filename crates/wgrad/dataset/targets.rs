//! What outputs are compared with.

use wgrad_core::{DType, HostTensor, MOST_ELEMENTS};

use crate::dataset::{Dataset, check};
use crate::error::Error;
use crate::inputs::Inputs;
use crate::tensor::Tensor;

/// How many examples are scaled at once where the targets are the inputs, so that bytes need not all be floats.
const PART: usize = 1000;

/// Where targets are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Targets {
    /// In a tensor.
    Stored(Tensor),
    /// The model's inputs are its targets, as the model gets them.
    Inputs,
}

impl Targets {
    pub fn pick(&self, indices: &[usize]) -> Self {
        match self {
            Self::Stored(targets) => Self::Stored(targets.pick(indices)),
            Self::Inputs => Self::Inputs,
        }
    }
}

impl Dataset {
    /// A data set whose inputs are its targets, as the model gets them: what an autoencoder learns. They are stored
    /// once, bytes as bytes, on the device too.
    ///
    /// # Errors
    /// Where there are no examples, they are tokens, or a number is NaN or infinite.
    pub fn autoencoder(inputs: impl Into<Inputs>) -> Result<Self, Error> {
        let inputs = inputs.into();
        check("inputs", inputs.tensor())?;
        if inputs.dtype() == DType::U32 {
            return Err(Error::mismatch("inputs that are targets", "floats or bytes", inputs.tensor().kind()));
        }
        Ok(Self { inputs, targets: Targets::Inputs })
    }

    /// The targets as they are stored: the inputs, where those are the targets.
    pub fn targets(&self) -> &Tensor {
        match &self.targets {
            Targets::Stored(targets) => targets,
            Targets::Inputs => self.inputs.tensor(),
        }
    }

    /// The same data set with labels 0 and 1 as floats, `[n, 1]`: what [`BCELoss`](crate::losses::BCELoss) and
    /// [`MSELoss`](crate::losses::MSELoss) compare a single output with.
    ///
    /// # Errors
    /// Where targets are no labels, or one is above 1.
    pub fn with_binary_targets(self) -> Result<Self, Error> {
        let labels = self.labels_below(2)?;
        let targets = Tensor::f32([labels.len(), 1], labels.into_iter().map(|label| label as f32).collect())?;
        Ok(Self { targets: Targets::Stored(targets), ..self })
    }

    /// The same data set with a row of floats for each label, `[n, classes]`: 1 at the label, 0 elsewhere.
    ///
    /// # Errors
    /// Where targets are no labels, or one is not below the number of classes; where that makes more elements than a tensor
    /// may have.
    pub fn with_one_hot_targets(self, classes: usize) -> Result<Self, Error> {
        let labels = self.labels_below(classes)?;
        if labels.len().checked_mul(classes).is_none_or(|elements| elements > MOST_ELEMENTS) {
            let rows = format!("rows of {classes} classes for {} labels", labels.len());
            return Err(Error::mismatch(rows, format!("{MOST_ELEMENTS} elements at most"), "more"));
        }
        let row = |label: usize| (0..classes).map(move |class| if class == label { 1.0 } else { 0.0 });
        let targets = Tensor::f32([labels.len(), classes], labels.iter().flat_map(|&label| row(label)).collect())?;
        Ok(Self { targets: Targets::Stored(targets), ..self })
    }

    /// The label of each example.
    ///
    /// # Errors
    /// Where targets are no labels.
    pub fn labels(&self) -> Result<Vec<usize>, Error> {
        let targets = self.targets();
        match (&**targets.host(), targets.shape().rank()) {
            (HostTensor::U32(_, labels), 1) => Ok(labels.iter().map(|&label| label as usize).collect()),
            (HostTensor::U8(_, labels), 1) => Ok(labels.iter().map(|&label| label.into()).collect()),
            _ => Err(Error::mismatch("targets", "labels, u32[n] or u8[n]", targets.kind())),
        }
    }

    pub(crate) fn is_autoencoder(&self) -> bool {
        matches!(self.targets, Targets::Inputs)
    }

    /// Runs `check` on the targets as the loss gets them.
    pub(crate) fn check_targets(&self, check: impl Fn(&Tensor) -> Result<(), Error>) -> Result<(), Error> {
        let Targets::Inputs = &self.targets else { return check(self.targets()) };
        let indices: Vec<usize> = (0..self.len()).collect();
        indices.chunks(PART).try_for_each(|part| {
            let first = part[0];
            check(&self.inputs.scaled(part)).map_err(|reason| Error::Part { first, reason: Box::new(reason) })
        })
    }

    /// The labels, which have to be below the number of classes.
    fn labels_below(&self, classes: usize) -> Result<Vec<usize>, Error> {
        let labels = self.labels()?;
        match labels.iter().position(|&label| label >= classes) {
            Some(index) => {
                let wanted = format!("a class below {classes}");
                Err(Error::mismatch(format!("label {index} (counted from 0)"), wanted, labels[index]))
            }
            None => Ok(labels),
        }
    }
}
