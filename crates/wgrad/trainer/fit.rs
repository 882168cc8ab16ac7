//! Training for whole epochs, in which the device picks the batches.

use std::sync::Arc;
use std::time::Instant;

use wgrad_core::{HostTensor, Shape};

use crate::dataset::Dataset;
use crate::error::Error;
use crate::graphs::{Batches, Clock, Feed, POSITION, Pick, log_name};
use crate::history::{Epoch, History, Score};
use crate::loader::check_batch_size;
use crate::trainer::Trainer;
use crate::trainer::log::Log;
use crate::trainer::progress::{Progress, Stride};
use crate::trainer::tasks::{Loaded, Task};

/// What a callback of [`Trainer::fit`] decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Go on with the next epoch.
    Continue,
    /// End the training here.
    Stop,
}

/// An epoch's steps, ready to be run: full ones, and a smaller last one where they do not come out even.
struct Session {
    full: Loaded,
    work: Vec<(Loaded, u32)>,
    batches: Batches,
    clock: Clock,
}

impl Trainer {
    /// Trains for so many epochs on all of `data`, in a random order. After each epoch the model is evaluated on
    /// `validation`, if any, and `after_epoch` may stop the training.
    ///
    /// The device runs an epoch by itself: the host reads nothing back before its end.
    ///
    /// # Errors
    /// Where the data do not fit the model or the loss, or are fewer than the batch size; where the loss becomes NaN or
    /// infinite, with the step and the epoch; on errors of the device.
    pub fn fit(
        &mut self,
        data: &Dataset,
        epochs: usize,
        validation: Option<&Dataset>,
        mut after_epoch: impl FnMut(&Epoch) -> Control,
    ) -> Result<History, Error> {
        let session = self.session(data)?;
        if let Some(validation) = validation {
            self.prepare_evaluation(validation)?;
        }
        let (mut history, mut stride) = (History::default(), Stride::new());
        for epoch in 1..=epochs {
            let began = Instant::now();
            let score = self.epoch(&session, &mut stride, epoch, epochs)?;
            let us_per_step = began.elapsed().as_secs_f64() * 1e6 / session.batches.steps() as f64;
            let validation = validation.map(|validation| self.evaluate(validation)).transpose()?;
            if validation.is_some_and(|validation| !validation.loss.is_finite()) {
                // The last update broke the model, which no later step's loss can show any more.
                return Err(self.stop_at(self.steps, Some(epoch)));
            }
            let Score { loss, accuracy } = score;
            let seconds = began.elapsed().as_secs_f64();
            let epoch = Epoch { epoch, loss, accuracy, validation, seconds, us_per_step };
            history.epochs.push(epoch);
            if after_epoch(&epoch) == Control::Stop {
                break;
            }
        }
        Ok(history)
    }

    /// Makes everything ready that [`Trainer::fit`] needs for these data: graphs, plans, kernels, memory. Otherwise `fit`
    /// does so first.
    ///
    /// # Errors
    /// As `fit`, but for what only a step can show.
    pub fn prepare(&mut self, data: &Dataset, validation: Option<&Dataset>) -> Result<(), Error> {
        self.session(data)?;
        validation.map_or(Ok(()), |validation| self.prepare_evaluation(validation).map(drop))
    }

    fn session(&mut self, data: &Dataset) -> Result<Session, Error> {
        self.check_running()?;
        check_batch_size(self.options.batch_size, data)?;
        self.accept(data)?;
        let [full, rest] = Batches::of(data.len(), self.options.batch_size);
        // Where steps were taken outside whole epochs of this size, the count of all steps does not tell where one begins.
        let clock = if self.steps.is_multiple_of(full.0.steps() as u64) { Clock::Shared } else { Clock::Own };
        let mut work = Vec::new();
        for (batches, steps) in [full, rest].into_iter().filter(|(_, steps)| *steps > 0) {
            let feed = Feed::of_data("train", data, Pick::Shuffled(batches));
            let loaded = self.load(Task::Train(feed.clone(), clock))?;
            self.write_data(&feed, data)?;
            work.push((loaded, steps));
        }
        Ok(Session { full: work[0].0.clone(), work, batches: full.0, clock })
    }

    fn epoch(&mut self, session: &Session, stride: &mut Stride, epoch: usize, epochs: usize) -> Result<Score, Error> {
        let steps = session.batches.steps();
        if session.clock == Clock::Own {
            let first = (self.steps as usize).div_ceil(steps) * steps;
            let position = HostTensor::U32(Shape::default(), vec![first as u32]);
            self.backend.write_state(POSITION, &Arc::new(position))?;
        }
        self.run_epoch(session, stride, Progress { epoch, epochs, step: 0, steps })?;
        let log = self.backend.read_state(&log_name("train", steps))?;
        let log = Log::new(&log, session.full.has_accuracy);
        if let Some(broken) = log.first_broken() {
            return Err(self.stop(broken as u64, Some(epoch)));
        }
        self.steps += steps as u64;
        let counts = session.work.iter().flat_map(|(loaded, steps)| vec![loaded.count(); *steps as usize]);
        Ok(log.score(counts))
    }

    /// Without reports all steps are run at once, so that there are as few submissions as can be.
    fn run_epoch(&mut self, session: &Session, stride: &mut Stride, mut progress: Progress) -> Result<(), Error> {
        let Some(report) = &mut self.progress else {
            let work: Vec<_> = session.work.iter().map(|(loaded, steps)| (loaded.program, *steps)).collect();
            return self.backend.run(&work);
        };
        stride.pause();
        report(progress);
        for (loaded, steps) in &session.work {
            let mut left = *steps;
            while left > 0 {
                let run = stride.next(left, Instant::now());
                self.backend.run(&[(loaded.program, run)])?;
                left -= run;
                progress.step += run as usize;
                report(progress);
            }
        }
        Ok(())
    }
}
