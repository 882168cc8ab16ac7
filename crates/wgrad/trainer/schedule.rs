//! What can change between steps: the schedule, learning rates, weight decay, momentum, and the norm that gradients are
//! clipped at.

use crate::error::Error;
use crate::graphs::Objective;
use crate::optimizers::{check_learning_rate, check_momentum, check_weight_decay};
use crate::schedules::{Schedule, Unit};
use crate::trainer::Trainer;
use crate::trainer::options::check_clip_norm;

impl Trainer {
    /// Has the learning rate follow a schedule from the next update on, which counts the updates and epochs from then on. As in
    /// PyTorch it begins with the learning rates that there are then: those that were set, or that the schedule before it gave.
    ///
    /// Where it moves the momentum, as [`OneCycleLR`](crate::schedules::OneCycleLR) does, SGD that was made without has it
    /// from then on, as in PyTorch. That takes another plan, which steps that are being taken do not have.
    ///
    /// # Errors
    /// Where a number of the schedule is out of its range; where it moves the momentum of SGD that was made without, and
    /// [`Trainer::fit`] is running or an [`Engine`](crate::Engine) records the steps.
    pub fn set_schedule(&mut self, schedule: impl Schedule + 'static) -> Result<(), Error> {
        schedule.check()?;
        if schedule.moves_momentum() && !self.numbers.moves_momentum() && self.objective.optimizers.lack_momentum() {
            if self.has_plans_in_use {
                let wanted = "SGD that is made with momentum, or OneCycleLR::without_momentum";
                return Err(Error::mismatch("a schedule of momentum while steps are taken", wanted, "SGD without momentum"));
            }
            self.numbers.move_momentum();
        }
        self.numbers.follow(Box::new(schedule), &self.objective, [self.counts.updates, self.counts.epochs]);
        Ok(())
    }

    /// Gives all optimizers this learning rate from the next update on, whatever a schedule says, until
    /// [`Trainer::set_schedule`] sets another one. No plan changes.
    ///
    /// # Errors
    /// Where it is negative, NaN or infinite.
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<(), Error> {
        check_learning_rate(learning_rate)?;
        let groups = 0..self.objective.optimizers.count();
        self.numbers.overrides_mut().learning_rates = groups.map(|group| (group, learning_rate)).collect();
        Ok(())
    }

    /// As [`Trainer::set_learning_rate`], for one group of parameters alone: 0 for those that are in no group of their own,
    /// then 1, 2, and so on as [`Optimizers::group`](crate::optimizers::Optimizers::group) has made them. It is PyTorch's
    /// `optimizer.param_groups[group]["lr"] = learning_rate`.
    ///
    /// # Errors
    /// As there; where there is no such group, with those that there are.
    pub fn set_group_learning_rate(&mut self, group: usize, learning_rate: f64) -> Result<(), Error> {
        self.objective.optimizers.check_index(group)?;
        check_learning_rate(learning_rate)?;
        self.numbers.overrides_mut().learning_rates.insert(group, learning_rate);
        Ok(())
    }

    /// The learning rate of the next update: that of the first optimizer.
    pub fn learning_rate(&self) -> f64 {
        self.learning_rate_of(0)
    }

    /// The learning rate of the next update of one group of parameters, as [`Trainer::set_group_learning_rate`] counts them.
    ///
    /// # Errors
    /// Where there is no such group.
    pub fn group_learning_rate(&self, group: usize) -> Result<f64, Error> {
        self.objective.optimizers.check_index(group)?;
        Ok(self.learning_rate_of(group))
    }

    fn learning_rate_of(&self, group: usize) -> f64 {
        self.numbers.learning_rate(&self.objective, group, self.counts.updates, self.counts.epochs)
    }

    /// Gives one group of parameters, as [`Trainer::set_group_learning_rate`] counts them, this weight decay from the next
    /// update on. No plan changes. It is PyTorch's `optimizer.param_groups[group]["weight_decay"] = weight_decay`.
    ///
    /// ```
    /// # use wgrad::prelude::*;
    /// # let device = Device::cpu();
    /// let mut trainer = Trainer::new(&device, Linear::new(4, 3), MSELoss, AdamW::new(1e-3), Options::default())?;
    /// trainer.set_group_weight_decay(0, 0.1)?;
    /// assert_eq!(trainer.group_weight_decay(0)?, Some(0.1));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// Where it is negative, NaN or infinite; where there is no such group, with those that there are; where the group's
    /// optimizer knows no weight decay, as those of a user may not: see
    /// [`Optimizer::own_weight_decay`](crate::optimizers::Optimizer::own_weight_decay).
    pub fn set_group_weight_decay(&mut self, group: usize, weight_decay: f64) -> Result<(), Error> {
        self.objective.optimizers.check_index(group)?;
        check_weight_decay(weight_decay)?;
        let optimizer = self.objective.optimizers.get(group);
        if optimizer.own_weight_decay().is_none() {
            return Err(Error::mismatch("weight decay", "an optimizer that knows it", format!("{optimizer:?}")));
        }
        self.numbers.overrides_mut().weight_decays.insert(group, weight_decay);
        Ok(())
    }

