//! Random inputs with random labels, which a network 64-128-10 can only remember; and what happens where gradients are
//! accumulated instead of cleared. The curves are in `target/pictures/random_data.png`.
//!
//! In ten epochs the loss falls from 2.33 to 1.12, with accumulated gradients only to 1.74. It takes a second on two
//! cores with software Vulkan.

use anyhow::Result;
use wgrad::History;
use wgrad::data::random_labels;
use wgrad::optimizers::{At, Optimizer, Update};
use wgrad::prelude::*;
use wgrad_plot::{Panel, curves};

/// Adam on the sum of all gradients so far: PyTorch without `optimizer.zero_grad()`.
#[derive(Debug)]
struct WithoutClearing(Adam);

impl Optimizer for WithoutClearing {
    fn check(&self) -> Result<(), Error> {
        self.0.check()
    }

    fn learning_rate(&self) -> f64 {
        self.0.learning_rate()
    }

    fn numbers(&self, at: At) -> Vec<f32> {
        self.0.numbers(at)
    }

    fn update(&self, update: &Update) -> Result<Var, Error> {
        let mut update = update.clone();
        let sum = update.state("sum");
        update.gradient = &sum + &update.gradient;
        sum.set(&update.gradient);
        self.0.update(&update)
    }
}

fn train(name: &str, optimizer: impl Optimizer + 'static) -> Result<History, Error> {
    let data = Dataset::from(random_labels(32, 64, 10, 0)?);
    let model = Sequential::new().add(Linear::new(64, 128)).add(ReLU).add(Linear::new(128, 10));
    let options = Options { batch_size: 32, ..Options::default() };
    let mut trainer = Trainer::new(&Device::auto()?, model, CrossEntropyLoss, optimizer, options)?;
    println!("{name}");
    trainer.fit(&data, 10, None, |epoch| {
        println!("  epoch {}: loss {:.4}", epoch.epoch, epoch.loss);
        Control::Continue
    })
}

fn main() -> Result<()> {
    let cleared = train("gradients cleared", Adam::new(0.01))?;
    let accumulated = train("gradients accumulated", WithoutClearing(Adam::new(0.01)))?;
    let panel = Panel::new("Cross-entropy (nats)").series("gradients cleared", cleared.losses());
    let panel = panel.series("gradients accumulated", accumulated.losses());
    curves("target/pictures/random_data.png", "Random data", "Epoch", &[panel])?;
    Ok(())
}
