//! The step that is timed, which is the trainer's own.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use wgrad::core::graph::Kind;
use wgrad::core::{Graph, HostTensor, Source, TensorType};
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
        let mut trainer = trainer(&Device::cpu())?;
        trainer.prepare(&digits, None)?;
        let name = format!("train {BATCH}");
        let (_, graph) = trainer.graphs().find(|(known, _)| *known == name).context("the trainer has not built a step")?;
        let inputs = inputs(graph, [digits.inputs().tensor(), digits.targets()])?;
        Ok(Self { graph: graph.clone(), inputs, digits })
    }

    /// The WGSL of a step's dispatches as the trainer runs them.
    pub fn shaders(&self, device: &Device) -> Result<Vec<String>> {
        let mut trainer = trainer(device)?;
        trainer.prepare(&self.digits, None)?;
        let prefix = format!("train_{BATCH}_");
        let shaders = trainer.shaders().into_iter().filter(|(name, _)| name.starts_with(&prefix));
        Ok(shaders.map(|(_, source)| source).collect())
    }
}

fn trainer(device: &Device) -> Result<Trainer> {
    let hidden = |inputs, outputs| Sequential::new().add(Linear::new(inputs, outputs)).add(ReLU).add(Dropout::new(0.2));
    let model = Sequential::new().add(hidden(784, 256)).add(hidden(256, 128)).add(Linear::new(128, 10));
    let options = Options { batch_size: BATCH, seed: 1, ..Options::default() };
    Ok(Trainer::new(device, model, CrossEntropyLoss, Adam::new(0.001), options)?)
}

/// The graph's inputs, each with the one of these tensors that has its type; the numbers of updates are those of the first.
fn inputs(graph: &Graph, tensors: [&Tensor; 2]) -> Result<Vec<(String, Arc<HostTensor>)>> {
    let nodes = graph.nodes().iter().filter(|node| matches!(node.kind, Kind::Source(Source::Input { .. })));
    let pairs = nodes.map(|node| {
        let kind = &node.outputs[0];
        let tensor = tensors.iter().find(|tensor| tensor.kind() == *kind).map(|tensor| tensor.host().clone());
        Ok((node.name().to_owned(), tensor.map_or_else(|| first_updates(kind), Ok)?))
    });
    pairs.collect()
}

/// Adam's numbers of its first update, for all updates: learning rate, beta1, bias corrections and weight decay.
fn first_updates(kind: &TensorType) -> Result<Arc<HostTensor>> {
    let numbers = [0.001, 0.9, 10.0, 1000.0, 0.0];
    ensure!(kind.shape.rank() == 2 && kind.shape.columns() == numbers.len(), "wanted the numbers of updates, got {kind}");
    let table = numbers.into_iter().cycle().take(kind.shape.elements()).collect();
    Ok(Arc::new(HostTensor::F32(kind.shape.clone(), table)))
}
