//! How good a model is.

use std::sync::Arc;

use wgrad_core::HostTensor;
use wgrad_core::plan::PlanError;

use crate::backend::{self, Program};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::graphs::{Batches, Clock, EVALUATION_CLOCK, Feed, Pick, log_name};
use crate::history::Score;
use crate::trainer::Trainer;
use crate::trainer::log::Log;
use crate::trainer::tasks::{Loaded, Task};

/// The examples in a step of evaluation and prediction, at most: enough to keep a GPU busy, at little memory.
pub(super) const BATCH: usize = 500;

/// The steps that take all examples of some data once, in order.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    /// Full steps, and the smaller one that takes the rest.
    kinds: Vec<(Loaded, u32)>,
}

impl Trainer {
    /// The mean loss and the accuracy on `data`, in evaluation mode. A loss that is NaN or infinite is no error.
    ///
    /// # Errors
    /// Where the data do not fit the model or the loss; on errors of the device.
    pub fn evaluate(&mut self, data: &Dataset) -> Result<Score, Error> {
        let pass = self.prepare_evaluation(data)?;
        self.begin_pass();
        self.backend.write_state(EVALUATION_CLOCK, &Arc::new(Clock::default().to_host()))?;
        self.backend.run(&pass.programs())?;
        let log = self.backend.read_state(&pass.log())?;
        Ok(pass.score(&log))
    }

    /// Ends the pass over data that is under way, if there is one, and numbers the next.
    pub(crate) fn begin_pass(&mut self) -> u64 {
        self.passes += 1;
        self.passes
    }

    /// Whether no pass has begun since that one.
    pub(crate) fn is_under_way(&self, pass: u64) -> bool {
        self.passes == pass
    }

    pub(super) fn prepare_evaluation(&mut self, data: &Dataset) -> Result<Pass, Error> {
        backend::at_once(self.open_evaluation(data))
    }

    /// As [`Trainer::prepare_evaluation`], for somebody who keeps the pass, where the device may take its time.
    pub(crate) async fn lend_evaluation(&mut self, data: &Dataset) -> Result<Pass, Error> {
        self.keep("evaluation", data);
        self.open_evaluation(data).await
    }

    async fn open_evaluation(&mut self, data: &Dataset) -> Result<Pass, Error> {
        self.accept(data)?;
        loop {
            match self.pass_over(data, self.largest_batch).await {
                Err(error) if self.halves_batch(&error) => {}
                result => return result,
            }
        }
    }

    async fn pass_over(&mut self, data: &Dataset, batch: usize) -> Result<Pass, Error> {
        let mut kinds = Vec::new();
        for (batches, steps) in Batches::of(data.len(), batch.min(data.len())).into_iter().filter(|(_, steps)| *steps > 0) {
            let feed = Feed::of_data(self.place("evaluation", data), data, Pick::InOrder(batches));
            let loaded = self.loaded(Task::Evaluate(feed.clone())).await?;
            self.write_data(&feed, data)?;
            kinds.push((loaded, steps));
        }
        Ok(Pass { kinds })
    }

    /// Whether an error is that of too many examples at once: then there are half as many from now on.
    pub(super) fn halves_batch(&mut self, error: &Error) -> bool {
        let is_too_large = matches!(error, Error::Plan(PlanError::TooLarge { .. })) && self.largest_batch > 1;
        if is_too_large {
            self.largest_batch = self.largest_batch.div_ceil(2);
        }
        is_too_large
    }
}

impl Pass {
    /// How many steps there are.
    pub fn steps(&self) -> u32 {
        self.kinds.iter().map(|(_, steps)| steps).sum()
    }

    /// The programs, each with its steps, in order.
    pub fn programs(&self) -> Vec<(Program, u32)> {
        self.kinds.iter().map(|(loaded, steps)| (loaded.program, *steps)).collect()
    }

    /// The state that holds the log of all steps.
    pub fn log(&self) -> String {
        log_name("evaluation", self.steps() as usize)
    }

    /// What the log says once all steps have run.
    pub fn score(&self, log: &HostTensor) -> Score {
        let counts = self.kinds.iter().flat_map(|(loaded, steps)| vec![loaded.count(); *steps as usize]);
        Log::new(log, self.kinds.iter().all(|(loaded, _)| loaded.has_accuracy)).score(counts)
    }
}
