//! Training in the frames of an application.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use wgrad_executor::{ExecutorError, Landing, TensorBuffer, wgpu};

use crate::checkpoint::Checkpoint;
use crate::dataset::Dataset;
use crate::engine::predictor::{PredictOptions, Predictor, Prepared};
use crate::error::Error;
use crate::history::Score;
use crate::schedules::Schedule;
use crate::tensor::Tensor;
use crate::trainer::{Left, Recorded, Session, States, Trainer};

/// A model that learns in the frames of an application. Made by [`Engine::training`](crate::Engine::training).
///
/// Steps are recorded into the application's encoder, and take the data in a random order, epoch after epoch. The
/// application submits what it has recorded, in that order.
#[derive(Debug)]
pub struct Training {
    trainer: Trainer,
    session: Session,
    pending: Vec<Pending>,
    /// Whether recorded steps were never submitted, so that the device's clock has to be set.
    is_behind: bool,
    predictors: u32,
    /// What its tickets know it by.
    identity: Arc<()>,
}

/// Names steps that were recorded, and holds what has landed of them. It takes no memory on the device.
#[derive(Clone, Debug)]
pub struct Ticket {
    steps: u32,
    outcome: Arc<OnceLock<Outcome>>,
    training: Arc<()>,
}

/// Names a checkpoint that was recorded.
#[derive(Debug)]
pub struct CheckpointTicket {
    landing: Landing,
    /// The states that land.
    landing_states: Vec<String>,
    /// The checkpoint without its tensors.
    empty: Checkpoint,
    /// All states, as far as the host knew them.
    states: States,
}

#[derive(Clone, Debug)]
enum Outcome {
    Left(Left),
    Failed(ExecutorError),
    /// The training went on from a checkpoint before they landed.
    TakenBack,
}

/// Steps that have not landed yet.
#[derive(Debug)]
struct Pending {
    landing: Landing,
    recorded: Recorded,
    outcome: Arc<OnceLock<Outcome>>,
}

impl Ticket {
    /// How many steps were recorded.
    pub fn steps(&self) -> u32 {
        self.steps
    }
}

impl Training {
    pub(super) async fn open(mut trainer: Trainer, data: &Dataset) -> Result<Self, Error> {
        let session = trainer.lend(data).await?;
        Ok(Self { trainer, session, pending: Vec::new(), is_behind: false, predictors: 0, identity: Arc::default() })
    }

    /// Records steps, at least one, into an application's encoder. It does not submit, poll or wait, and sets no callback on
    /// the device.
    ///
    /// # Errors
    /// Where there are no steps; where the loss of an earlier step was NaN or infinite, since when no step has changed
    /// anything; where the device has no room. Nothing is recorded then.
    pub fn record_steps(&mut self, encoder: &mut wgpu::CommandEncoder, steps: u32) -> Result<Ticket, Error> {
        if steps == 0 {
            return Err(Error::mismatch("recorded steps", "1 at least", steps));
        }
        self.land();
        let (parts, recorded) = self.trainer.next_parts(&self.session, steps, self.is_behind)?;
        let tensors = self.trainer.left_by(&self.session, &recorded)?;
        let landing = self.trainer.gpu()?.record(encoder, &parts, &tensors);
        // What was counted but not recorded is made good by the next clock that is written.
        self.is_behind = landing.is_err();
        let outcome = Arc::default();
        self.pending.push(Pending { landing: landing?, recorded, outcome: Arc::clone(&outcome) });
        Ok(Ticket { steps, outcome, training: self.identity() })
    }

    /// As [`Training::record_steps`], for as many steps, at least one, as take no longer than a budget on the device: what
    /// a frame has left for training.
    ///
    /// It learns from the steps that have landed: from their time on the device where that has timestamps. Otherwise only
    /// their landing tells, which an application that polls once a frame sees once a frame: there it tries more and more
    /// steps until a frame lands late, which happens at the start, and then now and then.
    ///
    /// # Errors
    /// As there.
    pub fn record_within(&mut self, encoder: &mut wgpu::CommandEncoder, budget: Duration) -> Result<Ticket, Error> {
        self.land();
        let program = self.session.full_step();
        let steps = self.trainer.gpu()?.loaded(program).steps_within(budget);
        self.record_steps(encoder, steps)
    }

    /// The mean loss over the steps of a ticket, of the last epoch if they are more than one; none as long as they have not
    /// landed. It does not wait.
    ///
    /// # Errors
    /// Where the loss was NaN or infinite: since that step nothing has changed, and nothing will, unless
    /// [`Training::resume`] goes back. Where steps that were recorded up to these were never submitted: training goes on behind
    /// them. Where the device is lost, or the ticket is one of another training.
    pub fn try_loss(&mut self, ticket: &Ticket) -> Result<Option<f32>, Error> {
        Ok(self.try_score(ticket)?.map(|score| score.loss))
    }

