//! The time of a plan's steps on the device.

use std::time::Duration;

use anyhow::{Context, Result};
use wgrad::executor::{Action, Executor, LoadedPlan};
use wgrad::wgpu;

/// The time that a sample should take at least, so that a clock's resolution and a submission's cost do not matter.
const LEAST: Duration = Duration::from_millis(2);
/// The most steps of a sample.
const MOST_STEPS: u32 = 4096;

/// How long a step takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// Of each sample, shortest first.
    pub nanoseconds: Vec<f64>,
    /// The steps of a sample.
    pub steps: u32,
}

impl Samples {
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

/// Measures steps of a plan, by timestamps where the device has them. The first ones, which compile what a driver compiles late,
/// do not count.
pub fn sample(executor: &mut Executor, plan: &LoadedPlan, samples: usize) -> Result<Samples> {
    run(executor, plan, 1)?;
    let mut steps = 1;
    while run(executor, plan, steps)? < LEAST && steps < MOST_STEPS {
        steps *= 2;
    }
    let nanoseconds = (0..samples.max(1)).map(|_| Ok(run(executor, plan, steps)?.as_secs_f64() * 1e9 / f64::from(steps)));
    let mut nanoseconds = nanoseconds.collect::<Result<Vec<f64>>>()?;
    nanoseconds.sort_by(f64::total_cmp);
    Ok(Samples { nanoseconds, steps })
}

fn run(executor: &mut Executor, plan: &LoadedPlan, steps: u32) -> Result<Duration> {
    let device = executor.device().clone();
    let mut encoder = device.wgpu().create_command_encoder(&Default::default());
    let landing = executor.record(&mut encoder, &[Action::Steps(plan, steps)], &[])?;
    device.queue().submit([encoder.finish()]);
    device.wgpu().poll(wgpu::PollType::wait_indefinitely())?;
    Ok(landing.landed()?.context("steps that were waited for have not landed")?.took)
}
