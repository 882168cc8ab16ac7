//! Trains a network on the handwritten digits of MNIST, or on any other images in its format.
//!
//! `cargo run --release --example mnist -- --help` lists the options.

mod digits;
mod options;
mod pictures;
mod report;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use wgrad::data::ImageSet;
use wgrad::prelude::*;

use digits::Digits;
use options::CommandLine;
use report::Report;

/// What the tutorials of PyTorch do: a model, a loss, an optimizer, epochs of training, and a test.
fn train(options: &CommandLine, device: &Device, digits: &Digits, report: &mut Report) -> Result<()> {
    let Digits { train, test, .. } = digits;
    let mut model = Sequential::new();
    let mut inputs = digits.pixels();
    for &outputs in &options.hidden {
        let dropout = Dropout::new(options.dropout);
        model = model.add(Linear::new(inputs, outputs)).add(options.activation.layer()).add(dropout);
        inputs = outputs;
    }
    model = model.add(Linear::new(inputs, ImageSet::CLASSES));
    report.note(&model.summary(&[digits.pixels()])?)?;

    let optimizer = Adam::new(options.learning_rate);
    let mut trainer = Trainer::new(device, model, CrossEntropyLoss, optimizer, options.training())?;
    report.prepare(&mut trainer, digits, options)?;

    let history = trainer.fit(train, options.epochs, Some(test), |epoch| report.epoch(epoch))?;
    let score = trainer.evaluate(test)?;

    report.result(device, &score, &trainer.weights_hash()?)?;
    pictures::draw(&options.pictures, &history, &mut trainer, digits, report)
}

fn run(options: &CommandLine) -> Result<()> {
    let mut report = Report::new(options.json, options.epochs);
    if options.list_devices {
        return report.devices(&Device::adapters());
    }
    let device = Device::choose(&options.device)?;
    report.device(&device, &options.device)?;
    let digits = Digits::load(&options.data_folder(), options.limit)?;
    train(options, &device, &digits, &mut report)
}

fn main() -> ExitCode {
    match run(&CommandLine::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::failure(&error),
    }
}
