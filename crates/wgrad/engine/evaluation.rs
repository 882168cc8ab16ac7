//! Evaluation in the frames of an application.

use std::sync::Arc;
use std::time::Duration;

use wgrad_executor::{Landing, wgpu};

use crate::backend::{Part, Program};
use crate::dataset::Dataset;
use crate::engine::training::Training;
use crate::error::Error;
use crate::graphs::{Clock, EVALUATION_CLOCK};
use crate::history::Score;
use crate::trainer::Pass;

/// How good a model is on some data, computed in the frames of an application. Made by [`Training::evaluation`].
#[derive(Debug)]
pub struct Evaluation {
    training: Arc<()>,
    pass: Pass,
    /// The number of the pass that is under way.
    number: u64,
    /// The steps of the pass that were recorded.
    recorded: u32,
    /// What the frames of the pass leave, which have not landed yet.
    pending: Vec<(Program, u32, Landing)>,
}

impl Training {
    /// Makes all that an evaluation on these data needs. See [`Engine::training`](crate::Engine::training) for where to
    /// await it.
    ///
    /// # Errors
    /// As [`Trainer::evaluate`](crate::Trainer::evaluate).
    pub async fn evaluation(&mut self, data: &Dataset) -> Result<Evaluation, Error> {
        let pass = self.trainer().lend_evaluation(data).await?;
        Ok(Evaluation { training: self.identity(), pass, number: 0, recorded: 0, pending: Vec::new() })
    }

    /// Records the next steps of an evaluation, at least one and as many as take no longer than a budget on the device, and
    /// says whether those were the last. Each takes the parameters as they are then: an application that wants the score of
    /// one moment records no training until the last. It does not submit, poll or wait. There is one pass over data at a time;
    /// after the last step nothing is recorded until [`Training::try_evaluation`] has given the score.
    ///
    /// # Errors
    /// Where the evaluation is of another training, or another pass has begun since this one did, by another evaluation or
    /// by the trainer: then the next call begins this one anew. Where the device has no room.
    pub fn record_evaluation(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        evaluation: &mut Evaluation,
        budget: Duration,
    ) -> Result<bool, Error> {
        self.land_evaluation(evaluation)?;
        let Some((program, left)) = evaluation.next() else { return Ok(true) };
        let is_first = evaluation.recorded == 0;
        if is_first {
            evaluation.number = self.trainer().begin_pass();
        } else if !self.trainer().is_under_way(evaluation.number) {
            evaluation.restart();
            return Err(Error::mismatch("evaluation", "one pass over data at a time", "another that has begun since"));
        }
        let gpu = self.trainer().gpu()?;
        let steps = gpu.loaded(program).steps_within(budget).min(left);
        let start = is_first.then(|| Part::Write(EVALUATION_CLOCK, Arc::new(Clock::default().to_host())));
        let parts: Vec<Part> = start.into_iter().chain([Part::Steps(program, steps)]).collect();
        let is_last = evaluation.recorded + steps == evaluation.pass.steps();
        let log = is_last.then(|| gpu.buffer(&evaluation.pass.log())).transpose()?;
        let landing = gpu.record(encoder, &parts, log.as_slice())?;
        evaluation.pending.push((program, steps, landing));
        evaluation.recorded += steps;
        Ok(is_last)
    }

    /// The score of a pass over the data; none as long as its last step has not been recorded and landed. It does not wait.
    /// The next steps that are recorded begin the next pass.
    ///
    /// # Errors
    /// Where steps that were recorded were never submitted, after which the next pass begins anew; where the evaluation is of
    /// another training, or the device is lost.
    pub fn try_evaluation(&mut self, evaluation: &mut Evaluation) -> Result<Option<Score>, Error> {
        let score = self.land_evaluation(evaluation)?;
        if score.is_some() {
            evaluation.restart();
        }
        Ok(score)
    }

    /// Takes in what has landed: the score where that is all.
    fn land_evaluation(&mut self, evaluation: &mut Evaluation) -> Result<Option<Score>, Error> {
        self.check_own("evaluation", &evaluation.training)?;
        while let Some((program, steps, landing)) = evaluation.pending.first() {
            let landed = match landing.landed() {
                Ok(Some(landed)) => landed,
                Ok(None) => break,
                Err(error) => {
                    evaluation.restart();
                    return Err(error.into());
                }
            };
            self.trainer().gpu()?.loaded(*program).observe(*steps, landed.took);
            if let [log] = &*landed.tensors {
                // The last, which stays until the score is taken.
                return Ok(Some(evaluation.pass.score(log)));
            }
            evaluation.pending.remove(0);
        }
        Ok(None)
    }
}

impl Evaluation {
    /// Lets the next pass begin.
    fn restart(&mut self) {
        self.pending.clear();
        self.recorded = 0;
    }

    /// The program of the next step, and how many steps of it are left.
    fn next(&self) -> Option<(Program, u32)> {
        let mut before = 0;
        for (program, steps) in self.pass.programs() {
            if self.recorded < before + steps {
                return Some((program, before + steps - self.recorded));
            }
            before += steps;
        }
        None
    }
}
