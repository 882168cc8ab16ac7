//! The numbers of each update, on their way to the device.

use std::collections::BTreeMap;
use std::mem;
use std::ops::Range;

use wgrad_core::HostTensor;

use crate::error::Error;
use crate::graphs::{NUMBERS, Objective, Phase, ROWS};
use crate::optimizers::{At, check_learning_rate, check_momentum, check_weight_decay};
use crate::schedules::{ConstantLR, Schedule, Unit};
use crate::trainer::Trainer;
use crate::trainer::counts::Counts;
use crate::trainer::options::check_clip_norm;

/// What was set between steps, in place of what optimizers, options and the schedule say, and since when there is the schedule.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Overrides {
    /// By the optimizers' places.
    pub learning_rates: BTreeMap<usize, f64>,
    /// Those that there were when the schedule was set, which it begins with, likewise.
    pub bases: BTreeMap<usize, f64>,
    /// The updates and epochs that there were when the schedule was set.
    pub since: [u64; 2],
    /// By the optimizers' places.
    pub weight_decays: BTreeMap<usize, f64>,
    /// By the optimizers' places.
    pub momenta: BTreeMap<usize, f64>,
    pub clip_norm: Option<f32>,
}

impl Overrides {
    /// Fails where one is out of its range.
    pub fn check(&self) -> Result<(), Error> {
        let Self { learning_rates, bases, weight_decays, momenta, clip_norm, since: _ } = self;
        learning_rates.values().chain(bases.values()).try_for_each(|&rate| check_learning_rate(rate))?;
        weight_decays.values().try_for_each(|&decay| check_weight_decay(decay))?;
        momenta.values().try_for_each(|&momentum| check_momentum("momentum", momentum))?;
        clip_norm.map_or(Ok(()), check_clip_norm)
    }
}

/// Which numbers an update has, and for which updates the device knows them.
#[derive(Debug)]
pub(super) struct Numbers {
    schedule: Box<dyn Schedule>,
    overrides: Overrides,
    /// Whether a schedule was ever set that moves the momentum of optimizers that were made without one.
    moves_momentum: bool,
    /// The updates whose numbers are on the device, from 0.
    written: Range<u64>,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { schedule: Box::new(ConstantLR), overrides: Overrides::default(), moves_momentum: false, written: 0..0 }
    }
}

impl Numbers {
    /// Has them written again before the next update.
    pub fn forget(&mut self) {
        self.written = 0..0;
    }

    pub fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// What was set, to be changed: the device is told before the next update.
    pub fn overrides_mut(&mut self) -> &mut Overrides {
        self.forget();
        &mut self.overrides
    }

    pub fn schedule(&self) -> &dyn Schedule {
        self.schedule.as_ref()
    }

    /// Follows another schedule from the learning rates that there are after so many updates and epochs, and for all momenta
    /// where it moves them. Returns the one before.
    pub fn follow(&mut self, schedule: Box<dyn Schedule>, objective: &Objective, since: [u64; 2]) -> Box<dyn Schedule> {
        let [update, epoch] = since;
        let rate = |optimizer| (optimizer, self.learning_rate(objective, optimizer, update, epoch));
        let bases = (0..objective.optimizers.count()).map(rate).collect();
        let overrides = self.overrides_mut();
        overrides.learning_rates.clear();
        (overrides.bases, overrides.since) = (bases, since);
        if schedule.moves_momentum() {
            overrides.momenta.clear();
        }
        mem::replace(&mut self.schedule, schedule)
    }

    /// Whether optimizers that were made without momentum have one, since a schedule moves it.
    pub fn moves_momentum(&self) -> bool {
        self.moves_momentum
    }

    /// Gives such optimizers momentum from now on.
    pub fn move_momentum(&mut self) {
        self.moves_momentum = true;
    }

    /// How a step updates the parameters.
    pub fn update_phase(&self) -> Phase {
        Phase::Update { moves_momentum: self.moves_momentum }
    }

