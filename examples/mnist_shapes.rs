//! Networks of other shapes on the digits of MNIST, in one table and one picture.
//!
//! After ten epochs the test accuracies are 98.26, 98.01, 97.65, 98.06 and 97.99 %. All five take 8 minutes on llvmpipe.

use wgrad::prelude::*;
use wgrad_plot::{Panel, curves};

/// Hidden layers by size, with dropout after those that have a rate.
fn network(hidden: &[usize], dropout: &[f32]) -> Sequential {
    let (mut model, mut inputs) = (Sequential::new(), 784);
    for (layer, &outputs) in hidden.iter().enumerate() {
        model = model.add(Linear::new(inputs, outputs)).add(ReLU);
        if let Some(&rate) = dropout.get(layer) {
            model = model.add(Dropout::new(rate));
        }
        inputs = outputs;
    }
    model.add(Linear::new(inputs, 10))
}

fn main() -> anyhow::Result<()> {
    let (mut train, test) = wgrad::data::digits("data/mnist")?;
    let mut epochs = 10;
    if wgrad_cli::is_short() {
        (train, epochs) = (train.take(4000)?, 2);
    }
    let device = Device::auto()?;
    println!("{epochs} epochs of {} digits on {device}", train.len());

    let (mut trainers, mut estimate) = (Vec::new(), 0.0);
    for (name, hidden, dropout) in [
        ("784-512-256-10", &[512, 256][..], &[0.2, 0.2][..]),
        ("784-128-128-10", &[128, 128], &[0.2, 0.2]),
        ("784-256-64-10", &[256, 64], &[]),
        ("784-256-256-10", &[256, 256], &[]),
        ("784-256-128-64-10", &[256, 128, 64], &[0.3, 0.3]),
    ] {
        let model = network(hidden, dropout);
        let parameters = model.summary(&[784])?.parameters;
        let mut trainer = Trainer::new(&device, model, CrossEntropyLoss, Adam::new(0.001), Options::default())?;
        estimate += trainer.estimate(&train, epochs)?.as_secs_f64();
        trainers.push((name, parameters, trainer));
    }
    println!("this will take about {estimate:.0} s");

    let (mut panel, mut accuracies) = (Panel::new("Accuracy on test digits (%)"), Vec::new());
    let mut table = format!("{:<20} {:>10} {:>13} {:>9}", "network", "parameters", "test accuracy", "time");
    for (name, parameters, mut trainer) in trainers {
        let history = trainer.fit(&train, epochs, Some(&test), |_| Control::Continue)?;
        let points = history.validation_accuracies();
        let seconds: f64 = history.epochs.iter().map(|epoch| epoch.seconds).sum();
        table += &format!("\n{name:<20} {parameters:>10} {:>11.2} % {seconds:>7.0} s", points[epochs - 1].1);
        accuracies.push(format!("{:.2} %", points[epochs - 1].1));
        panel = panel.series(name, points);
    }
    println!("{table}\ntest accuracies: {}", accuracies.join(", "));
    curves("target/pictures/mnist_shapes.png", "Shapes of networks", "Epoch", &[panel])?;
    Ok(())
}
