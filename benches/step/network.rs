//! The step that is timed, which is the trainer's own.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context, Result};
use wgrad::core::graph::Kind;
use wgrad::core::{Graph, HostTensor, Source, Value};
use wgrad::optimizers::{Optimizer, Update};
use wgrad::prelude::*;

/// The examples in a step.
pub const BATCH: usize = 64;
/// The steps of an epoch.
pub const EPOCH: u32 = 938;
/// What the matrix products of a step take: each layer's output, weight gradient and, but for the first layer, input
/// gradient.
pub const FLOP: usize = 2 * BATCH * (2 * 784 * 256 + 3 * 256 * 128 + 3 * 128 * 10);

/// A step's graph, and what it reads.
#[derive(Debug)]
pub struct Network {
    /// The step of a whole batch.
    pub graph: Graph,
    /// The graph's inputs by name.
    pub inputs: Vec<(String, Arc<HostTensor>)>,
    digits: Dataset,
}

impl Network {
    /// The step for the digits in `folder`.
    pub fn new(folder: &Path) -> Result<Self> {
        let (digits, _) = wgrad::data::digits(folder)?;
        let seen = Seen::default();
        let witness = Witness { adam: Adam::new(0.001), seen: seen.clone() };
        let schedule = witness.schedule()?;
        trainer(&Device::cpu(), witness)?.prepare(&digits, None)?;
        let graph = seen.take().context("the trainer has not built a step")?;
        let inputs = inputs(&graph, [digits.inputs().tensor(), digits.targets(), &schedule]);
        Ok(Self { graph, inputs, digits })
    }

    /// The WGSL of a step's dispatches as the trainer runs them.
    pub fn shaders(&self, device: &Device) -> Result<Vec<String>> {
        let mut trainer = trainer(device, Adam::new(0.001))?;
        trainer.prepare(&self.digits, None)?;
        let prefix = format!("train_{BATCH}_");
        let shaders = trainer.shaders().into_iter().filter(|(name, _)| name.starts_with(&prefix));
        Ok(shaders.map(|(_, source)| source).collect())
    }
}

fn trainer(device: &Device, optimizer: impl Optimizer + 'static) -> Result<Trainer> {
    let hidden = |inputs, outputs| Sequential::new().add(Linear::new(inputs, outputs)).add(Relu).add(Dropout::new(0.2));
    let model = Sequential::new().add(hidden(784, 256)).add(hidden(256, 128)).add(Linear::new(128, 10));
    let options = Options { batch_size: BATCH, seed: 1, ..Options::default() };
    Ok(Trainer::new(device, model, CrossEntropyLoss, optimizer, options)?)
}

/// The graph's inputs, each with the one of these tensors that has its type.
fn inputs(graph: &Graph, tensors: [&Tensor; 3]) -> Vec<(String, Arc<HostTensor>)> {
    let nodes = graph.nodes().iter().filter(|node| matches!(node.kind, Kind::Source(Source::Input { .. })));
    let pairs = nodes.filter_map(|node| {
        let tensor = tensors.iter().find(|tensor| tensor.kind() == node.outputs[0])?;
        Some((node.name().to_owned(), tensor.host().clone()))
    });
    pairs.collect()
}

type Seen = Rc<RefCell<Option<Graph>>>;

/// Adam, which keeps the first graph that it is added to: that of a whole batch. The trainer itself shows no graph.
#[derive(Debug)]
struct Witness {
    adam: Adam,
    seen: Seen,
}

impl Optimizer for Witness {
    fn check(&self) -> Result<(), Error> {
        self.adam.check()
    }

    fn schedule(&self) -> Result<Tensor, Error> {
        self.adam.schedule()
    }

    fn update(&self, update: &mut Update) -> Result<Value, Error> {
        let next = self.adam.update(update)?;
        let mut seen = self.seen.borrow_mut();
        if seen.is_none() {
            *seen = Some(finished(update, next)?);
        }
        Ok(next)
    }
}

/// A copy of the graph with what the trainer does after the update: the parameters' next value, and the clock.
fn finished(update: &Update, next: Value) -> Result<Graph, Error> {
    let mut graph = update.graph.clone();
    graph.set_next(update.parameters, next)?;
    let state = |name| graph.nodes().iter().find(|node| node.name() == name).map(|node| node.output(0));
    if let (Some(step), Some(stop)) = (state("step"), state("stop")) {
        let [next_step, next_stop] = wgrad::ops::tick(&mut graph, step, stop, update.scale)?;
        graph.set_next(step, next_step)?;
        graph.set_next(stop, next_stop)?;
    }
    Ok(graph)
}
