//! How many steps fit into a budget where nothing tells how long they ran, only when they landed.

use std::time::Duration;

use web_time::Instant;

/// How many late landings are remembered: what is believed is their median, so that a single one that was late for
/// another reason changes little.
const REMEMBERED: usize = 3;
/// What share of the waiting a landing must be late by to be called late: less is noise.
const NOTICED: u32 = 4;
/// Where no landing is late, steps become cheaper by this share with each: slowly, since it is a late one that ends it.
const FADING: u32 = 1024;
/// How much larger a frame may be than the largest that has landed, while others are on their way.
const GROWTH: u32 = 2;
/// Landings of the same poll are no further apart.
const TOGETHER: Duration = Duration::from_millis(1);

/// How long steps take, as far as their landings tell.
///
/// From its recording, or the landing before, a frame mostly waits: for its submission, for its turn on the device, for a
/// poll. That says nothing of the steps. So what few steps took is taken for waiting, and the time by which more steps land
/// later for theirs. An application that polls once a frame sees nothing as long as all lands in the next frame: steps grow
/// there until a landing is late, which then tells what they take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Latency {
    /// The fewest steps that have landed, and how long that took.
    waiting: Option<(u32, Duration)>,
    step: Duration,
    largest: u32,
    /// What a step took by each of the last late landings, the newest last. Zero where there were fewer.
    late: [Duration; REMEMBERED],
    last: Option<Instant>,
}

impl Latency {
    /// Learns from steps that were recorded and landed then.
    pub(crate) fn observe(&mut self, steps: u32, recorded: Instant, landed: Instant) {
        let began = self.last.map_or(recorded, |last| last.max(recorded));
        let took = landed.saturating_duration_since(began);
        self.last = Some(landed);
        self.largest = self.largest.max(steps);
        if steps > 0 && (took > TOGETHER || began == recorded) {
            self.learn(steps, took);
        }
    }

    fn learn(&mut self, steps: u32, took: Duration) {
        let Some((fewest, waiting)) = self.waiting else {
            self.waiting = Some((steps, took));
            self.step = took / steps;
            return;
        };
        let noticed = waiting / NOTICED;
        let is_late = took > waiting + noticed;
        if steps > fewest && is_late {
            return self.remember((took - waiting) / (steps - fewest));
        }
        if is_late {
            // The frames themselves have become longer: what seemed late may not have been.
            self.late = Default::default();
        }
        if steps <= fewest || took + noticed < waiting {
            self.waiting = Some((steps, took));
        }
        let would_be_late = self.step.saturating_mul(steps.saturating_sub(fewest)) > noticed;
        self.step -= match self.has_been_late() && !would_be_late {
            true => self.step / FADING,
            false => self.step / 2,
        };
    }

    fn has_been_late(&self) -> bool {
        self.late[0] > Duration::ZERO
    }

    fn remember(&mut self, step: Duration) {
        match self.has_been_late() {
            true => {
                self.late.rotate_left(1);
                self.late[REMEMBERED - 1] = step;
            }
            false => self.late = [step; REMEMBERED],
        }
        let mut sorted = self.late;
        sorted.sort_unstable();
        self.step = sorted[REMEMBERED / 2];
    }

