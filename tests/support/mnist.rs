//! The step of training that the MNIST program runs.

use anyhow::{Context, Result};
use wgrad::core::Graph;
use wgrad::prelude::*;

/// The graph of a step on `count` of the 60,000 digits: 64, or 32 at the end of an epoch.
pub fn training_step(count: usize) -> Result<Graph> {
    const DIGITS: usize = 60_000;
    let images = Tensor::u8([DIGITS, 784], vec![0; DIGITS * 784])?;
    let digits = Dataset::new(images, Tensor::u8([DIGITS], vec![0; DIGITS])?)?.normalized(0.1307, 0.3081)?;
    let hidden = |inputs, outputs| Sequential::new().add(Linear::new(inputs, outputs)).add(ReLU).add(Dropout::new(0.2));
    let model = Sequential::new().add(hidden(784, 256)).add(hidden(256, 128)).add(Linear::new(128, 10));
    let mut trainer = Trainer::new(&Device::cpu(), model, CrossEntropyLoss, Adam::new(0.001), Options::default())?;
    trainer.prepare(&digits, None)?;
    let name = format!("train {count}");
    let (_, graph) = trainer.graphs().find(|(known, _)| *known == name).with_context(|| format!("no graph {name}"))?;
    Ok(graph.clone())
}
