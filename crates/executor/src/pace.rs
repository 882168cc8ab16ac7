//! How many steps go into a submission.

use std::time::Duration;

/// What a submission should take: long enough that its own cost does not matter, and far from what makes a driver
/// suspect that the device hangs, or a screen stutter.
const BUDGET: Duration = Duration::from_millis(50);
/// The steps of a submission while nothing is known of a plan.
const FIRST_STEPS: u32 = 4;
/// How much larger a submission may be than the largest one before it: the first steps of a plan, which wait for
/// uploads and for the driver to warm up, say little of the others.
const GROWTH: u32 = 8;

/// How long a plan's steps take, as far as is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Pace {
    step: Option<Duration>,
    largest: u32,
}

impl Pace {
    /// Whether any steps have been timed.
    pub(crate) fn is_known(&self) -> bool {
        self.step.is_some()
    }

    /// Learns from steps that took so long.
    pub(crate) fn observe(&mut self, steps: u32, elapsed: Duration) {
        if steps > 0 {
            self.step = Some((elapsed / steps).max(Duration::from_nanos(1)));
            self.largest = self.largest.max(steps);
        }
    }

    fn predict(&self, steps: u32) -> Duration {
        self.step.unwrap_or_default().saturating_mul(steps)
    }

    /// How many steps take no longer than this: none as long as nothing is known.
    pub(crate) fn steps_within(&self, budget: Duration) -> u32 {
        match self.step {
            Some(step) => {
                let steps = u32::try_from(budget.as_nanos() / step.as_nanos()).unwrap_or(u32::MAX);
                steps.min(self.largest.saturating_mul(GROWTH))
            }
            None => 0,
        }
    }
}

/// How many steps of each plan the next submission has, given how many are wanted of them, one after another.
///
/// What follows the last that is listed has to wait, and so has the rest of what is not listed in full. A plan of
/// which nothing is known is submitted alone.
pub(crate) fn next_submission(wanted: &[(Pace, u32)]) -> Vec<u32> {
    let mut submission = Vec::new();
    let mut budget = BUDGET;
    for (pace, wanted) in wanted {
        let is_first = submission.is_empty();
        if !is_first && !pace.is_known() {
            break;
        }
        let steps = if pace.is_known() { pace.steps_within(budget).max(is_first.into()) } else { FIRST_STEPS };
        let steps = steps.min(*wanted);
        if steps == 0 {
            break;
        }
        budget = budget.saturating_sub(pace.predict(steps));
        submission.push(steps);
        if steps < *wanted || !pace.is_known() {
            break;
        }
    }
    submission
}

/// How long a submission should take: nothing where nothing is known of its plans.
pub(crate) fn expected(submission: &[(Pace, u32)]) -> Duration {
    submission.iter().map(|(pace, steps)| pace.predict(*steps)).sum()
}

/// Tells the plans of one submission how long it took: each by its share of what was expected.
pub(crate) fn observe(submission: &mut [(Pace, u32)], elapsed: Duration) {
    let ratio = elapsed.as_secs_f64() / expected(submission).as_secs_f64().max(1e-9);
    match submission {
        [(pace, steps)] => pace.observe(*steps, elapsed),
        several => {
            for (pace, steps) in several {
                pace.observe(*steps, pace.predict(*steps).mul_f64(ratio));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(step: Duration, largest: u32) -> Pace {
        Pace { step: Some(step), largest }
    }

    #[test]
    fn an_unknown_plan_begins_small_and_alone() {
        assert_eq!(next_submission(&[(Pace::default(), 938), (pace(BUDGET, 9), 1)]), [FIRST_STEPS]);
        assert_eq!(next_submission(&[(pace(Duration::from_micros(9), 9), 1), (Pace::default(), 9)]), [1]);
    }

    #[test]
    fn an_epoch_of_938_steps_of_a_millisecond_takes_about_twenty_submissions() {
        let (mut pace, mut remaining, mut submissions) = (Pace::default(), 938, 0);
        while remaining > 0 {
            let steps = next_submission(&[(pace, remaining)])[0];
            assert!(steps <= 50, "{steps} steps are over the budget");
            pace.observe(steps, Duration::from_millis(1) * steps);
            remaining -= steps;
            submissions += 1;
        }
        assert!((19..=21).contains(&submissions), "{submissions}");
    }

    #[test]
    fn steps_longer_than_the_budget_go_one_by_one() {
        assert_eq!(next_submission(&[(pace(BUDGET * 3, 1), 5)]), [1]);
    }

    #[test]
    fn a_slow_start_is_forgotten_but_growth_is_bounded() {
        let mut pace = Pace::default();
        pace.observe(4, Duration::from_secs(4));
        assert_eq!(next_submission(&[(pace, 1000)]), [1]);
        pace.observe(1, Duration::from_micros(10));
        assert_eq!(next_submission(&[(pace, 1000)]), [32]);
    }

    #[test]
    fn short_plans_share_a_submission() {
        let step = Duration::from_millis(10);
        let work = [(pace(step, 9), 2), (pace(step, 9), 9), (pace(step, 9), 1)];
        assert_eq!(next_submission(&work), [2, 3]);
        assert_eq!(next_submission(&[(pace(step, 9), 5), (pace(step, 9), 1)]), [5]);
    }

    #[test]
    fn a_shared_submission_corrects_all_of_its_plans() {
        let mut submission = [(pace(Duration::from_millis(1), 1), 10), (pace(Duration::from_millis(10), 1), 1)];
        observe(&mut submission, Duration::from_millis(40));
        assert_eq!(submission[0].0, pace(Duration::from_millis(2), 10));
        assert_eq!(submission[1].0, pace(Duration::from_millis(20), 1));
    }

    #[test]
    fn observing_no_time_or_no_steps_is_harmless() {
        let mut pace = Pace::default();
        pace.observe(0, Duration::ZERO);
        assert!(!pace.is_known());
        pace.observe(1, Duration::ZERO);
        assert_eq!(next_submission(&[(pace, 1000)]), [8]);
    }
}
