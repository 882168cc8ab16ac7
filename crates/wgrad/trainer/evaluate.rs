//! How good a model is.

use std::sync::Arc;

use wgrad_core::plan::PlanError;

use crate::dataset::Dataset;
use crate::error::Error;
use crate::graphs::{Batches, Clock, EVALUATION_CLOCK, Feed, Pick, log_name};
use crate::history::Score;
use crate::trainer::Trainer;
use crate::trainer::log::Log;
use crate::trainer::tasks::{Loaded, Task};

/// The examples in a step of evaluation and prediction, at most: enough to keep a GPU busy, at little memory.
pub(super) const BATCH: usize = 500;

impl Trainer {
    /// The mean loss and the accuracy on `data`, in evaluation mode. A loss that is NaN or infinite is no error.
    ///
    /// # Errors
    /// Where the data do not fit the model or the loss; on errors of the device.
    pub fn evaluate(&mut self, data: &Dataset) -> Result<Score, Error> {
        let work = self.prepare_evaluation(data)?;
        self.backend.write_state(EVALUATION_CLOCK, &Arc::new(Clock::default().to_host()))?;
        let programs: Vec<_> = work.iter().map(|(loaded, steps)| (loaded.program, *steps)).collect();
        self.backend.run(&programs)?;
        let steps = work.iter().map(|(_, steps)| *steps as usize).sum();
        let log = self.backend.read_state(&log_name("evaluation", steps))?;
        let counts = work.iter().flat_map(|(loaded, steps)| vec![loaded.count(); *steps as usize]);
        Ok(Log::new(&log, work.iter().all(|(loaded, _)| loaded.has_accuracy)).score(counts))
    }

    pub(super) fn prepare_evaluation(&mut self, data: &Dataset) -> Result<Vec<(Loaded, u32)>, Error> {
        self.accept(data)?;
        self.with_fitting_batch(|trainer, batch| trainer.evaluation_of(data, batch))
    }

    fn evaluation_of(&mut self, data: &Dataset, batch: usize) -> Result<Vec<(Loaded, u32)>, Error> {
        let mut work = Vec::new();
        for (batches, steps) in Batches::of(data.len(), batch.min(data.len())).into_iter().filter(|(_, steps)| *steps > 0) {
            let feed = Feed::of_data("evaluation", data, Pick::InOrder(batches));
            let loaded = self.load_task(Task::Evaluate(feed.clone()))?;
            self.write_data(&feed, data)?;
            work.push((loaded, steps));
        }
        Ok(work)
    }

    /// Does something with as many examples at once as the device has room for: half as many where a tensor would be too
    /// large for it, and so on.
    pub(super) fn with_fitting_batch<T>(
        &mut self,
        mut body: impl FnMut(&mut Self, usize) -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            match body(self, self.largest_batch) {
                Err(Error::Plan(PlanError::TooLarge { .. })) if self.largest_batch > 1 => {
                    self.largest_batch = self.largest_batch.div_ceil(2);
                }
                result => return result,
            }
        }
    }
}
