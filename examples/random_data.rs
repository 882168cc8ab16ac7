//! Random inputs with random labels, which a network 64-128-10 can only remember; and what happens where gradients are
//! accumulated instead of cleared. The curves are in `target/pictures/random_data.png`.
//!
//! In ten epochs the loss falls from 2.33 to 1.12, with accumulated gradients only to 1.74. It takes a second on two
//! cores with software Vulkan.

use wgrad::data::random_labels;
use wgrad::optimizers::{Update, chain};
use wgrad::prelude::*;
use wgrad_plot::{Panel, curves};

/// The sum of all gradients so far: PyTorch without `optimizer.zero_grad()`.
fn accumulate(update: &Update) -> Result<Var, Error> {
    let sum = update.state("sum");
    let next = &sum + &update.gradient;
    sum.set(&next);
    Ok(next)
}

fn train(name: &str, optimizer: impl Optimizer + 'static) -> Result<Vec<(f64, f64)>, Error> {
    let data = Dataset::from(random_labels(32, 64, 10, 0)?);
    let model = Sequential::new().add(Linear::new(64, 128)).add(ReLU).add(Linear::new(128, 10));
    let options = Options { batch_size: 32, ..Options::default() };
    let mut trainer = Trainer::new(&Device::auto()?, model, CrossEntropyLoss, optimizer, options)?;
    println!("{name}");
    let history = trainer.fit(&data, 10, None, |epoch| {
        println!("  epoch {}: loss {:.4}", epoch.epoch, epoch.loss);
        Control::Continue
    })?;
    Ok(history.losses())
}

fn main() -> anyhow::Result<()> {
    let cleared = train("gradients cleared", Adam::new(0.01))?;
    let accumulated = train("gradients accumulated", chain(accumulate, Adam::new(0.01)))?;
    println!("loss after ten epochs: {:.4}, with gradients that are not cleared {:.4}", cleared[9].1, accumulated[9].1);
    let panel = Panel::new("Cross-entropy (nats)").series("gradients cleared", cleared);
    Ok(curves("target/pictures/random_data.png", "Random data", "Epoch", &[panel.series("gradients accumulated", accumulated)])?)
}
