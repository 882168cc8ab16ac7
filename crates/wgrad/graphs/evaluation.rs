//! A step of evaluation: forward, and the log of losses and hits.

use wgrad_core::Graph;
use wgrad_shaders::{record, tick};

use crate::error::Error;
use crate::graphs::{Built, Feed, counter, hits_or_zero, log};
use crate::trace::Mode;

/// The state that counts the steps of an evaluation.
pub(crate) const EVALUATION_STEP: &str = "evaluation.step";

/// The graph of a step of evaluation, and whether it logs an accuracy. A loss that is not finite is logged like any
/// other.
pub(crate) fn evaluation(built: Built, feed: &Feed) -> Result<(Graph, bool), Error> {
    let mut graph = Graph::new();
    let step = graph.state(EVALUATION_STEP, counter())?;
    let (inputs, targets) = graph.scoped("data", |graph| feed.examples(graph, step, built.network.seed))?;
    let targets = targets.ok_or_else(|| Error::mismatch("evaluation data", "targets", "inputs alone"))?;
    let (output, ..) = built.forward(&mut graph, Mode::Evaluation, inputs)?;
    let losses = built.losses(&mut graph, output, targets)?;
    let log = log(&mut graph, "evaluation", feed.steps())?;
    let hits = hits_or_zero(&mut graph, losses);
    let (go_on, always) = (graph.constant(counter())?, graph.scalar(1.0));
    let recorded = graph.scoped("log", |graph| record(graph, log, step, go_on, losses.losses, hits))?;
    graph.set_next(log, recorded.log)?;
    let [next, _] = graph.scoped("clock", |graph| tick(graph, step, go_on, always))?;
    graph.set_next(step, next)?;
    Ok((graph, losses.hits.is_some()))
}
