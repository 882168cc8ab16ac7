//! The graphs of a network: what a step of training, of evaluation and of prediction computes.

mod clock;
mod evaluation;
mod feed;
mod prediction;
mod scaling;
mod training;

use std::sync::Arc;

use wgrad_core::{Graph, HostTensor, TensorType};

use crate::error::Error;
use crate::layers::Layer;
use crate::losses::{Loss, Losses};
use crate::optimizers::Optimizers;
use crate::parameters::Parameters;
use crate::precision::Precision;
use crate::tensor::Tensor;
use crate::trace::{Registry, Trace};
use crate::var::Var;

pub(crate) use clock::{CLOCK, Clock, EVALUATION_CLOCK};
pub(crate) use evaluation::evaluation;
pub(crate) use feed::{Batches, Feed, Pick};
pub(crate) use prediction::{OUTPUT, prediction};
pub(crate) use scaling::LOSS_SCALE;
pub(crate) use training::{NUMBERS, Phase, gradient_name, gradients, optimizer_states, training};

/// The updates that the table of numbers has a row for.
pub(crate) const ROWS: usize = 1024;

/// What a model is trained for, and how.
#[derive(Debug)]
pub(crate) struct Objective {
    pub loss: Box<dyn Loss>,
    pub optimizers: Optimizers,
    /// The largest norm of all gradients together; none where they are not clipped.
    pub clip_norm: Option<f32>,
    /// How many steps' gradients are summed up for each update.
    pub accumulation: u32,
}

/// A model whose parameters are known, and the vectors that hold them before the first step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Built<'a> {
    pub model: &'a dyn Layer,
    /// What dropout and the order of examples depend on.
    pub seed: u32,
    /// How precise its matrix products are.
    pub precision: Precision,
    pub parameters: &'a Parameters,
    pub initial: &'a [Arc<HostTensor>],
}

/// A graph, and whether it logs an accuracy.
pub(crate) type Logged = (Graph, bool);

impl Built<'_> {
    /// A trace that has the states of all parameters and buffers.
    fn trace(&self) -> Trace {
        let trace = Trace::new(self.seed, Registry::new(self.parameters.origin()));
        trace.set_products(self.precision.products());
        for (arena, initial) in self.parameters.arenas.iter().zip(self.initial) {
            trace.state(&arena.state, Tensor::from_host(initial.clone()));
        }
        trace
    }

    fn forward(&self, inputs: &Var) -> Result<Var, Error> {
        inputs.trace().model(self.model, inputs)
    }
}

impl Objective {
    /// The table of the numbers that change from update to update: in each row those of the optimizers, and then the largest
    /// norm, where gradients are clipped.
    pub fn table_kind(&self) -> TensorType {
        TensorType::f32([ROWS, self.optimizers.width() + usize::from(self.clip_norm.is_some())])
    }

    fn losses(&self, output: &Var, targets: &Var) -> Result<Losses, Error> {
        let losses = output.trace().scoped("loss", || self.loss.forward(output, targets));
        output.trace().checked(losses)
    }
}

/// The log of so many steps: a state whose rows are mean loss and accuracy of each.
pub(crate) fn log_name(purpose: &str, steps: usize) -> String {
    format!("{purpose}.log of {steps}")
}

fn log(trace: &Trace, purpose: &str, steps: usize) -> Var {
    let zeros = HostTensor::zeros(&TensorType::f32([steps, 2]));
    trace.state(&log_name(purpose, steps), Tensor::from_host(zeros.into()))
}

/// Writes losses and hits to row `step` of a log. Returns 1 where the step counts, else 0: where its loss is not finite,
/// or `stop` is set.
fn record(log: &Var, step: &Var, stop: &Var, losses: &Losses) -> Var {
    let trace = log.trace();
    let hits = losses.hits.clone().unwrap_or_else(|| trace.scalar(0.0));
    let inputs = [log, step, stop, &losses.losses, &hits].map(|var| trace.own(var));
    let [Some(row), Some(step), Some(stop), Some(losses), Some(hits)] = inputs else { return trace.scalar(0.0) };
    let recorded = trace.scoped("log", || trace.graph(|graph| Ok(wgrad_shaders::record(graph, row, step, stop, losses, hits)?)));
    match recorded {
        Ok(recorded) => {
            log.set(&trace.var(recorded.log));
            trace.var(recorded.scale)
        }
        Err(error) => {
            trace.fail(error);
            trace.scalar(0.0)
        }
    }
}

/// The finished graph, or what went wrong while it was built.
fn finish(trace: &Trace) -> Result<Graph, Error> {
    let graph = trace.as_graph().clone();
    trace.checked(Ok(graph))
}
