//! How long a training will take.

use std::time::Duration;

use web_time::Instant;

use crate::dataset::Dataset;
use crate::error::Error;
use crate::graphs::CLOCK;
use crate::trainer::Trainer;
use crate::trainer::fit::Session;

/// The steps that are timed, at most.
const STEPS: u64 = 16;

impl Trainer {
    /// About how long [`Trainer::fit`] will take on this device for so many epochs of `data`, without validation: a few
    /// steps are taken, timed, and taken back, so that training goes on with the same bits as if there had been no estimate.
    ///
    /// # Errors
    /// As [`Trainer::fit`], but for a loss that is not finite.
    pub fn estimate(&mut self, data: &Dataset, epochs: usize) -> Result<Duration, Error> {
        let session = self.session(data)?;
        let snapshot = self.snapshot()?;
        let timed = self.time(&session);
        self.restore(&snapshot)?;
        let seconds = timed?.as_secs_f64() * epochs as f64 * session.steps() as f64;
        Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    }

    /// The time of a step, once the first has compiled whatever the device compiles late.
    fn time(&mut self, session: &Session) -> Result<Duration, Error> {
        let first = self.begin_epoch(session)?;
        let steps = STEPS.min(session.steps() - first).min(self.known_steps()?);
        let mut took = self.timed(session, first, 1)?;
        if steps > 1 {
            took = self.timed(session, first + 1, steps - 1)?.div_f64((steps - 1) as f64);
        }
        Ok(took)
    }

    fn timed(&mut self, session: &Session, first: u64, steps: u64) -> Result<Duration, Error> {
        let began = Instant::now();
        self.run_steps(session, first, steps)?;
        self.backend.read_state(CLOCK)?;
        Ok(began.elapsed())
    }
}
