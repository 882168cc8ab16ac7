//! The end of a training that does not get better.

use crate::callbacks::Callback;
use crate::error::Error;
use crate::history::Epoch;
use crate::trainer::{Control, Snapshot, Trainer};

/// Ends a training whose validation loss has not become smaller for some epochs, and goes back to the best epoch, whether
/// the training ended early or not: also where its loss was not finite at last, which is an error all the same, but one that
/// leaves the trainer as it was after the best epoch.
///
/// On an adapter the best state is kept in the device's memory, beside the present one. Neither it nor how long nothing was
/// better is in checkpoints: where a training goes on from one, this begins anew.
///
/// ```
/// # use wgrad::callbacks::EarlyStopping;
/// # use wgrad::prelude::*;
/// # let data = Dataset::new([[0.0], [1.0]], [[1.0], [3.0]])?;
/// # let options = Options { batch_size: 2, ..Options::default() };
/// # let mut trainer = Trainer::new(&Device::cpu(), Linear::new(1, 1), MSELoss, SGD::new(0.1), options)?;
/// let history = trainer.fit_with(&data, 10_000, Some(&data), EarlyStopping::new(7))?;
/// assert!(history.epochs.len() < 10_000);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct EarlyStopping {
    patience: usize,
    min_delta: f32,
    figure: fn(&Epoch) -> Option<f32>,
    best: Option<(f32, Snapshot)>,
    /// The epochs since the best one.
    waited: usize,
}

impl EarlyStopping {
    /// Waits for so many epochs without a smaller loss.
    pub fn new(patience: usize) -> Self {
        let figure = |epoch: &Epoch| epoch.validation.map(|score| score.loss);
        Self { patience, min_delta: 0.0, figure, best: None, waited: 0 }
    }

    /// The same where a figure counts as smaller only if it is by more than this: 0 unless set.
    pub fn min_delta(mut self, min_delta: f32) -> Self {
        self.min_delta = min_delta;
        self
    }

    /// The same for another figure than the validation loss, of which smaller ones are better:
    /// `|epoch| Some(-epoch.validation?.accuracy?)`.
    pub fn figure(mut self, figure: fn(&Epoch) -> Option<f32>) -> Self {
        self.figure = figure;
        self
    }
}

impl Callback for EarlyStopping {
    fn after_epoch(&mut self, trainer: &mut Trainer, epoch: &Epoch) -> Result<Control, Error> {
        let missing = || Error::mismatch("early stopping", "a figure of each epoch, such as of validation data", "none");
        let figure = (self.figure)(epoch).ok_or_else(missing)?;
        let is_better = match &self.best {
            Some((best, _)) => figure < best - self.min_delta,
            None => !figure.is_nan(),
        };
        if is_better {
            // The copy before makes room first.
            self.best = None;
            self.best = Some((figure, trainer.snapshot()?));
            self.waited = 0;
        } else {
            self.waited += 1;
        }
        Ok(if self.waited > 0 && self.waited >= self.patience { Control::Stop } else { Control::Continue })
    }

    fn after_training(&mut self, trainer: &mut Trainer) -> Result<(), Error> {
        self.waited = 0;
        match self.best.take() {
            Some((_, snapshot)) => trainer.restore(&snapshot),
            None => Ok(()),
        }
    }

    fn after_divergence(&mut self, trainer: &mut Trainer) -> Result<(), Error> {
        self.after_training(trainer)
    }
}
