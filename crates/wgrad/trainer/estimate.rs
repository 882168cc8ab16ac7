//! How long a training will take.

use std::time::Duration;

use web_time::Instant;

use crate::dataset::Dataset;
use crate::error::Error;
use crate::graphs::log_name;
use crate::trainer::Trainer;
use crate::trainer::fit::Session;

/// The steps that are timed, at most.
const STEPS: u64 = 16;
/// The time after which no further epoch is.
const ENOUGH: Duration = Duration::from_millis(500);

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

    /// The time of a step and its share of what ends an epoch, once the device has compiled whatever it compiles late.
    fn time(&mut self, session: &Session) -> Result<Duration, Error> {
        // Short epochs may soon have a smaller last batch, of kernels of its own.
        self.timed(session, if session.steps() <= STEPS { session.steps() } else { 1 })?;
        self.timed(session, STEPS)
    }

    /// The time of one of so many steps, or of those that take long enough, of as many epochs as they are. It waits for them as
    /// `fit` does at the end of each.
    fn timed(&mut self, session: &Session, steps: u64) -> Result<Duration, Error> {
        let (began, mut taken) = (Instant::now(), 0);
        while taken < steps && (taken == 0 || began.elapsed() < ENOUGH) {
            let first = self.begin_epoch(session)?;
            let most = (steps - taken).min(session.steps() - first).min(self.known_steps()?);
            self.run_steps(session, first, most)?;
            self.backend.read_state(&log_name("train", session.steps() as usize))?;
            taken += most;
        }
        Ok(began.elapsed().div_f64(taken as f64))
    }
}
