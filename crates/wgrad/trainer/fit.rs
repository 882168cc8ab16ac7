//! Training for whole epochs, in which the device picks the batches.

use std::mem;
use std::sync::Arc;

use web_time::Instant;

use crate::backend::{self, Program};
use crate::callbacks::{self, Callback};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::graphs::{Batches, CLOCK, Feed, Phase, Pick, log_name};
use crate::history::{Epoch, History, Score};
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

impl Control {
    /// Goes on where both do.
    pub(crate) fn and(self, other: Self) -> Self {
        if self == Self::Continue { other } else { self }
    }
}

/// An epoch's steps, ready to be run: full ones, and a smaller last one where they do not come out even.
#[derive(Debug)]
pub(crate) struct Session {
    data: Dataset,
    batches: Batches,
    /// Of full batches and of the last one: how many steps there are, and how they are taken.
    kinds: Vec<(u64, Steps)>,
}

/// How steps of one batch size are taken.
#[derive(Debug)]
struct Steps {
    update: Loaded,
    /// None where every step is an update.
    gather: Option<Loaded>,
}

impl Session {
    /// The steps of an epoch.
    pub fn steps(&self) -> u64 {
        self.batches.steps() as u64
    }

    /// What takes a full step with an update.
    pub fn full_step(&self) -> Program {
        self.kinds[0].1.update.program
    }

    /// The inputs of the graphs that hold the data: examples, and targets where they have their own.
    pub fn data_names(&self) -> (String, Option<String>) {
        let feed = self.kinds[0].1.update.task.feed();
        (feed.inputs_name(), feed.targets_name())
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
    pub(super) fn counts(&self) -> impl Iterator<Item = usize> {
        self.kinds.iter().flat_map(|(steps, kind)| vec![kind.update.count(); *steps as usize])
    }

    pub(super) fn has_accuracy(&self) -> bool {
        self.kinds[0].1.update.has_accuracy
    }
}

/// A training while it runs.
struct Run<'a> {
    session: Session,
    validation: Option<&'a Dataset>,
    callback: &'a mut dyn Callback,
    epochs: usize,
    stride: Stride,
}

impl Trainer {
    /// Trains for so many epochs on all of `data`, in a random order. After each epoch the model is evaluated on
    /// `validation`, if any, and `after_epoch` may stop the training.
    ///
    /// The device runs an epoch by itself: the host reads nothing back before its end.
    ///
    /// # Errors
    /// Where the data do not fit the model or the loss; where the loss becomes NaN or infinite, with the step and the epoch; on
    /// errors of the device.
    pub fn fit(
        &mut self,
        data: &Dataset,
        epochs: usize,
        validation: Option<&Dataset>,
        after_epoch: impl FnMut(&Epoch) -> Control,
    ) -> Result<History, Error> {
        self.fit_with(data, epochs, validation, after_epoch)
    }

    /// As [`Trainer::fit`], with any [`Callback`]: one that stops early, one that saves, one of one's own, or several.
    ///
    /// An epoch that was interrupted, by a callback or after a checkpoint, is ended first, and counts as one.
    ///
    /// # Errors
    /// As `fit`; and those of the callback.
    pub fn fit_with(
        &mut self,
        data: &Dataset,
        epochs: usize,
        validation: Option<&Dataset>,
        mut callback: impl Callback,
    ) -> Result<History, Error> {
        let session = self.session(data)?;
        if let Some(validation) = validation {
            self.prepare_evaluation(validation)?;
        }
        let run = Run { session, validation, callback: &mut callback, epochs, stride: Stride::new() };
        let were_in_use = mem::replace(&mut self.has_plans_in_use, true);
        let history = self.epochs_of(run);
        self.has_plans_in_use = were_in_use;
        match history {
            Ok(_) => callback.after_training(self)?,
            Err(Error::NotFinite { .. }) => callback.after_divergence(self)?,
            Err(_) => {}
        }
        history
    }

