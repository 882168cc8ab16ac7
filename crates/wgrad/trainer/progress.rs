//! How far an epoch is.

use std::time::Duration;

use web_time::Instant;

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

/// Cuts steps into runs, after each of which there is a report, so that each takes about the interval.
#[derive(Debug)]
pub(super) struct Stride {
    size: u32,
    /// The steps of the last run, and when it began; none after a pause.
    last: Option<(u32, Instant)>,
}

impl Stride {
    pub fn new() -> Self {
        Self { size: FIRST, last: None }
    }

    /// Tells that the time until the next run does not count.
    pub fn pause(&mut self) {
        self.last = None;
    }

    /// How many of the steps that are left, at least one, to run before the next report.
    pub fn next(&mut self, left: u32, now: Instant) -> u32 {
        if let Some((steps, began)) = self.last {
            let wanted = f64::from(steps) * INTERVAL.as_secs_f64() / (now - began).as_secs_f64();
            // A run returns at once where it only fills the device's queue, and late where it waits for others: hence
            // no sudden changes.
            self.size = (wanted as u32).clamp(self.size.div_ceil(2), 2 * self.size);
        }
        let steps = self.size.min(left);
        self.last = Some((steps, now));
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The runs of an epoch whose steps take so many milliseconds.
    fn runs(stride: &mut Stride, steps: u32, milliseconds: u32) -> Vec<u32> {
        stride.pause();
        let (mut now, mut left, mut runs) = (Instant::now(), steps, Vec::new());
        while left > 0 {
            let run = stride.next(left, now);
            (now, left) = (now + Duration::from_millis((run * milliseconds).into()), left - run);
            runs.push(run);
        }
        runs
    }

    #[test]
    fn runs_grow_to_the_interval_and_end_with_the_epoch() {
        let mut stride = Stride::new();
        assert_eq!(runs(&mut stride, 250, 1), [8, 16, 32, 64, 100, 30]);
        assert_eq!(runs(&mut stride, 250, 1), [100, 100, 50]);
    }

    #[test]
    fn slow_steps_are_reported_one_by_one() {
        assert_eq!(runs(&mut Stride::new(), 18, 90), [8, 4, 2, 1, 1, 1, 1]);
    }

    #[test]
    fn steps_that_take_no_time_are_few_runs() {
        assert_eq!(runs(&mut Stride::new(), 938, 0), [8, 16, 32, 64, 128, 256, 434]);
    }
}
