//! The optimizers' numbers of each update, on their way to the device.

use std::ops::Range;

use wgrad_core::HostTensor;

use crate::error::Error;
use crate::graphs::SCHEDULE;
use crate::optimizers::{Optimizers, ROWS, check_learning_rate};
use crate::schedules::{ConstantLR, Schedule, Unit};
use crate::trainer::Trainer;

/// Which learning rate an update has, and for which updates the device knows it.
#[derive(Debug)]
pub(super) struct Rates {
    schedule: Box<dyn Schedule>,
    /// The learning rate of all optimizers in place of their own and the schedule's.
    fixed: Option<f64>,
    /// The passes over the data so far.
    pub epoch: u64,
    /// The updates whose numbers are on the device, from 0.
    written: Range<u64>,
}

impl Default for Rates {
    fn default() -> Self {
        Self { schedule: Box::new(ConstantLR), fixed: None, epoch: 0, written: 0..0 }
    }
}

impl Rates {
    /// Has the numbers written again before the next update.
    pub fn forget(&mut self) {
        self.written = 0..0;
    }

    /// What the schedule makes of a base after so many updates.
    fn learning_rate(&self, base: f64, update: u64) -> f64 {
        self.fixed.unwrap_or_else(|| self.schedule.learning_rate(base, self.time(update)))
    }

    fn time(&self, update: u64) -> u64 {
        match self.schedule.unit() {
            Unit::Step => update,
            Unit::Epoch => self.epoch,
        }
    }

    /// The ring that holds the numbers of the updates from `first` on.
    fn table(&self, optimizers: &Optimizers, first: u64) -> HostTensor {
        let kind = optimizers.table_kind();
        let columns = kind.shape.columns();
        let mut elements = vec![0.0; kind.shape.elements()];
        for update in first..first + ROWS as u64 {
            let row =
                optimizers.row(update + 1, |base| self.learning_rate(base, update), self.schedule.momentum(self.time(update)));
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
    /// # Errors
    /// Where a number of the schedule is out of its range.
    pub fn set_schedule(&mut self, schedule: impl Schedule + 'static) -> Result<(), Error> {
        schedule.check()?;
        self.rates.schedule = Box::new(schedule);
        self.rates.fixed = None;
        self.rates.forget();
        Ok(())
    }

    /// Gives all optimizers this learning rate from the next update on, whatever a schedule says, until
    /// [`Trainer::set_schedule`] sets another one. No plan changes.
    ///
    /// # Errors
    /// Where it is negative, NaN or infinite.
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<(), Error> {
        check_learning_rate(learning_rate)?;
        self.rates.fixed = Some(learning_rate);
        self.rates.forget();
        Ok(())
    }

    /// The learning rate of the next update: that of the first optimizer.
    pub fn learning_rate(&self) -> f64 {
        self.rates.learning_rate(self.network.optimizers.get(0).learning_rate(), self.updates)
    }

    /// Tells schedules that count epochs that one has ended: for explicit loops, as `fit` does so by itself.
    pub fn end_epoch(&mut self) {
        self.rates.epoch += 1;
        if self.rates.schedule.unit() == Unit::Epoch {
            self.rates.forget();
        }
    }

    /// Makes sure that the device knows the numbers of the next update. Returns for how many it does.
    pub(super) fn write_rates(&mut self) -> Result<u64, Error> {
        if !self.rates.written.contains(&self.updates) {
            let table = self.rates.table(&self.network.optimizers, self.updates);
            self.write(SCHEDULE, &table.into())?;
            self.rates.written = self.updates..self.updates + ROWS as u64;
        }
        Ok(self.rates.written.end - self.updates)
    }
}
