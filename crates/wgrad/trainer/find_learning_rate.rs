//! A search for a good learning rate.

use crate::dataset::Dataset;
use crate::error::Error;
use crate::graphs::log_name;
use crate::optimizers::check_learning_rate;
use crate::schedules::{Schedule, Unit};
use crate::trainer::Trainer;
use crate::trainer::fit::Session;
use crate::trainer::log::Log;

/// The test of learning rates that PyTorch Lightning and fastai call `lr_find`, after Smith's ["Cyclical Learning Rates for
/// Training Neural Networks"](https://arxiv.org/abs/1506.01186): while the rate grows exponentially from update to update,
/// the loss first falls, then rises.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearningRateFinder {
    /// The first learning rate, above 0: 1e-7 by default.
    pub start: f64,
    /// The last one, above the first: 10 by default.
    pub end: f64,
    /// How many updates there are, 2 at least: 100 by default.
    pub steps: usize,
}

/// What [`Trainer::find_learning_rate`] found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LearningRateCurve {
    /// The learning rate of each update, up to the last, or to the first after which the loss has grown beyond use.
    pub learning_rates: Vec<f64>,
    /// The loss before each update.
    pub losses: Vec<f32>,
    /// Exponential means of the losses so far, of which [`LearningRateCurve::MEMORY`] stays each time, corrected for their
    /// start at 0.
    pub smoothed: Vec<f64>,
    /// The learning rate at which the smoothed loss falls most from update to update, but for the first ten and the last;
    /// none where it never falls.
    pub suggestion: Option<f64>,
}

/// The search ends where the smoothed loss is so many times its smallest.
const DIVERGED: f64 = 4.0;
/// The first rates that are not suggested, since too few losses are smoothed there.
const SKIPPED: usize = 10;
/// How small a fall, relative to the loss, may come of rounding alone.
const ROUNDING: f64 = 1e-9;
/// The steps after which the losses are looked at.
const CHUNK: u64 = 16;

impl Default for LearningRateFinder {
    fn default() -> Self {
        Self { start: 1e-7, end: 10.0, steps: 100 }
    }
}

impl LearningRateFinder {
    fn check(&self) -> Result<(), Error> {
        check_learning_rate(self.start)?;
        check_learning_rate(self.end)?;
        if self.steps < 2 {
            return Err(Error::mismatch("steps of a search", "2 at least", self.steps));
        }
        match 0.0 < self.start && self.start < self.end {
            true => Ok(()),
            false => {
                let got = format!("{} to {}", self.start, self.end);
                Err(Error::mismatch("learning rates of a search", "from above 0 to a larger one", got))
            }
        }
    }

    /// The rate of an update, from 0.
    fn rate(&self, update: u64) -> f64 {
        let share = update as f64 / (self.steps - 1) as f64;
        self.start * (self.end / self.start).powf(share)
    }
}

/// The rates of a search.
#[derive(Debug)]
struct Sweep(LearningRateFinder);

impl Schedule for Sweep {
    fn check(&self) -> Result<(), Error> {
        self.0.check()
    }

    fn unit(&self) -> Unit {
        Unit::Step
    }

    fn learning_rate(&self, _: f64, time: u64) -> f64 {
        // The table of numbers has rows for more updates than there are.
        self.0.rate(time).min(self.0.end)
    }
}

impl Trainer {
    /// Trains on batches of `data` with growing learning rates, and says what the losses were. All state is put back
    /// afterwards: training goes on with the same bits as if there had been no search.
    ///
    /// # Errors
    /// Where the numbers are out of their range; as [`Trainer::fit`], but for a loss that is not finite, which only ends the
    /// search.
    pub fn find_learning_rate(&mut self, data: &Dataset, finder: LearningRateFinder) -> Result<LearningRateCurve, Error> {
        finder.check()?;
        let session = self.session(data)?;
        let snapshot = self.snapshot()?;
        let since = [self.counts.updates, self.counts.epochs];
        let schedule = self.numbers.follow(Box::new(Sweep(finder)), &self.objective, since);
        let curve = self.sweep(&session, finder);
        self.numbers.follow(schedule, &self.objective, since);
        // With what was set before, and since when there is the schedule, and from which rates.
        self.restore(&snapshot)?;
        curve
    }

    fn sweep(&mut self, session: &Session, finder: LearningRateFinder) -> Result<LearningRateCurve, Error> {
        let accumulation = u64::from(self.options.accumulation);
        let gathered = self.counts.steps % accumulation;
        let wanted = finder.steps as u64 * accumulation - gathered;
        let mut losses: Vec<f32> = Vec::new();
        loop {
            let place = self.begin_epoch(session)?;
            let left = (wanted - losses.len() as u64).min(session.steps() - place);
            let steps = CHUNK.min(left).min(self.known_steps()?);
            self.run_steps(session, place, steps)?;
            let log = Log::new(&*self.backend.read_state(&log_name("train", session.steps() as usize))?, false);
            losses.extend(log.losses().skip(place as usize).take(steps as usize));
            let means = means(&losses, gathered as usize, accumulation as usize);
            let curve = LearningRateCurve::new(finder, &means);
            if losses.len() as u64 == wanted || curve.losses.len() < means.len() {
                return Ok(curve);
            }
        }
    }
}

