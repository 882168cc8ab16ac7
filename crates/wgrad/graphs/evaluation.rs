//! A step of evaluation: forward, and the log of losses and hits.

use wgrad_shaders::Advance;

use crate::error::Error;
use crate::graphs::clock::{EVALUATION_CLOCK, Hands};
use crate::graphs::{Built, Feed, Logged, Objective, finish, log, record};

/// The graph of a step of evaluation. A loss that is not finite is logged like any other.
pub(crate) fn evaluation(built: Built, objective: &Objective, feed: &Feed) -> Result<Logged, Error> {
    let trace = built.trace();
    let clock = Hands::of(&trace, EVALUATION_CLOCK);
    let (inputs, targets) = feed.examples(&trace, &clock.position)?;
    let targets = targets.ok_or_else(|| Error::mismatch("evaluation data", "targets", "inputs alone"))?;
    let losses = objective.losses(&built.forward(&inputs)?, &targets)?;
    record(&log(&trace, "evaluation", feed.steps()), &clock.position, &clock.stop, &losses);
    clock.tick(&trace.scalar(1.0), Advance { step: true, position: true, update: false });
    Ok((finish(&trace)?, losses.hits.is_some()))
}
