//! The optimizers' numbers of each update, on their way to the device.

use std::collections::BTreeMap;
use std::ops::Range;

use wgrad_core::HostTensor;

use crate::error::Error;
use crate::graphs::{Phase, SCHEDULE};
use crate::optimizers::{Optimizers, ROWS, check_learning_rate};
use crate::schedules::{ConstantLR, Schedule, Unit};
use crate::trainer::Trainer;
use crate::trainer::counts::Counts;

/// The learning rates of some optimizers, by their places, in place of their own and the schedule's.
pub(super) type FixedRates = BTreeMap<usize, f64>;

/// Which learning rate an update has, and for which updates the device knows it.
#[derive(Debug)]
pub(super) struct Rates {
    schedule: Box<dyn Schedule>,
    fixed: FixedRates,
    /// Whether a schedule was ever set that moves the momentum of optimizers that were made without one.
    moves_momentum: bool,
    /// The updates whose numbers are on the device, from 0.
    written: Range<u64>,
}

impl Default for Rates {
    fn default() -> Self {
        Self { schedule: Box::new(ConstantLR), fixed: FixedRates::new(), moves_momentum: false, written: 0..0 }
    }
}

impl Rates {
    /// Has the numbers written again before the next update.
    pub fn forget(&mut self) {
        self.written = 0..0;
    }

    /// The learning rates that optimizers have in place of their own and the schedule's.
    pub fn fixed(&self) -> &FixedRates {
        &self.fixed
    }

    /// Gives these optimizers these learning rates, and all others again that of the schedule.
    pub fn fix(&mut self, learning_rates: FixedRates) {
        self.fixed = learning_rates;
        self.forget();
    }

    /// Follows another schedule. Returns the one before.
    pub fn follow(&mut self, schedule: Box<dyn Schedule>) -> Box<dyn Schedule> {
        self.forget();
        std::mem::replace(&mut self.schedule, schedule)
    }

    /// How a step updates the parameters.
    pub fn update_phase(&self) -> Phase {
        Phase::Update { moves_momentum: self.moves_momentum }
    }

    /// What the schedule makes of an optimizer's base after so many updates and epochs.
    fn learning_rate(&self, optimizer: usize, base: f64, update: u64, epoch: u64) -> f64 {
        let fixed = self.fixed.get(&optimizer).copied();
        fixed.unwrap_or_else(|| self.schedule.learning_rate(base, self.time(update, epoch)))
    }

    fn time(&self, update: u64, epoch: u64) -> u64 {
        match self.schedule.unit() {
            Unit::Step => update,
            Unit::Epoch => epoch,
        }
    }

    /// The ring that holds the numbers of the updates from `first` on, all in this epoch.
    fn table(&self, optimizers: &Optimizers, first: u64, epoch: u64) -> HostTensor {
        let kind = optimizers.table_kind();
        let columns = kind.shape.columns();
        let mut elements = vec![0.0; kind.shape.elements()];
        for update in first..first + ROWS as u64 {
            let learning_rate = |optimizer, base| self.learning_rate(optimizer, base, update, epoch);
            let row = optimizers.row(update + 1, learning_rate, self.schedule.momentum(self.time(update, epoch)));
            let place = (update % ROWS as u64) as usize * columns;
            elements[place..place + columns].copy_from_slice(&row);
        }
        HostTensor::F32(kind.shape, elements)
    }
}

impl Trainer {
    /// Has the learning rate follow a schedule from the next update on, which counts the updates and epochs of this
    /// trainer.
    ///
    /// Where it moves the momentum, as [`OneCycleLR`](crate::schedules::OneCycleLR) does, SGD that was made without has it
    /// from then on, as in PyTorch. That takes another plan, which steps that are being taken do not have.
    ///
    /// # Errors
    /// Where a number of the schedule is out of its range; where it moves the momentum of SGD that was made without, and
    /// [`Trainer::fit`] is running or an [`Engine`](crate::Engine) records the steps.
    pub fn set_schedule(&mut self, schedule: impl Schedule + 'static) -> Result<(), Error> {
        schedule.check()?;
        if schedule.moves_momentum() && !self.rates.moves_momentum && self.objective.optimizers.lack_momentum() {
            if self.has_plans_in_use {
                let wanted = "SGD that is made with momentum, or OneCycleLR::without_momentum";
                return Err(Error::mismatch("a schedule of momentum while steps are taken", wanted, "SGD without momentum"));
            }
            self.rates.moves_momentum = true;
        }
        self.rates.follow(Box::new(schedule));
        self.rates.fix(FixedRates::new());
        Ok(())
    }

    /// Gives all optimizers this learning rate from the next update on, whatever a schedule says, until
    /// [`Trainer::set_schedule`] sets another one. No plan changes.
    ///
    /// # Errors
    /// Where it is negative, NaN or infinite.
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<(), Error> {
        check_learning_rate(learning_rate)?;
        self.rates.fix((0..self.objective.optimizers.count()).map(|group| (group, learning_rate)).collect());
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
        let mut rates = self.rates.fixed().clone();
        rates.insert(group, learning_rate);
        self.rates.fix(rates);
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
        let base = self.objective.optimizers.get(group).learning_rate();
        self.rates.learning_rate(group, base, self.counts.updates, self.counts.epochs)
    }

    /// Tells schedules that count epochs that one has ended: for explicit loops, as `fit` does so by itself.
    pub fn end_epoch(&mut self) {
        self.counts.epochs += 1;
        if self.rates.schedule.unit() == Unit::Epoch {
            self.rates.forget();
        }
    }

    /// Makes sure that the device knows the numbers of the next update.
    pub(super) fn write_rates(&mut self) -> Result<(), Error> {
        if let Some(table) = self.due_rates() {
            let written = self.write(SCHEDULE, &table.into());
            written.inspect_err(|_| self.rates.forget())?;
        }
        Ok(())
    }

    /// The numbers of the next updates, which the caller has to write, where the device does not know them.
    pub(super) fn due_rates(&mut self) -> Option<HostTensor> {
        let Counts { updates, epochs, .. } = self.counts;
        if self.rates.written.contains(&updates) {
            return None;
        }
        let table = self.rates.table(&self.objective.optimizers, updates, epochs);
        self.rates.written = updates..updates + ROWS as u64;
        Some(table)
    }

    /// For how many steps the device knows the numbers, where it knows those of the next.
    pub(super) fn steps_with_rates(&self) -> u64 {
        let accumulation = u64::from(self.options.accumulation);
        (self.rates.written.end - self.counts.updates) * accumulation - self.counts.steps % accumulation
    }
}
