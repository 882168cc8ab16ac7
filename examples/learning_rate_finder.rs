//! Tries learning rates out for a network on the digits of MNIST, and trains with the one that is suggested, by the
//! one-cycle schedule. The curve is in `target/pictures/learning_rate_finder.png`.
//!
//! It finds 4.0e-3, with which the test accuracy is 97.98 % after three epochs. They take 11 seconds on llvmpipe.

use std::iter::zip;

use anyhow::Context;
use wgrad::LearningRateFinder;
use wgrad::prelude::*;
use wgrad::schedules::OneCycleLR;
use wgrad_plot::learning_rates;

fn main() -> anyhow::Result<()> {
    let (mut train, test) = wgrad::data::digits("data/mnist")?;
    let mut epochs = 3;
    if wgrad_cli::is_short() {
        (train, epochs) = (train.take(8000)?, 1);
    }
    let device = Device::auto()?;
    println!("{epochs} epochs of {} digits on {device}", train.len());

    let model = Sequential::new().add(Linear::new(784, 128)).add(ReLU).add(Linear::new(128, 10));
    let mut trainer = Trainer::new(&device, model, CrossEntropyLoss, Adam::new(0.001), Options::default())?;
    let curve = trainer.find_learning_rate(&train, LearningRateFinder::default())?;
    let suggestion = curve.suggestion.context("the loss never falls")?;
    println!("suggested learning rate: {suggestion:.1e}");
    let points = zip(curve.learning_rates, curve.smoothed);
    let (title, loss) = ("Loss by learning rate, smoothed", "Cross-entropy (nats)");
    learning_rates("target/pictures/learning_rate_finder.png", title, loss, points, suggestion)?;

    let steps = (epochs * train.len().div_ceil(64)) as u64;
    trainer.set_schedule(OneCycleLR::new(suggestion, steps))?;
    trainer.fit(&train, epochs, Some(&test), Epoch::print)?;
    println!("test: {}; learning rate {suggestion:.1e}", trainer.evaluate(&test)?);
    Ok(())
}