    fn epochs_of(&mut self, mut run: Run) -> Result<History, Error> {
        let mut history = History::default();
        for epoch in 1..=run.epochs {
            let (epoch, control) = self.epoch(&mut run, epoch)?;
            history.epochs.extend(epoch);
            if control == Control::Stop {
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

    /// Makes the steps of an epoch on these data ready.
    pub(super) fn session(&mut self, data: &Dataset) -> Result<Session, Error> {
        backend::at_once(self.open(data))
    }

    /// As [`Trainer::session`], where the device may take its time.
    async fn open(&mut self, data: &Dataset) -> Result<Session, Error> {
        self.check_running()?;
        self.accept(data)?;
        if let Some(gpu) = self.backend.as_gpu() {
            // Initial values have just been made.
            gpu.device().pause().await;
        }
        let [full, rest] = Batches::of(data.len(), self.options.batch_size.min(data.len()));
        let mut kinds = Vec::new();
        for (batches, steps) in [full, rest].into_iter().filter(|(_, steps)| *steps > 0) {
            let feed = Feed::of_data(self.place("train", data), data, Pick::Shuffled(batches));
            let update = self.loaded(Task::Train(feed.clone(), self.numbers.update_phase())).await?;
            let gather = match self.options.accumulation {
                1 => None,
                _ => Some(self.loaded(Task::Train(feed.clone(), Phase::Gather)).await?),
            };
            self.write_data(&feed, data)?;
            kinds.push((steps.into(), Steps { update, gather }));
        }
        Ok(Session { data: data.clone(), batches: full.0, kinds })
    }

    /// As [`Trainer::open`], for somebody who keeps the session.
    pub(crate) async fn lend(&mut self, data: &Dataset) -> Result<Session, Error> {
        self.has_plans_in_use = true;
        self.keep("train", data);
        self.open(data).await
    }

    /// Begins a new epoch, unless one of as many examples was interrupted, as after a checkpoint. Returns the first step.
    pub(super) fn begin_epoch(&mut self, session: &Session) -> Result<u64, Error> {
        if self.enter(session) {
            self.backend.write_state(CLOCK, &Arc::new(self.clock().to_host()))?;
        }
        Ok(self.counts.position % session.steps())
    }

    /// Goes to the beginning of an epoch, where the one before was of another number of examples, and to that of the first one,
    /// where the clock's 32 bits would end within the next. Says whether it did, so that the caller has to write the clock.
    pub(super) fn enter(&mut self, session: &Session) -> bool {
        let (steps, examples) = (session.steps(), session.data.len() as u64);
        let is_other = (self.counts.epoch_steps, self.counts.epoch_examples) != (steps, examples);
        if is_other {
            (self.counts.epoch_steps, self.counts.epoch_examples) = (steps, examples);
            self.counts.position = self.counts.position.next_multiple_of(steps);
        }
        let position = self.counts.position;
        let is_last = position.is_multiple_of(steps) && position + steps > 1 << 32;
        if is_last {
            self.counts.position = 0;
        }
        is_other || is_last
    }

    /// An epoch with its validation, and what the callback decides. Where it stops within the epoch, there is no result.
    fn epoch(&mut self, run: &mut Run, number: usize) -> Result<(Option<Epoch>, Control), Error> {
        let (began, before) = (Instant::now(), self.counts.steps);
        let Some(Score { loss, accuracy }) = self.train_epoch(run, number)? else { return Ok((None, Control::Stop)) };
        let us_per_step = began.elapsed().as_secs_f64() * 1e6 / (self.counts.steps - before) as f64;
        let inside = callbacks::call_if_due(run.callback, self)?;
        let validation = run.validation.map(|validation| self.evaluate(validation)).transpose()?;
        if validation.is_some_and(|validation| !validation.loss.is_finite()) {
            // The last update broke the model, which no later step's loss can show any more.
            return Err(self.stop_at(self.counts.steps, Some(number)));
        }
        let seconds = began.elapsed().as_secs_f64();
        let epoch = Epoch { epoch: number, loss, accuracy, validation, seconds, us_per_step };
        let after = run.callback.after_epoch(self, &epoch)?;
        Ok((Some(epoch), inside.and(after)))
    }

    /// The steps of an epoch. None where the callback stops the training within it.
    fn train_epoch(&mut self, run: &mut Run, number: usize) -> Result<Option<Score>, Error> {
        let (first, before) = (self.begin_epoch(&run.session)?, self.counts.steps);
        let steps = run.session.batches.steps();
        let control = self.run_epoch(run, Progress { epoch: number, epochs: run.epochs, step: first as usize, steps })?;
        let log = Log::new(&*self.backend.read_state(&log_name("train", steps))?, run.session.has_accuracy());
        if let Some(broken) = log.first_broken() {
            let good = (broken as u64).saturating_sub(first);
            self.counts.back_to(before + good, self.options.accumulation);
            return Err(self.stop_at(self.counts.steps + 1, Some(number)));
        }
        if control == Control::Stop {
            return Ok(None);
        }
        self.end_epoch();
        Ok(Some(log.score(run.session.counts())))
    }

    /// Without reports and callbacks as many steps as can be are run at once, so that there are few submissions. Says whether the
    /// callback stops the training within the epoch.
    fn run_epoch(&mut self, run: &mut Run, mut progress: Progress) -> Result<Control, Error> {
        run.stride.pause();
        self.report(progress);
        while progress.step < progress.steps {
            let left = (progress.steps - progress.step) as u64;
            let most = left.min(self.known_steps()?).min(self.until_callback(run.callback));
            let steps = if self.progress.is_some() { run.stride.next(most as u32, Instant::now()).into() } else { most };
            self.run_steps(&run.session, progress.step as u64, steps)?;
            progress.step += steps as usize;
            self.report(progress);
            let is_inside = progress.step < progress.steps;
            if is_inside && self.call_inside(run.callback)? == Control::Stop {
                return Ok(Control::Stop);
            }
        }
        Ok(Control::Continue)
    }

    /// Calls a callback within an epoch, of which no other step may be the next then.
    fn call_inside(&mut self, callback: &mut dyn Callback) -> Result<Control, Error> {
        let before = self.counts;
        let control = callbacks::call_if_due(callback, self)?;
        let [wanted, got] = [before, self.counts].map(|counts| (counts.steps, counts.position));
        if control == Control::Continue && wanted != got {
            let wanted = format!("no other step than {} to be the next, unless it stops the training", wanted.0 + 1);
            return Err(Error::mismatch("callback within an epoch", wanted, format!("step {}", got.0 + 1)));
        }
        Ok(control)
    }

    /// Has the device take steps of an epoch, of which it must know the numbers.
    pub(super) fn run_steps(&mut self, session: &Session, first: u64, steps: u64) -> Result<(), Error> {
        let work = self.work(session, first, steps);
        // A callback may have looked at other data in their place.
        self.write_data(session.kinds[0].1.update.task.feed(), &session.data)?;
        self.backend.run(&work)?;
        self.count(steps);
        self.counts.position += steps;
        Ok(())
    }

    /// Makes sure that the device knows the next numbers. Returns for how many steps at least.
    pub(super) fn known_steps(&mut self) -> Result<u64, Error> {
        self.write_numbers()?;
        Ok(self.steps_with_numbers())
    }

    /// The steps to the next one after which the callback is called.
    fn until_callback(&self, callback: &dyn Callback) -> u64 {
        match callback.every_steps() {
            0 => u64::MAX,
            every => every - self.counts.steps % every,
        }
    }

    /// Whether the last step was the last of an epoch.
    pub(crate) fn is_between_epochs(&self) -> bool {
        self.counts.position.is_multiple_of(self.counts.epoch_steps)
    }

    /// So many steps of an epoch from one on, of which equal ones stand together.
    pub(super) fn work(&self, session: &Session, first: u64, steps: u64) -> Vec<(Program, u32)> {
        let mut work: Vec<(Program, u32)> = Vec::new();
        for step in 0..steps {
            let program = session.program(first + step, self.phase(self.counts.steps + step));
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
