//! What happens between the steps and epochs of a training.

mod checkpoints;
mod early_stopping;

use crate::error::Error;
use crate::history::Epoch;
use crate::trainer::{Control, Trainer};

pub use checkpoints::Checkpoints;
pub use early_stopping::EarlyStopping;

/// What [`Trainer::fit_with`] calls in the course of a training. It may read from the trainer, change learning rates,
/// evaluate, predict, save and snapshot, but not train. Within an epoch it may go back, as to a snapshot, only where it stops the
/// training then.
///
/// Closures that take an [`Epoch`] and decide whether to go on are callbacks, and so are pairs of callbacks, of which the
/// first is called first; `()` does nothing.
///
/// ```
/// # use wgrad::callbacks::Callback;
/// # use wgrad::prelude::*;
/// # use wgrad::Epoch;
/// /// Halves the learning rate after each epoch.
/// struct Halve;
///
/// impl Callback for Halve {
///     fn after_epoch(&mut self, trainer: &mut Trainer, _: &Epoch) -> Result<Control, Error> {
///         trainer.set_learning_rate(trainer.learning_rate() / 2.0)?;
///         Ok(Control::Continue)
///     }
/// }
///
/// let data = Dataset::new([[0.0], [1.0]], [[1.0], [3.0]])?;
/// let options = Options { batch_size: 2, ..Options::default() };
/// let mut trainer = Trainer::new(&Device::cpu(), Linear::new(1, 1), MSELoss, SGD::new(0.8), options)?;
/// let print = |epoch: &Epoch| {
///     println!("{epoch}");
///     Control::Continue
/// };
/// trainer.fit_with(&data, 3, None, (Halve, print))?;
/// assert_eq!(trainer.learning_rate(), 0.1);
/// # Ok::<(), Error>(())
/// ```
pub trait Callback {
    /// After how many steps [`Callback::after_steps`] is called each time, counted since the trainer was made: 0, the
    /// default, for never. The device is interrupted for it.
    fn every_steps(&self) -> u64 {
        0
    }

    /// Called between steps, also at the end of an epoch. Where it stops the training within an epoch, the next training
    /// on as many examples takes up what is left of the epoch.
    ///
    /// # Errors
    /// Any end the training.
    fn after_steps(&mut self, trainer: &mut Trainer) -> Result<Control, Error> {
        let _ = trainer;
        Ok(Control::Continue)
    }

    /// Called after each epoch and its validation.
    ///
    /// # Errors
    /// Any end the training.
    fn after_epoch(&mut self, trainer: &mut Trainer, epoch: &Epoch) -> Result<Control, Error> {
        let _ = (trainer, epoch);
        Ok(Control::Continue)
    }

    /// Called after the last step, unless an error ended the training.
    ///
    /// # Errors
    /// Any that keep it from what it does then.
    fn after_training(&mut self, trainer: &mut Trainer) -> Result<(), Error> {
        let _ = trainer;
        Ok(())
    }

    /// Called where a loss that is NaN or infinite has ended the training, before `fit_with` returns
    /// [`Error::NotFinite`]: to go back to a snapshot, from which the trainer can go on.
    ///
    /// # Errors
    /// Any that keep it from what it does then.
    fn after_divergence(&mut self, trainer: &mut Trainer) -> Result<(), Error> {
        let _ = trainer;
        Ok(())
    }
}

impl Callback for () {}

impl<F: FnMut(&Epoch) -> Control> Callback for F {
    fn after_epoch(&mut self, _: &mut Trainer, epoch: &Epoch) -> Result<Control, Error> {
        Ok(self(epoch))
    }
}

impl Callback for &mut dyn Callback {
    fn every_steps(&self) -> u64 {
        (**self).every_steps()
    }

    fn after_steps(&mut self, trainer: &mut Trainer) -> Result<Control, Error> {
        (**self).after_steps(trainer)
    }

    fn after_epoch(&mut self, trainer: &mut Trainer, epoch: &Epoch) -> Result<Control, Error> {
        (**self).after_epoch(trainer, epoch)
    }

    fn after_training(&mut self, trainer: &mut Trainer) -> Result<(), Error> {
        (**self).after_training(trainer)
    }

    fn after_divergence(&mut self, trainer: &mut Trainer) -> Result<(), Error> {
        (**self).after_divergence(trainer)
    }
}

/// Both are called, even where the first stops the training.
impl<A: Callback, B: Callback> Callback for (A, B) {
    fn every_steps(&self) -> u64 {
        greatest_common_divisor(self.0.every_steps(), self.1.every_steps())
    }

    fn after_steps(&mut self, trainer: &mut Trainer) -> Result<Control, Error> {
        let first = call_if_due(&mut self.0, trainer)?;
        Ok(first.and(call_if_due(&mut self.1, trainer)?))
    }

    fn after_epoch(&mut self, trainer: &mut Trainer, epoch: &Epoch) -> Result<Control, Error> {
        let first = self.0.after_epoch(trainer, epoch)?;
        Ok(first.and(self.1.after_epoch(trainer, epoch)?))
    }

    fn after_training(&mut self, trainer: &mut Trainer) -> Result<(), Error> {
        self.0.after_training(trainer)?;
        self.1.after_training(trainer)
    }

    fn after_divergence(&mut self, trainer: &mut Trainer) -> Result<(), Error> {
        self.0.after_divergence(trainer)?;
        self.1.after_divergence(trainer)
    }
}

/// Calls [`Callback::after_steps`] where it is time for it.
pub(crate) fn call_if_due(callback: &mut dyn Callback, trainer: &mut Trainer) -> Result<Control, Error> {
    let every = callback.every_steps();
    if every > 0 && trainer.steps().is_multiple_of(every) { callback.after_steps(trainer) } else { Ok(Control::Continue) }
}

fn greatest_common_divisor(left: u64, right: u64) -> u64 {
    if right == 0 { left } else { greatest_common_divisor(right, left % right) }
}

#[cfg(test)]
mod tests {
    use super::greatest_common_divisor;

    #[test]
    fn intervals_have_a_common_divisor() {
        for (left, right, divisor) in [(0, 0, 0), (0, 4, 4), (4, 0, 4), (6, 4, 2), (4, 6, 2), (5, 7, 1), (3, 9, 3)] {
            assert_eq!(greatest_common_divisor(left, right), divisor, "{left} and {right}");
        }
    }
}