/// The mean losses of updates, each over as many steps, but for the first, of which so many were taken before.
fn means(losses: &[f32], before: usize, steps: usize) -> Vec<f32> {
    let first = losses.get(..steps - before);
    let others = losses.get(steps - before..).unwrap_or_default().chunks_exact(steps);
    first.into_iter().chain(others).map(|losses| losses.iter().sum::<f32>() / losses.len() as f32).collect()
}

impl LearningRateCurve {
    /// How much of the mean so far stays where a loss is smoothed: as in PyTorch Lightning and fastai.
    pub const MEMORY: f64 = 0.98;

    /// The curve of the losses before each update, up to the first of no use.
    fn new(finder: LearningRateFinder, losses: &[f32]) -> Self {
        let mut curve = Self::default();
        let (mut mean, mut smallest) = (0.0, f64::INFINITY);
        for (update, &loss) in losses.iter().enumerate().take_while(|(_, loss)| loss.is_finite()) {
            mean = Self::MEMORY * mean + (1.0 - Self::MEMORY) * f64::from(loss);
            let smoothed = mean / (1.0 - Self::MEMORY.powf((update + 1) as f64));
            curve.learning_rates.push(finder.rate(update as u64));
            curve.losses.push(loss);
            curve.smoothed.push(smoothed);
            smallest = smoothed.min(smallest);
            if smoothed > DIVERGED * smallest {
                break;
            }
        }
        curve.suggestion = curve.steepest().map(|update| curve.learning_rates[update]);
        curve
    }

    /// The update around which the smoothed loss falls most.
    fn steepest(&self) -> Option<usize> {
        let last = self.smoothed.len().checked_sub(2)?;
        let slope = |update: usize| {
            let (from, to) = (update.saturating_sub(1).max(SKIPPED), (update + 1).min(last));
            (self.smoothed[to] - self.smoothed[from]) / (to - from) as f64
        };
        let slopes = (SKIPPED..=last).filter(|_| last > SKIPPED).map(|update| (update, slope(update)));
        let (update, slope) = slopes.min_by(|(_, left), (_, right)| left.total_cmp(right))?;
        (slope < -ROUNDING * self.smoothed[update].abs()).then_some(update)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_grow_by_a_factor_between_both_ends() {
        let finder = LearningRateFinder { start: 1e-4, end: 1.0, steps: 5 };
        for (update, wanted) in [1e-4, 1e-3, 1e-2, 1e-1, 1.0].into_iter().enumerate() {
            assert!((finder.rate(update as u64) / wanted - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn losses_of_one_update_are_averaged() {
        assert_eq!(means(&[1.0, 2.0, 3.0], 0, 1), [1.0, 2.0, 3.0]);
        assert_eq!(means(&[1.0, 2.0, 4.0, 5.0, 6.0, 9.0], 1, 3), [1.5, 5.0]);
        assert_eq!(means(&[1.0], 1, 3), [0.0; 0]);
    }

    /// A loss that falls by 1 from update to update, by 3 from the 40th to the 50th, and not at all from the 60th on.
    fn falling(updates: usize) -> Vec<f32> {
        let slope = |update| match update {
            40..50 => 3.0,
            0..60 => 1.0,
            _ => 0.0,
        };
        (0..updates).map(|update| 200.0 - (0..update).map(slope).sum::<f32>()).collect()
    }

    #[test]
    fn the_steepest_descent_is_suggested() {
        let finder = LearningRateFinder::default();
        let curve = LearningRateCurve::new(finder, &falling(100));
        assert_eq!((curve.losses.len(), curve.learning_rates[99]), (100, 10.0));
        // Smoothing follows the losses with some delay.
        let suggestion = curve.suggestion.unwrap();
        assert!((finder.rate(40)..finder.rate(60)).contains(&suggestion), "{suggestion}");
        assert!(curve.learning_rates.contains(&suggestion));
    }

    #[test]
    fn too_few_or_rising_losses_suggest_nothing() {
        for losses in [vec![], vec![1.0], falling(12), vec![1.0; 100], (0..100).map(|update| update as f32).collect()] {
            assert_eq!(LearningRateCurve::new(LearningRateFinder::default(), &losses).suggestion, None);
        }
        assert!(LearningRateCurve::new(LearningRateFinder::default(), &falling(13)).suggestion.is_some());
    }

    #[test]
    fn the_curve_ends_where_the_loss_has_grown() {
        let with = |loss: f32| [vec![1.0; 50], vec![loss; 50]].concat();
        let finder = LearningRateFinder::default();
        assert_eq!(LearningRateCurve::new(finder, &with(f32::NAN)).losses.len(), 50);
        assert_eq!(LearningRateCurve::new(finder, &with(f32::INFINITY)).losses.len(), 50);
        let curve = LearningRateCurve::new(finder, &with(100.0));
        assert!((51..55).contains(&curve.losses.len()), "{}", curve.losses.len());
        assert!(curve.smoothed.last() > Some(&4.0));
    }
}