    /// The weight decay of the next update of one group of parameters, as [`Trainer::set_group_learning_rate`] counts them;
    /// none where its optimizer knows none.
    ///
    /// # Errors
    /// Where there is no such group.
    pub fn group_weight_decay(&self, group: usize) -> Result<Option<f64>, Error> {
        self.objective.optimizers.check_index(group)?;
        Ok(self.numbers.weight_decay(&self.objective, group))
    }

    /// Gives one group of parameters, as [`Trainer::set_group_learning_rate`] counts them, this momentum, which is beta1 for Adam
    /// and AdamW, from the next update on, whatever a schedule says, until [`Trainer::set_schedule`] sets one that moves it. No
    /// plan changes. It is PyTorch's `optimizer.param_groups[group]["momentum"] = momentum`, and
    /// `["betas"] = (momentum, beta2)`. At a momentum of 0 the velocity is the last gradient, where PyTorch leaves it as it was.
    ///
    /// ```
    /// # use wgrad::prelude::*;
    /// # let device = Device::cpu();
    /// let sgd = SGD::new(0.1).momentum(0.5);
    /// let mut trainer = Trainer::new(&device, Linear::new(4, 3), MSELoss, sgd, Options::default())?;
    /// trainer.set_group_momentum(0, 0.9)?;
    /// assert_eq!(trainer.group_momentum(0)?, Some(0.9));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// Where it is negative, NaN, or 1 or above; where there is no such group, with those that there are; where the group's
    /// optimizer knows no momentum, as SGD that was made without and those of a user may not: see
    /// [`Optimizer::own_momentum`](crate::optimizers::Optimizer::own_momentum).
    pub fn set_group_momentum(&mut self, group: usize, momentum: f64) -> Result<(), Error> {
        check_momentum("momentum", momentum)?;
        if self.group_momentum(group)?.is_none() {
            let optimizer = self.objective.optimizers.get(group);
            return Err(Error::mismatch("momentum", "an optimizer that was made with it", format!("{optimizer:?}")));
        }
        self.numbers.overrides_mut().momenta.insert(group, momentum);
        Ok(())
    }

    /// The momentum, or Adam's beta1, of the next update of one group of parameters, as [`Trainer::set_group_learning_rate`]
    /// counts them; none where [`Trainer::set_group_momentum`] says that its optimizer knows none.
    ///
    /// # Errors
    /// Where there is no such group.
    pub fn group_momentum(&self, group: usize) -> Result<Option<f64>, Error> {
        self.objective.optimizers.check_index(group)?;
        Ok(self.numbers.momentum(&self.objective, group, self.counts.updates, self.counts.epochs))
    }

    /// Clips gradients at another norm from the next update on. No plan changes, so that only a trainer that was made with an
    /// [`Options::clip_norm`](crate::Options::clip_norm) has one. A norm that they do not reach, such as 1e30, leaves them as
    /// they are.
    ///
    /// # Errors
    /// Where it is not above 0, or not finite; where the trainer does not clip.
    pub fn set_clip_norm(&mut self, clip_norm: f32) -> Result<(), Error> {
        check_clip_norm(clip_norm)?;
        let Objective { clip_norm: Some(_), .. } = self.objective else {
            let wanted = "a trainer that was made with one in its Options";
            return Err(Error::mismatch("clip_norm", wanted, "one without"));
        };
        self.numbers.overrides_mut().clip_norm = Some(clip_norm);
        Ok(())
    }

    /// The norm that the next update clips gradients at; none where the trainer does not clip.
    pub fn clip_norm(&self) -> Option<f32> {
        self.numbers.clip_norm(&self.objective)
    }

    /// Tells schedules that count epochs that one has ended: for explicit loops, as `fit` does so by itself.
    pub fn end_epoch(&mut self) {
        self.counts.epochs += 1;
        if self.numbers.schedule().unit() == Unit::Epoch {
            self.numbers.forget();
        }
    }
}