    /// As [`Training::try_loss`], with the accuracy, where the loss has one.
    ///
    /// # Errors
    /// As there.
    pub fn try_score(&mut self, ticket: &Ticket) -> Result<Option<Score>, Error> {
        self.check_own("ticket", &ticket.training)?;
        self.land();
        match ticket.outcome.get() {
            None => Ok(None),
            Some(Outcome::Left(Left::Score(score))) => Ok(Some(*score)),
            Some(Outcome::Left(Left::NotFinite(step))) => Err(Error::NotFinite { step: *step, epoch: None }),
            Some(Outcome::Left(Left::Missing)) => {
                let what = "steps that were recorded before".to_owned();
                Err(ExecutorError::NotSubmitted { what }.into())
            }
            Some(Outcome::Failed(error)) => Err(error.clone().into()),
            Some(Outcome::TakenBack) => {
                Err(Error::mismatch("ticket", "one of steps behind the last checkpoint", "one of steps before it"))
            }
        }
    }

    /// What others know this training by.
    pub(super) fn identity(&self) -> Arc<()> {
        Arc::clone(&self.identity)
    }

    /// Checks that something is of this training.
    pub(super) fn check_own(&self, what: &str, identity: &Arc<()>) -> Result<(), Error> {
        match Arc::ptr_eq(identity, &self.identity) {
            true => Ok(()),
            false => Err(Error::mismatch(what, "one of this training", "one of another")),
        }
    }

    /// Takes in what has landed.
    fn land(&mut self) {
        let Self { trainer, session, pending, is_behind, .. } = self;
        pending.retain(|Pending { landing, recorded, outcome }| {
            let found = match landing.landed() {
                Ok(None) => return true,
                Ok(Some(landed)) => {
                    let left = trainer.take_in(session, recorded, &landed);
                    if let (Left::Score(_), Ok(gpu)) = (left, trainer.gpu()) {
                        gpu.loaded(session.full_step()).observe(recorded.steps, landed.took);
                    }
                    Outcome::Left(left)
                }
                Err(error) => Outcome::Failed(error),
            };
            *is_behind |= matches!(found, Outcome::Left(Left::Missing) | Outcome::Failed(ExecutorError::NotSubmitted { .. }));
            // Only here is it ever set.
            outcome.get_or_init(|| found);
            false
        });
    }

    /// How many steps were recorded so far.
    pub fn steps(&self) -> u64 {
        self.trainer.steps()
    }

    /// How many passes over the data were recorded so far.
    pub fn epochs(&self) -> u64 {
        self.trainer.epochs()
    }

    /// The learning rate of the next step that is recorded.
    pub fn learning_rate(&self) -> f64 {
        self.trainer.learning_rate()
    }

    /// Gives all optimizers this learning rate from the next step on that is recorded. No plan changes.
    ///
    /// # Errors
    /// Where it is negative, NaN or infinite.
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<(), Error> {
        self.trainer.set_learning_rate(learning_rate)
    }

    /// As [`Training::set_learning_rate`], for one group of parameters alone: see [`Trainer::set_group_learning_rate`].
    ///
    /// # Errors
    /// As there.
    pub fn set_group_learning_rate(&mut self, group: usize, learning_rate: f64) -> Result<(), Error> {
        self.trainer.set_group_learning_rate(group, learning_rate)
    }

    /// Gives one group of parameters this weight decay from the next step on that is recorded: see
    /// [`Trainer::set_group_weight_decay`].
    ///
    /// # Errors
    /// As there.
    pub fn set_group_weight_decay(&mut self, group: usize, weight_decay: f64) -> Result<(), Error> {
        self.trainer.set_group_weight_decay(group, weight_decay)
    }

    /// Gives one group of parameters this momentum from the next step on that is recorded: see [`Trainer::set_group_momentum`].
    ///
    /// # Errors
    /// As there.
    pub fn set_group_momentum(&mut self, group: usize, momentum: f64) -> Result<(), Error> {
        self.trainer.set_group_momentum(group, momentum)
    }

    /// Clips gradients at another norm from the next step on that is recorded: see [`Trainer::set_clip_norm`].
    ///
    /// # Errors
    /// As there.
    pub fn set_clip_norm(&mut self, clip_norm: f32) -> Result<(), Error> {
        self.trainer.set_clip_norm(clip_norm)
    }

    /// Has the learning rate follow a schedule from the next step on that is recorded. No plan changes.
    ///
    /// # Errors
    /// Where a number of the schedule is out of its range; where it moves the momentum of SGD that was made without.
    pub fn set_schedule(&mut self, schedule: impl Schedule + 'static) -> Result<(), Error> {
        self.trainer.set_schedule(schedule)
    }

