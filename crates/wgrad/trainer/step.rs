//! Single steps, for an explicit loop.

use crate::dataset::Dataset;
use crate::error::Error;
use crate::graphs::{Feed, Phase, Pick, gradient_name, log_name};
use crate::tensor::Tensor;
use crate::trainer::Trainer;
use crate::trainer::log::Log;
use crate::trainer::tasks::Task;

/// What backpropagation gives for a batch.
#[derive(Clone, Debug)]
pub struct Gradients {
    /// The model's outputs, in training mode.
    pub output: Tensor,
    /// The mean loss.
    pub loss: f32,
    /// The norm of all gradients together, which [`Options::clip_norm`](crate::Options::clip_norm) is compared with.
    pub norm: f32,
    /// The gradient of the mean loss with respect to each parameter, by name.
    pub gradients: Vec<(String, Tensor)>,
}

impl Trainer {
    /// Takes one step on all examples of `batch`, and returns their mean loss before it.
    ///
    /// It waits for the device: [`Trainer::fit`] is faster.
    ///
    /// # Errors
    /// Where the batch does not fit the model or the loss; where the loss is NaN or infinite, so that nothing was changed
    /// and nothing will be; on errors of the device.
    pub fn step(&mut self, batch: &Dataset) -> Result<f32, Error> {
        self.check_running()?;
        self.accept(batch)?;
        let feed = Feed::of_data("batch", batch, Pick::All);
        let phase = self.phase(self.counts.steps);
        let loaded = self.load_task(Task::Train(feed.clone(), phase))?;
        self.write_data(&feed, batch)?;
        if phase != Phase::Gather {
            self.write_numbers()?;
        }
        self.backend.run(&[(loaded.program, 1)])?;
        let log = self.backend.read_state(&log_name("train", 1))?;
        let log = Log::new(&log, loaded.has_accuracy);
        if log.first_broken().is_some() {
            return Err(self.stop_at(self.counts.steps + 1, None));
        }
        self.count(1);
        Ok(log.score([batch.len()].into_iter()).loss)
    }

    /// The outputs, mean loss and gradients of a batch in training mode, with the dropout that the next step would have.
    /// Nothing changes.
    ///
    /// # Errors
    /// Where the batch does not fit the model or the loss; on errors of the device.
    pub fn gradients(&mut self, batch: &Dataset) -> Result<Gradients, Error> {
        self.accept(batch)?;
        let feed = Feed::of_data("batch", batch, Pick::All);
        let loaded = self.load_task(Task::Gradients(feed.clone()))?;
        self.write_data(&feed, batch)?;
        self.backend.run(&[(loaded.program, 1)])?;
        let mut output = |name| Ok::<_, Error>(Tensor::from_host(self.backend.read_output(loaded.program, name)?));
        let (output, loss, norm) = (output("output")?, output("loss")?, output("norm")?);
        let mut gradients = Vec::new();
        for (index, arena) in
            self.model()?.parameters.clone().arenas.iter().enumerate().filter(|(_, arena)| arena.optimizer.is_some())
        {
            gradients.extend(arena.unpack(&*self.backend.read_output(loaded.program, &gradient_name(index))?));
        }
        let [loss, norm] = [loss, norm].map(|scalar| scalar.to_vec().first().copied().unwrap_or(f32::NAN));
        Ok(Gradients { output, loss, norm, gradients })
    }

    /// Fails where the loss was not finite before.
    pub(super) fn check_running(&self) -> Result<(), Error> {
        match self.counts.stopped {
            Some((step, epoch)) => Err(Error::NotFinite { step, epoch }),
            None => Ok(()),
        }
    }

    /// What a step does with its gradients, by the steps before it.
    pub(super) fn phase(&self, step: u64) -> Phase {
        let is_last = (step + 1).is_multiple_of(self.options.accumulation.into());
        if is_last { self.numbers.update_phase() } else { Phase::Gather }
    }

    /// Counts steps that were taken.
    pub(super) fn count(&mut self, steps: u64) {
        self.counts.advance(steps, self.options.accumulation);
    }

    /// Notes that training has ended because of a step, counted from 1, and says so.
    pub(super) fn stop_at(&mut self, step: u64, epoch: Option<usize>) -> Error {
        self.counts.stopped = Some((step, epoch));
        Error::NotFinite { step, epoch }
    }
}
