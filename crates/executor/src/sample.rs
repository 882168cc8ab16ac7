//! How long a plan's steps take, again and again.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::error::ExecutorError;
use crate::executor::Executor;
use crate::loaded::LoadedPlan;
use crate::record::Action;

/// The time that a sample should take at least, so that a clock's resolution and a submission's cost do not matter.
const LEAST: Duration = Duration::from_millis(2);
/// The most steps of a sample.
const MOST_STEPS: u32 = 4096;
/// The time that samples may take together, where there are enough.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many are enough.
const ENOUGH: usize = 3;

/// How long a step takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// Of each sample, shortest first: one at least.
    pub nanoseconds: Vec<f64>,
    /// The steps of a sample.
    pub steps: u32,
}

impl Samples {
    /// The shortest sample.
    pub fn least(&self) -> f64 {
        self.nanoseconds[0]
    }

    /// The middle sample.
    pub fn median(&self) -> f64 {
        self.nanoseconds[self.nanoseconds.len() / 2]
    }

    /// Half of the samples differ less from each other, as a share of the median.
    pub fn spread(&self) -> f64 {
        let quarter = self.nanoseconds.len() / 4;
        (self.nanoseconds[self.nanoseconds.len() - 1 - quarter] - self.nanoseconds[quarter]) / self.median()
    }
}

impl Executor {
    /// Measures steps of a plan: each sample, of which there is one at least, is a submission of as many steps as take two
    /// milliseconds. Times are the device's where it has timestamps, else those from a submission to its end. The first
    /// steps, which compile what a driver compiles late, do not count. Where samples take longer than five seconds together,
    /// three are enough. It blocks.
    ///
    /// # Errors
    /// On errors and loss of the device; in a browser, where nothing can wait.
    pub fn sample_blocking(&mut self, plan: &LoadedPlan, samples: usize) -> Result<Samples, ExecutorError> {
        self.time(plan, 1)?;
        let mut steps = 1;
        while self.time(plan, steps)? < LEAST && steps < MOST_STEPS {
            steps *= 2;
        }
        let step = |sample: Duration| sample.as_secs_f64() * 1e9 / f64::from(steps);
        let (mut nanoseconds, mut total) = (Vec::new(), Duration::ZERO);
        while nanoseconds.len() < samples.max(1) && (nanoseconds.len() < ENOUGH || total < PATIENCE) {
            let sample = self.time(plan, steps)?;
            nanoseconds.push(step(sample));
            total += sample;
        }
        nanoseconds.sort_by(f64::total_cmp);
        Ok(Samples { nanoseconds, steps })
    }

    fn time(&mut self, plan: &LoadedPlan, steps: u32) -> Result<Duration, ExecutorError> {
        let mut encoder = self.device.wgpu().create_command_encoder(&Default::default());
        let landing = self.record(&mut encoder, &[Action::Steps(plan, steps)], &[])?;
        self.device.queue().submit([encoder.finish()]);
        self.counters.submissions.fetch_add(1, Ordering::Relaxed);
        self.device.wait()?;
        let missing = || ExecutorError::NotSubmitted { what: "steps to be timed".to_owned() };
        Ok(landing.landed()?.ok_or_else(missing)?.took.elapsed())
    }
}