    /// The memory of a parameter or buffer, by its name in PyTorch's `state_dict`.
    ///
    /// # Errors
    /// Where the model has none of that name: the error lists those that it has.
    pub fn parameter(&mut self, name: &str) -> Result<TensorBuffer, Error> {
        self.trainer.parameter_buffer(name)
    }

    /// The names of all parameters and buffers.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.trainer.parameter_names()
    }

    /// Overwrites parameters and buffers by name, for all commands that are submitted from now on. All others stay.
    ///
    /// # Errors
    /// Where names are unknown or shapes differ: the error lists all of them, and nothing was changed; on errors of the device.
    pub fn write_parameters(&mut self, named: &[(String, Tensor)]) -> Result<(), Error> {
        self.trainer.write_parameters(named)
    }

    /// The memory of the inputs that it learns from, `[n, ...]` as they are stored: an application may overwrite them on
    /// the device, between steps.
    ///
    /// # Errors
    /// Where the model does not read them.
    pub fn inputs(&mut self) -> Result<TensorBuffer, Error> {
        let (inputs, _) = self.session.data_names();
        self.trainer.gpu()?.buffer(&inputs)
    }

    /// The memory of the targets that it learns, `[n, ...]`, likewise.
    ///
    /// # Errors
    /// Where there are none, as those of an autoencoder, whose targets are its inputs.
    pub fn targets(&mut self) -> Result<TensorBuffer, Error> {
        match self.session.data_names() {
            (_, Some(targets)) => self.trainer.gpu()?.buffer(&targets),
            (inputs, None) => Err(Error::mismatch("targets", "a tensor of their own", inputs)),
        }
    }

    /// The model's outputs with the parameters as they are at each moment, for [`Predictor::record_predict`].
    /// See [`Engine::training`](crate::Engine::training) for where to await it.
    ///
    /// # Errors
    /// On errors of the device.
    pub async fn predictor(&mut self, options: PredictOptions) -> Result<Predictor, Error> {
        self.predictors += 1;
        let name = format!("predictor {}", self.predictors);
        let prepared = Prepared::new(self.trainer.built()?, name, options)?;
        Predictor::load(self.trainer.gpu()?, prepared).await
    }

    /// Records a copy of all that the training is, behind all steps that were recorded so far, for
    /// [`Training::try_checkpoint`].
    ///
    /// # Errors
    /// As [`Training::record_steps`].
    pub fn record_checkpoint(&mut self, encoder: &mut wgpu::CommandEncoder) -> Result<CheckpointTicket, Error> {
        self.land();
        let empty = self.trainer.empty_checkpoint()?;
        let (states, landing_states) = (self.trainer.host_states()?, self.trainer.device_states());
        let clock = self.is_behind.then(|| self.trainer.clock_part());
        let gpu = self.trainer.gpu()?;
        let buffers = landing_states.iter().map(|name| gpu.buffer(name)).collect::<Result<Vec<_>, _>>()?;
        let landing = gpu.record(encoder, clock.as_slice(), &buffers)?;
        self.is_behind = false;
        Ok(CheckpointTicket { landing, landing_states, empty, states })
    }

    /// The checkpoint of a ticket; none as long as it has not landed. It does not wait.
    ///
    /// # Errors
    /// Where its encoder was dropped, or the device is lost; where the loss was no longer finite.
    pub fn try_checkpoint(&mut self, ticket: &CheckpointTicket) -> Result<Option<Checkpoint>, Error> {
        let Some(landed) = ticket.landing.landed()? else { return Ok(None) };
        let mut states = ticket.states.clone();
        states.extend(ticket.landing_states.iter().cloned().zip(landed.tensors.into_iter().map(Arc::new)));
        self.trainer.filled_checkpoint(ticket.empty.clone(), states).map(Some)
    }

    /// Goes on from a checkpoint of the same model, optimizers, loss and options, be it of another device: see
    /// [`Trainer::resume`]. Later steps have the bits that they had behind it, on the same kind of device. Steps that were recorded
    /// but not submitted must be dropped.
    ///
    /// # Errors
    /// As there.
    pub fn resume(&mut self, checkpoint: &Checkpoint) -> Result<(), Error> {
        // What lands later is of steps that are taken back, and must not stop those that follow.
        self.land();
        self.trainer.resume(checkpoint)?;
        for pending in self.pending.drain(..) {
            pending.outcome.get_or_init(|| Outcome::TakenBack);
        }
        self.is_behind = false;
        Ok(())
    }

    /// The trainer, for all that may wait for the device: evaluation, files, gradients. It submits to the queue and polls the
    /// device. What takes steps and takes them back, as a search for a learning rate or an estimate does, wants all steps that
    /// were recorded to be submitted before.
    pub fn trainer(&mut self) -> &mut Trainer {
        &mut self.trainer
    }
}
