//! Two synthetic classes, 20 features of which four say something, and a network 20-10-1. The curves are in
//! `target/pictures/two_classes.png`.
//!
//! Five epochs only begin to learn: the test accuracy is 69.5 %. After 50 it
//! is 90 %. It takes a second on two cores with software Vulkan.

use anyhow::Result;
use wgrad::data::{Classification, classification};
use wgrad::prelude::*;
use wgrad_plot::{Panel, curves};

fn main() -> Result<()> {
    let table = classification(&Classification::default(), 42)?;
    let (train, test) = Dataset::from(table).with_binary_targets()?.split(0.2, 42)?;

    let model = Sequential::new().add(Linear::new(20, 10)).add(ReLU).add(Linear::new(10, 1)).add(Sigmoid);
    let mut trainer = Trainer::new(&Device::auto()?, model, BCELoss, Adam::new(0.001), Options::default())?;
    let history = trainer.fit(&train, 50, Some(&test), |epoch| {
        if [5, 50].contains(&epoch.epoch) {
            println!("{epoch}");
        }
        Control::Continue
    })?;

    let accuracies = history.validation_accuracies();
    println!("of the test data, {:.1} % are right after 5 epochs, {:.1} % after 50", accuracies[4].1, accuracies[49].1);
    let panel = Panel::new("Accuracy (%)").series("training", history.accuracies()).series("test", accuracies);
    curves("target/pictures/two_classes.png", "Two classes", "Epoch", &[panel.marked(5.0, "5 epochs")])?;
    Ok(())
}