    /// The learning rate of an optimizer after so many updates and epochs.
    pub fn learning_rate(&self, objective: &Objective, optimizer: usize, update: u64, epoch: u64) -> f64 {
        let set = self.overrides.learning_rates.get(&optimizer).copied();
        let base = self.overrides.bases.get(&optimizer).copied();
        let base = base.unwrap_or_else(|| objective.optimizers.get(optimizer).learning_rate());
        set.unwrap_or_else(|| self.schedule.learning_rate(base, self.time(update, epoch)))
    }

    /// The weight decay of an optimizer; none where it knows none.
    pub fn weight_decay(&self, objective: &Objective, optimizer: usize) -> Option<f64> {
        let own = objective.optimizers.get(optimizer).own_weight_decay()?;
        Some(self.overrides.weight_decays.get(&optimizer).copied().unwrap_or(own))
    }

    /// The momentum, or Adam's beta1, of an optimizer after so many updates and epochs; none where it has none.
    pub fn momentum(&self, objective: &Objective, optimizer: usize, update: u64, epoch: u64) -> Option<f64> {
        let set = self.overrides.momenta.get(&optimizer).copied();
        let optimizer = objective.optimizers.get(optimizer);
        let is_left_out = optimizer.lacks_momentum() && !self.moves_momentum;
        let own = optimizer.own_momentum().filter(|_| !is_left_out)?;
        Some(set.or_else(|| self.schedule.momentum(self.time(update, epoch))).unwrap_or(own))
    }

    /// The largest norm of all gradients together; none where they are not clipped.
    pub fn clip_norm(&self, objective: &Objective) -> Option<f32> {
        Some(self.overrides.clip_norm.unwrap_or(objective.clip_norm?))
    }

    fn time(&self, update: u64, epoch: u64) -> u64 {
        let [first_update, first_epoch] = self.overrides.since;
        match self.schedule.unit() {
            Unit::Step => update.saturating_sub(first_update),
            Unit::Epoch => epoch.saturating_sub(first_epoch),
        }
    }

    /// The ring that holds the numbers of the updates from `first` on, all in this epoch.
    fn table(&self, objective: &Objective, first: u64, epoch: u64) -> HostTensor {
        let kind = objective.table_kind();
        let columns = kind.shape.columns();
        let mut elements = vec![0.0; kind.shape.elements()];
        for update in first..first + ROWS as u64 {
            let numbers = objective.optimizers.numbers(|optimizer| At {
                update: update + 1,
                learning_rate: self.learning_rate(objective, optimizer, update, epoch),
                weight_decay: self.weight_decay(objective, optimizer).unwrap_or(0.0),
                momentum: self.momentum(objective, optimizer, update, epoch).unwrap_or(0.0),
            });
            let row = numbers.into_iter().chain(self.clip_norm(objective));
            let place = (update % ROWS as u64) as usize * columns;
            elements[place..place + columns].iter_mut().zip(row).for_each(|(element, number)| *element = number);
        }
        HostTensor::F32(kind.shape, elements)
    }
}

impl Trainer {
    /// Makes sure that the device knows the numbers of the next update.
    pub(super) fn write_numbers(&mut self) -> Result<(), Error> {
        if let Some(table) = self.due_numbers() {
            let written = self.write(NUMBERS, &table.into());
            written.inspect_err(|_| self.numbers.forget())?;
        }
        Ok(())
    }

    /// The numbers of the next updates, which the caller has to write, where the device does not know them.
    pub(super) fn due_numbers(&mut self) -> Option<HostTensor> {
        let Counts { updates, epochs, .. } = self.counts;
        if self.numbers.written.contains(&updates) {
            return None;
        }
        let table = self.numbers.table(&self.objective, updates, epochs);
        self.numbers.written = updates..updates + ROWS as u64;
        Some(table)
    }

    /// For how many steps the device knows the numbers, where it knows those of the next.
    pub(super) fn steps_with_numbers(&self) -> u64 {
        let accumulation = u64::from(self.options.accumulation);
        (self.numbers.written.end - self.counts.updates) * accumulation - self.counts.steps % accumulation
    }
}
