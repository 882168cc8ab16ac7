//! Optimizers that do not follow the gradient itself.

use std::{any, fmt};

use crate::error::Error;
use crate::optimizers::{At, Optimizer, Update};
use crate::var::Var;

/// An optimizer of what `transform` makes of the gradient: each element clipped, for example, or a mean over several steps.
///
/// The transform is given the gradient after clipping by norm, and zeros in a step that does not count, because its loss or
/// its gradients are not finite. Its states are its own, beside those of the optimizer.
///
/// ```
/// # use wgrad::optimizers::{self, SGD, Update};
/// # use wgrad::prelude::*;
/// let clipped = optimizers::chain(|update: &Update| Ok(update.gradient.clamp(-1.0, 1.0)), SGD::new(0.5));
/// let data = Dataset::new([[0.0]], [[8.0]])?;
/// let mut trainer = Trainer::new(&Device::cpu(), Linear::new(1, 1), MSELoss, clipped, Options::default())?;
/// let before = trainer.predict(data.inputs())?.item()?;
/// trainer.step(&data)?;
/// assert_eq!(trainer.predict(data.inputs())?.item()?, before + 0.5);
/// # Ok::<(), Error>(())
/// ```
pub fn chain<F, O>(transform: F, optimizer: O) -> Chain<F, O>
where
    F: Fn(&Update) -> Result<Var, Error> + Send,
    O: Optimizer,
{
    Chain { transform, optimizer }
}

/// What [`chain`] makes.
#[derive(Clone, Copy)]
pub struct Chain<F, O> {
    transform: F,
    optimizer: O,
}

impl<F, O: fmt::Debug> fmt::Debug for Chain<F, O> {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.debug_tuple("Chain").field(&any::type_name::<F>()).field(&self.optimizer).finish()
    }
}

impl<F: Fn(&Update) -> Result<Var, Error> + Send, O: Optimizer> Optimizer for Chain<F, O> {
    fn check(&self) -> Result<(), Error> {
        self.optimizer.check()
    }

    fn learning_rate(&self) -> f64 {
        self.optimizer.learning_rate()
    }

    fn own_weight_decay(&self) -> Option<f64> {
        self.optimizer.own_weight_decay()
    }

    fn own_momentum(&self) -> Option<f64> {
        self.optimizer.own_momentum()
    }

    fn numbers(&self, at: At) -> Vec<f32> {
        self.optimizer.numbers(at)
    }

    fn lacks_momentum(&self) -> bool {
        self.optimizer.lacks_momentum()
    }

    fn counts_updates(&self) -> bool {
        self.optimizer.counts_updates()
    }

    fn update(&self, update: &Update) -> Result<Var, Error> {
        let zero = update.parameters.trace().scalar(0.0);
        let counts = update.scale.greater(&zero);
        let gradient = counts.select(&(&update.gradient * &update.scale), &zero);
        let gradient = (self.transform)(&Update { gradient, ..update.of_transform() })?;
        self.optimizer.update(&Update { gradient, scale: counts, ..update.behind_transform() })
    }
}
