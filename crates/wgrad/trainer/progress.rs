//! How far an epoch is.

use std::time::{Duration, Instant};

/// How far a training is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The epoch, from 1.
    pub epoch: usize,
    /// How many epochs there will be, unless training is stopped.
    pub epochs: usize,
    /// The steps of this epoch that the device has been given.
    pub step: usize,
    /// The steps of an epoch.
    pub steps: usize,
}

/// The time between two reports.
const INTERVAL: Duration = Duration::from_millis(100);
/// The steps before the first report, when nothing is known of their speed.
const FIRST: u32 = 8;

/// Cuts steps into runs, after each of which there is a report. Runs grow until they take the interval.
#[derive(Debug)]
pub(super) struct Stride {
    began: Instant,
    done: u32,
    last: u32,
}

impl Stride {
    pub fn new() -> Self {
        Self { began: Instant::now(), done: 0, last: FIRST / 2 }
    }

    /// How many of the steps that are left to run before the next report: at least 1.
    pub fn next(&mut self, left: u32) -> u32 {
        let per_second = f64::from(self.done) / self.began.elapsed().as_secs_f64();
        let wanted = if self.done == 0 { f64::from(FIRST) } else { per_second * INTERVAL.as_secs_f64() };
        // The first runs only fill the queue, and seem too fast: hence no more than twice the last.
        self.last = (wanted as u32).clamp(1, 2 * self.last).min(left).max(1);
        self.done += self.last;
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_grow_and_end_with_the_epoch() {
        let mut stride = Stride::new();
        let mut left = 100;
        let mut runs = Vec::new();
        while left > 0 {
            runs.push(stride.next(left));
            left -= runs[runs.len() - 1];
        }
        assert_eq!(runs, [8, 16, 32, 44]);
    }

    #[test]
    fn slow_steps_are_reported_one_by_one() {
        let began = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        assert_eq!(Stride { began, done: 8, last: 8 }.next(100), 1);
        assert_eq!(Stride { began, done: 1050, last: 16 }.next(1000), 10);
    }
}
