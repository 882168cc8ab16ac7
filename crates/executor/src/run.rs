//! Submissions that keep a device busy, each for a bounded time.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use web_time::Instant;

use crate::completion::Completion;
use crate::error::ExecutorError;
use crate::executor::Executor;
use crate::faults::lock;
use crate::loaded::LoadedPlan;
use crate::pace::{self, Pace};

/// Submissions that the device has or runs, at most: one that runs, one that waits, one that is being recorded.
const IN_FLIGHT: usize = 3;

/// A submission that may still run.
#[derive(Debug)]
pub(crate) struct Submission {
    completion: Completion,
    steps: Vec<(Arc<Mutex<Pace>>, u32)>,
    /// When the device got it.
    submitted: Instant,
    /// When the device began with it, where that is known.
    began: Option<Instant>,
}

impl Executor {
    /// Runs steps of plans, one plan after another, in submissions of about 50 ms.
    ///
    /// It returns when the last is submitted, and waits, natively by blocking the thread, only so that no more than
    /// three are in flight, and for the first steps of a plan whose speed is unknown.
    ///
    /// # Errors
    /// On errors and loss of the device.
    pub async fn run(&mut self, work: &[(&LoadedPlan, u32)]) -> Result<(), ExecutorError> {
        let mut wanted: Vec<(&LoadedPlan, u32)> = work.iter().copied().filter(|(_, steps)| *steps > 0).collect();
        while !wanted.is_empty() {
            let paces: Vec<(Pace, u32)> = wanted.iter().map(|(plan, steps)| (*lock(&plan.pace), *steps)).collect();
            let submission = pace::next_submission(&paces);
            let next: Vec<(&LoadedPlan, u32)> =
                wanted.iter().zip(&submission).map(|((plan, _), steps)| (*plan, *steps)).collect();
            self.submit(&next).await?;
            for ((_, left), steps) in wanted.iter_mut().zip(&submission) {
                *left -= steps;
            }
            wanted.retain(|(_, left)| *left > 0);
        }
        Ok(())
    }

    /// Waits until all submissions have ended.
    ///
    /// # Errors
    /// On errors and loss of the device.
    pub async fn finish(&mut self) -> Result<(), ExecutorError> {
        while !self.in_flight.is_empty() {
            self.retire().await?;
        }
        self.device.check()
    }

    async fn submit(&mut self, work: &[(&LoadedPlan, u32)]) -> Result<(), ExecutorError> {
        self.device.check()?;
        while self.in_flight.len() >= IN_FLIGHT {
            self.retire().await?;
        }
        let device = &self.device;
        let submit = || {
            let mut encoder = device.wgpu().create_command_encoder(&Default::default());
            for (plan, steps) in work {
                plan.record(&mut encoder, *steps);
            }
            Completion::submit(device, encoder.finish())
        };
        let completion = device.catch(submit, ExecutorError::during("running")).await?;
        self.counters.submissions.fetch_add(1, Ordering::Relaxed);
        let submitted = Instant::now();
        let began = self.in_flight.is_empty().then_some(submitted);
        let steps = work.iter().map(|(plan, steps)| (plan.pace.clone(), *steps)).collect();
        self.in_flight.push_back(Submission { completion, steps, submitted, began });
        match work {
            // The next submission's size depends on how long this one takes.
            [(plan, _)] if !lock(&plan.pace).is_known() => self.finish().await,
            _ => Ok(()),
        }
    }

    /// Waits for the oldest submission and learns from it.
    async fn retire(&mut self) -> Result<(), ExecutorError> {
        let Some(Submission { completion, steps, submitted, began }) = self.in_flight.pop_front() else { return Ok(()) };
        let has_waited = completion.wait(&self.device).await?;
        let ended = Instant::now();
        let mut paces: Vec<(Pace, u32)> = steps.iter().map(|(pace, count)| (*lock(pace), *count)).collect();
        // What had ended unseen took less time than has passed: good enough where nothing is known, or where even that is
        // less than was expected.
        let is_new = paces.iter().any(|(pace, _)| !pace.is_known());
        let measured = began.map(|began| ended.saturating_duration_since(began)).filter(|_| has_waited || is_new);
        let bound = Some(ended.saturating_duration_since(submitted)).filter(|bound| *bound < pace::expected(&paces));
        if let Some(elapsed) = measured.or(bound) {
            pace::observe(&mut paces, elapsed);
            for ((shared, _), (pace, _)) in steps.iter().zip(paces) {
                *lock(shared) = pace;
            }
        }
        if let (Some(next), true) = (self.in_flight.front_mut(), has_waited) {
            next.began = Some(ended);
        }
        Ok(())
    }
}
