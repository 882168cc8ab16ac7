//! Kernels that are chosen by measurement.

mod measure;
mod store;

use std::fmt;
use std::time::Duration;

use wgrad_core::plan::Choices;

pub(crate) use store::Store;

/// What was measured, and what was chosen. Made by [`Trainer::tune`](crate::Trainer::tune).
#[derive(Clone, Debug)]
pub struct Tuning {
    pub(crate) choices: Choices,
    /// What was measured, the most time first.
    pub measured: Vec<Measured>,
    /// How many operations have candidates that were left for want of time.
    pub left: usize,
    /// What kept the choice from being written for later runs, in words that name the file. This trainer takes it nevertheless.
    pub not_kept: Option<String>,
}

/// The candidates of one operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Operation and inputs.
    pub operation: String,
    /// The candidate that plans take from now on.
    pub chosen: String,
    /// The candidates that were measured, with their times, the default first.
    pub times: Vec<(String, Duration)>,
}

impl Measured {
    /// The time of the chosen candidate by that of the default.
    pub fn ratio(&self) -> f64 {
        let chosen = self.times.iter().find(|(name, _)| *name == self.chosen).map_or(Duration::ZERO, |(_, time)| *time);
        chosen.as_secs_f64() / self.times[0].1.as_secs_f64().max(1e-12)
    }
}

impl fmt::Display for Tuning {
    /// A line for each operation whose kernel is not the default, and a summary.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let changed: Vec<&Measured> = self.measured.iter().filter(|measured| measured.chosen != measured.times[0].0).collect();
        for measured in &changed {
            let Measured { operation, chosen, times } = measured;
            writeln!(formatter, "{operation}: {chosen} takes {:.2} times what {} does", measured.ratio(), times[0].0)?;
        }
        write!(formatter, "{} of {} operations have another kernel than by default", changed.len(), self.measured.len())?;
        match self.left {
            0 => Ok(()),
            left => write!(formatter, "; {left} were not, or not wholly, measured for want of time"),
        }
    }
}
