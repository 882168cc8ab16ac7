//! What came of training.

use std::fmt;
use std::io::{self, Write};

use crate::trainer::Control;

/// How good a model is on some data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The mean loss of all examples.
    pub loss: f32,
    /// The share of examples that are right, from 0 to 1; none where the loss does not tell right from wrong.
    pub accuracy: Option<f32>,
}

/// One pass over the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Its number, from 1.
    pub epoch: usize,
    /// The mean loss of all training examples, each before the step that it was part of.
    pub loss: f32,
    /// The share of training examples that were right, likewise; none where the loss does not tell right from wrong.
    pub accuracy: Option<f32>,
    /// The score on the validation data after the epoch; none where there are none.
    pub validation: Option<Score>,
    /// The time of the epoch with its validation, in seconds.
    pub seconds: f64,
    /// The time of a training step on average, in microseconds.
    pub us_per_step: f64,
}

/// All epochs of a training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The epochs, in order.
    pub epochs: Vec<Epoch>,
}

impl Epoch {
    /// Prints all figures in one line, and has the training go on: what to give [`Trainer::fit`](crate::Trainer::fit)
    /// where nothing else is to be done after an epoch.
    pub fn print(&self) -> Control {
        // Training does not depend on whether anybody reads this.
        let _ = writeln!(io::stdout(), "{self}");
        Control::Continue
    }
}

/// Curves to draw, as points (epoch, figure). Epochs without the figure are left out.
///
/// ```
/// # use wgrad::History;
/// # let history = History::default();
/// let (training, validation) = (history.losses(), history.validation_losses());
/// # assert!(training.is_empty() && validation.is_empty());
/// ```
impl History {
    /// The mean loss on the training data.
    pub fn losses(&self) -> Vec<(f64, f64)> {
        self.curve(|epoch| Some(epoch.loss))
    }

    /// The mean loss on the validation data.
    pub fn validation_losses(&self) -> Vec<(f64, f64)> {
        self.curve(|epoch| Some(epoch.validation?.loss))
    }

    /// The accuracy on the training data, in percent.
    pub fn accuracies(&self) -> Vec<(f64, f64)> {
        self.curve(|epoch| Some(100.0 * epoch.accuracy?))
    }

    /// The accuracy on the validation data, in percent.
    pub fn validation_accuracies(&self) -> Vec<(f64, f64)> {
        self.curve(|epoch| Some(100.0 * epoch.validation?.accuracy?))
    }

    fn curve(&self, figure: impl Fn(&Epoch) -> Option<f32>) -> Vec<(f64, f64)> {
        let points = self.epochs.iter().filter_map(|epoch| Some((epoch.epoch as f64, figure(epoch)?.into())));
        points.collect()
    }
}

impl fmt::Display for Score {
    /// Such as `loss 0.0712, accuracy 97.81 %`.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "loss {:.4}", self.loss)?;
        match self.accuracy {
            Some(accuracy) => write!(formatter, ", accuracy {:.2} %", 100.0 * accuracy),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Epoch {
    /// All figures in one line.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let training = Score { loss: self.loss, accuracy: self.accuracy };
        write!(formatter, "epoch {}: {training}", self.epoch)?;
        if let Some(validation) = self.validation {
            write!(formatter, "; validation {validation}")?;
        }
        write!(formatter, "; {:.1} s, {:.0} us a step", self.seconds, self.us_per_step)
    }
}
