//! A step of training: forward, backward and update, with the clock that counts it and the log that it is kept in.

use wgrad_core::autodiff::differentiate;
use wgrad_core::{Graph, HostTensor, TensorType, Value};
use wgrad_shaders::{accumulate, lookup, mul, pack, record, sum, tick};

use crate::error::Error;
use crate::graphs::{Built, Feed, counter, hits_or_zero, log};
use crate::losses::Losses;
use crate::optimizers::Update;
use crate::trace::{Context, Mode};

/// The input that the optimizer's table is written to.
pub(crate) const SCHEDULE: &str = "schedule";
/// The state that counts the steps of an epoch where [`Clock::Own`] does.
pub(crate) const POSITION: &str = "position";
/// The state that counts the steps since the trainer was made.
const STEP: &str = "step";
/// The state that is 1 once a loss was not finite.
const STOP: &str = "stop";

/// What counts the steps of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// The count of all steps: epochs begin at its multiples.
    Shared,
    /// A count of its own, since other steps have been taken between epochs. It costs another dispatch.
    Own,
}

/// What every graph that goes backward has in common.
struct Backward {
    step: Value,
    stop: Value,
    position: Value,
    output: Value,
    losses: Losses,
    mean: Value,
    parameters: Value,
    gradient: Value,
}

/// The graph of a step that updates the parameters, and whether it logs an accuracy.
///
/// Its states are the parameters, the optimizer's, the clock and the log, named by [`log_name`](super::log_name).
pub(crate) fn training(built: Built, feed: &Feed, clock: Clock) -> Result<(Graph, bool), Error> {
    let mut graph = Graph::new();
    let backward = backward(&mut graph, built, feed, clock)?;
    let Backward { step, stop, position, .. } = backward;
    let log = log(&mut graph, "train", feed.steps())?;
    let hits = hits_or_zero(&mut graph, backward.losses);
    let recorded = graph.scoped("log", |graph| record(graph, log, position, stop, backward.losses.losses, hits))?;
    graph.set_next(log, recorded.log)?;
    graph.scoped("update", |graph| update(graph, built, &backward, recorded.scale))?;
    graph.scoped("clock", |graph| -> Result<(), Error> {
        let [next_step, next_stop] = tick(graph, step, stop, recorded.scale)?;
        graph.set_next(step, next_step)?;
        graph.set_next(stop, next_stop)?;
        if position != step {
            let [next_position, _] = tick(graph, position, stop, recorded.scale)?;
            graph.set_next(position, next_position)?;
        }
        Ok(())
    })?;
    Ok((graph, backward.losses.hits.is_some()))
}

/// The graph of a step that changes nothing, but gives `output`, `loss` and the packed `gradient`.
pub(crate) fn gradients(built: Built, feed: &Feed) -> Result<Graph, Error> {
    let mut graph = Graph::new();
    let backward = backward(&mut graph, built, feed, Clock::Shared)?;
    graph.set_output("output", backward.output);
    graph.set_output("loss", backward.mean);
    graph.set_output("gradient", backward.gradient);
    Ok(graph)
}

fn backward(graph: &mut Graph, built: Built, feed: &Feed, clock: Clock) -> Result<Backward, Error> {
    let step = graph.state(STEP, counter())?;
    let stop = graph.state(STOP, counter())?;
    let position = match clock {
        Clock::Shared => step,
        Clock::Own => graph.state(POSITION, counter())?,
    };
    let (inputs, targets) = graph.scoped("data", |graph| feed.examples(graph, position, built.network.seed))?;
    let targets = targets.ok_or_else(|| Error::mismatch("training data", "targets", "inputs alone"))?;
    let (output, parameters, context) = built.forward(graph, Mode::Training { step }, inputs)?;
    let losses = built.losses(graph, output, targets)?;
    let mean = mean(graph, losses.losses)?;
    let gradient = packed_gradient(graph, built, &context, mean)?;
    Ok(Backward { step, stop, position, output, losses, mean, parameters, gradient })
}

fn mean(graph: &mut Graph, values: Value) -> Result<Value, Error> {
    let share = graph.scalar((1.0 / graph.kind(values).shape.elements() as f64) as f32);
    let sum = sum(graph, values)?;
    Ok(mul(graph, sum, share)?)
}

/// The gradient of the loss with respect to all parameters, laid out as they are: zeros for those it does not depend on.
fn packed_gradient(graph: &mut Graph, built: Built, context: &Context, loss: Value) -> Result<Value, Error> {
    let names = built.parameters.places().map(|(parameter, _)| (parameter, context.parameter(&parameter.name)));
    let (parameters, values): (Vec<_>, Vec<_>) = names.unzip();
    let used: Vec<Value> = values.iter().copied().flatten().collect();
    let upstream = graph.scalar(1.0);
    let mut found = differentiate(graph, loss, upstream, &used, accumulate)?.into_iter();
    let mut gradients = Vec::new();
    for (parameter, value) in parameters.into_iter().zip(values) {
        gradients.push(match value.and_then(|_| found.next()).flatten() {
            Some(gradient) => gradient,
            None => graph.constant(HostTensor::zeros(&TensorType::f32(parameter.shape.clone())))?,
        });
    }
    Ok(pack(graph, &gradients)?)
}

fn update(graph: &mut Graph, built: Built, backward: &Backward, scale: Value) -> Result<(), Error> {
    let table = graph.input(SCHEDULE, built.network.schedule.kind());
    let scheduled = lookup(graph, table, backward.step)?;
    let Backward { parameters, gradient, .. } = *backward;
    let next = built.network.optimizer.update(&mut Update { graph, parameters, gradient, scale, scheduled })?;
    Ok(graph.set_next(parameters, next)?)
}
