//! The graphs of a network: what a step of training, of evaluation and of prediction computes.

mod evaluation;
mod feed;
mod prediction;
mod training;

use std::sync::Arc;

use wgrad_core::{DType, Graph, HostTensor, Shape, TensorType, Value};

use crate::error::Error;
use crate::layers::Layer;
use crate::losses::{Loss, Losses};
use crate::optimizers::Optimizer;
use crate::parameters::Parameters;
use crate::tensor::Tensor;
use crate::trace::{Context, Mode, Trace};

pub(crate) use evaluation::{EVALUATION_STEP, evaluation};
pub(crate) use feed::{Batches, Feed, Pick};
pub(crate) use prediction::prediction;
pub(crate) use training::{Clock, POSITION, SCHEDULE, gradients, training};

/// The state that holds all parameters.
pub(crate) const PARAMETERS: &str = "parameters";

/// A model with all that its training needs.
#[derive(Debug)]
pub(crate) struct Network {
    pub model: Box<dyn Layer>,
    pub loss: Box<dyn Loss>,
    pub optimizer: Box<dyn Optimizer>,
    /// The optimizer's table of numbers for each step.
    pub schedule: Tensor,
    pub seed: u32,
}

/// A network whose parameters are known, and their values before the first step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Built<'a> {
    pub network: &'a Network,
    pub parameters: &'a Parameters,
    pub initial: &'a Arc<HostTensor>,
}

impl Built<'_> {
    /// Adds the model to a graph. Beside its output, returns the packed parameters and what the trace knows of them.
    fn forward(&self, graph: &mut Graph, mode: Mode, inputs: Value) -> Result<(Value, Value, Context), Error> {
        let state = graph.state(PARAMETERS, self.initial.clone())?;
        let mut context = Context::reading(mode, self.network.seed, state, self.parameters);
        let output = self.network.model.forward(&mut Trace::new(graph, &mut context), inputs)?;
        Ok((output, state, context))
    }

    fn losses(&self, graph: &mut Graph, output: Value, targets: Value) -> Result<Losses, Error> {
        graph.scoped("loss", |graph| self.network.loss.forward(graph, output, targets))
    }
}

/// The log of so many steps: a state whose rows are mean loss and accuracy of each.
pub(crate) fn log_name(purpose: &str, steps: usize) -> String {
    format!("{purpose}.log of {steps}")
}

fn log(graph: &mut Graph, purpose: &str, steps: usize) -> Result<Value, Error> {
    Ok(graph.state(log_name(purpose, steps), HostTensor::zeros(&TensorType::f32([steps, 2])))?)
}

/// What is recorded as hits: zeros where the loss knows of none.
fn hits_or_zero(graph: &mut Graph, losses: Losses) -> Value {
    losses.hits.unwrap_or_else(|| graph.scalar(0.0))
}

fn counter() -> HostTensor {
    HostTensor::zeros(&TensorType::new(DType::U32, Shape::default()))
}
