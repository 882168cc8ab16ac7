//! Training for whole epochs, in which the device picks the batches.

use std::time::Instant;

use crate::backend::Program;
use crate::dataset::Dataset;
use crate::error::Error;
use crate::graphs::{Batches, Feed, Phase, Pick, log_name};
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
    batches: Batches,
    /// Of full batches and of the last one: how many steps there are, and how they are taken.
    kinds: Vec<(u64, Steps)>,
}

/// How steps of one batch size are taken.
struct Steps {
    update: Loaded,
    /// None where every step is an update.
    gather: Option<Loaded>,
}

impl Session {
    /// The steps of an epoch.
    fn steps(&self) -> u64 {
        self.batches.steps() as u64
    }

    /// How a step of the epoch, from 0, is taken.
    fn program(&self, step: u64, phase: Phase) -> Program {
        let (_, kind) = if step < self.kinds[0].0 { &self.kinds[0] } else { &self.kinds[self.kinds.len() - 1] };
        match (&kind.gather, phase) {
            (Some(gather), Phase::Gather) => gather.program,
            _ => kind.update.program,
        }
    }

    /// How many examples each step takes.
    fn counts(&self) -> impl Iterator<Item = usize> {
        self.kinds.iter().flat_map(|(steps, kind)| vec![kind.update.count(); *steps as usize])
    }

    fn has_accuracy(&self) -> bool {
        self.kinds[0].1.update.has_accuracy
    }
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
        let mut kinds = Vec::new();
        for (batches, steps) in [full, rest].into_iter().filter(|(_, steps)| *steps > 0) {
            let feed = Feed::of_data("train", data, Pick::Shuffled(batches));
            let update = self.load(Task::Train(feed.clone(), Phase::Update))?;
            let gathers = self.options.accumulation > 1;
            let gather = gathers.then(|| self.load(Task::Train(feed.clone(), Phase::Gather))).transpose()?;
            self.write_data(&feed, data)?;
            kinds.push((steps.into(), Steps { update, gather }));
        }
        Ok(Session { batches: full.0, kinds })
    }

    /// Begins a new epoch, unless one of as many steps was interrupted, as after a checkpoint. Returns the first step.
    fn begin_epoch(&mut self, session: &Session) -> Result<u64, Error> {
        let steps = session.steps();
        if self.epoch_steps as u64 != steps {
            self.epoch_steps = steps as usize;
            self.position = self.position.next_multiple_of(steps);
            self.write_clock()?;
        }
        Ok(self.position % steps)
    }

    fn epoch(&mut self, session: &Session, stride: &mut Stride, epoch: usize, epochs: usize) -> Result<Score, Error> {
        let (first, before) = (self.begin_epoch(session)?, self.steps);
        let steps = session.batches.steps();
        self.run_epoch(session, stride, Progress { epoch, epochs, step: first as usize, steps })?;
        let log = self.backend.read_state(&log_name("train", steps))?;
        let log = Log::new(&log, session.has_accuracy());
        if let Some(broken) = log.first_broken() {
            let taken = (broken as u64).saturating_sub(first);
            self.steps = before;
            self.count(taken);
            self.position -= steps as u64 - first - taken;
            return Err(self.stop_at(self.steps + 1, Some(epoch)));
        }
        self.end_epoch();
        Ok(log.score(session.counts()))
    }

    /// Without reports as many steps as can be are run at once, so that there are few submissions.
    fn run_epoch(&mut self, session: &Session, stride: &mut Stride, mut progress: Progress) -> Result<(), Error> {
        stride.pause();
        self.report(progress);
        while progress.step < progress.steps {
            let left = (progress.steps - progress.step) as u64;
            let known = self.write_rates()? * u64::from(self.options.accumulation);
            let most = left.min(known);
            let run = if self.progress.is_some() { stride.next(most as u32, Instant::now()).into() } else { most };
            let work = self.work(session, progress.step as u64, run);
            self.backend.run(&work)?;
            self.count(run);
            self.position += run;
            progress.step += run as usize;
            self.report(progress);
        }
        Ok(())
    }

    /// So many steps of an epoch from one on, of which equal ones stand together.
    fn work(&self, session: &Session, first: u64, steps: u64) -> Vec<(Program, u32)> {
        let mut work: Vec<(Program, u32)> = Vec::new();
        for step in 0..steps {
            let program = session.program(first + step, self.phase(self.steps + step));
            match work.last_mut() {
                Some((last, count)) if *last == program => *count += 1,
                _ => work.push((program, 1)),
            }
        }
        work
    }

    fn report(&mut self, progress: Progress) {
        if let Some(report) = &mut self.progress {
            report(progress);
        }
    }
}