    /// How many steps take no longer than this, as far as is known: none at first.
    pub(crate) fn steps_within(&self, budget: Duration) -> u32 {
        let steps = budget.as_nanos() / self.step.as_nanos().max(1);
        u32::try_from(steps).unwrap_or(u32::MAX).min(self.largest.saturating_mul(GROWTH))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// An application whose frames are of a fixed length and poll once, on a device that needs `step` for a step and is
    /// `others` busy in each frame.
    struct Frames {
        frame: Duration,
        others: Duration,
        now: Instant,
        /// When the device is done with all that was submitted.
        idle: Instant,
        in_flight: VecDeque<(u32, Instant, Instant)>,
    }

    impl Frames {
        fn new(frame: Duration, others: Duration) -> Self {
            let now = Instant::now();
            Self { frame, others, now, idle: now, in_flight: VecDeque::new() }
        }

        /// Goes through so many frames, and gives the steps of each.
        fn run(&mut self, latency: &mut Latency, budget: Duration, step: Duration, frames: usize) -> Vec<u32> {
            let mut steps = Vec::new();
            for _ in 0..frames {
                while let Some((landed, recorded, _)) = self.in_flight.pop_front_if(|(_, _, done)| *done <= self.now) {
                    latency.observe(landed, recorded, self.now);
                }
                let count = latency.steps_within(budget).max(1);
                self.idle = self.idle.max(self.now) + self.others + step * count;
                self.in_flight.push_back((count, self.now, self.idle));
                steps.push(count);
                self.now += self.frame;
            }
            steps
        }
    }

    const FRAME: Duration = Duration::from_millis(16);
    const BUDGET: Duration = Duration::from_millis(4);

    fn late(steps: &[u32], step: Duration) -> usize {
        steps.iter().filter(|steps| step * **steps > FRAME).count()
    }

    #[test]
    fn frames_that_poll_once_find_out_what_fits() {
        for (step, others) in [(50, 1), (50, 8), (1000, 1), (3000, 2), (7, 0)] {
            let (step, others) = (Duration::from_micros(step), Duration::from_millis(others));
            let mut latency = Latency::default();
            let mut frames = Frames::new(FRAME, others);
            let begin = frames.run(&mut latency, BUDGET, step, 60);
            assert!(late(&begin, step) <= 4, "{step:?}: {begin:?}");
            let minute = frames.run(&mut latency, BUDGET, step, 3600);
            assert!(late(&minute, step) <= 12, "{step:?}: {} of 3600 frames", late(&minute, step));
            let mean = step.as_secs_f64() * minute.iter().map(|steps| f64::from(*steps)).sum::<f64>() / 3600.0;
            assert!((0.5..3.0).contains(&(mean / BUDGET.as_secs_f64())), "{step:?}: {mean} s of {BUDGET:?} a frame");
        }
    }

    #[test]
    fn steps_longer_than_a_budget_go_one_by_one() {
        let step = Duration::from_millis(30);
        let mut latency = Latency::default();
        let mut frames = Frames::new(Duration::from_millis(40), Duration::ZERO);
        frames.run(&mut latency, BUDGET, step, 30);
        let steps = frames.run(&mut latency, BUDGET, step, 600);
        assert!(steps.iter().sum::<u32>() < 620, "{steps:?}");
    }

    #[test]
    fn landings_that_are_seen_at_once_tell_the_time_of_a_step() {
        let (mut latency, mut now) = (Latency::default(), Instant::now());
        let step = Duration::from_micros(200);
        for _ in 0..20 {
            let (steps, recorded) = (latency.steps_within(BUDGET).max(1), now);
            now += Duration::from_micros(300) + step * steps;
            latency.observe(steps, recorded, now);
        }
        assert_eq!(latency.steps_within(BUDGET), 20);
    }

    #[test]
    fn one_late_frame_changes_little_and_longer_frames_are_found_out() {
        let step = Duration::from_micros(50);
        let (mut latency, mut frames) = (Latency::default(), Frames::new(FRAME, Duration::from_millis(1)));
        let before = *frames.run(&mut latency, BUDGET, step, 100).last().unwrap();
        frames.now += Duration::from_millis(300);
        let after = *frames.run(&mut latency, BUDGET, step, 3).last().unwrap();
        assert!(after >= before / 3, "{before} {after} {latency:?}");
        // The window is now in the background, and drawn half as often.
        frames.frame *= 2;
        let steps = frames.run(&mut latency, BUDGET, step, 200);
        assert!(*steps.last().unwrap() >= before / 2, "{steps:?}");
    }

    #[test]
    fn no_steps_and_no_time_are_harmless() {
        let (mut latency, now) = (Latency::default(), Instant::now());
        assert_eq!(latency.steps_within(BUDGET), 0);
        latency.observe(0, now, now);
        assert_eq!(latency.steps_within(BUDGET), 0);
        latency.observe(1, now, now);
        latency.observe(2, now, now);
        assert_eq!(latency.steps_within(BUDGET), 4);
    }
}
