//! Trains a network on the handwritten digits of MNIST, or on any other images in its format.
//!
//! `cargo run --release --example mnist -- --help` lists the options.
//!
//! The test accuracy is 97.95 % after five epochs, which take 39 seconds on llvmpipe.

mod pictures;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use wgrad::data::{ImageSet, rows_of_pixels};
use wgrad::prelude::*;
use wgrad_cli::{Report, TrainingOptions};

/// Where the digits are, from the project's root.
const DATA: &str = "data/mnist";

/// Trains a fully connected network on the handwritten digits of MNIST, with WGSL on any GPU.
#[derive(Debug, Parser)]
#[command(name = "mnist", args_override_self = true)]
struct CommandLine {
    /// Folder of four files in MNIST's format, gzipped or not [default: data/mnist here or in the project]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Use only the first N training images
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Sizes of the hidden layers
    #[arg(long, value_name = "SIZES", value_delimiter = ',', default_value = "256,128")]
    hidden: Vec<usize>,
    /// What follows each hidden layer
    #[arg(long, value_enum, default_value_t = Activation::Relu)]
    activation: Activation,
    /// Share of each hidden layer's outputs that a training step leaves out
    #[arg(long, value_name = "RATE", default_value_t = 0.2, allow_negative_numbers = true)]
    dropout: f32,
    /// Where to put the pictures of curves and digits
    #[arg(long, value_name = "DIR", default_value = "target/mnist")]
    pictures: PathBuf,
    #[command(flatten)]
    training: TrainingOptions,
}

/// Functions between layers.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Activation {
    /// max(x, 0)
    Relu,
    /// 1 / (1 + e^-x)
    Sigmoid,
    /// Hyperbolic tangent
    Tanh,
    /// x, or 0.01 x where x is negative
    LeakyRelu,
}

impl CommandLine {
    /// The folder to read: what was asked for, else the digits of the current folder, else those of the project.
    fn data_folder(&self) -> PathBuf {
        let here = || Some(PathBuf::from(DATA)).filter(|folder| folder.is_dir());
        let project = || Path::new(env!("CARGO_MANIFEST_DIR")).join(DATA);
        self.data.clone().or_else(here).unwrap_or_else(project)
    }

    /// A network for so many inputs.
    fn model(&self, mut inputs: usize) -> Sequential {
        let mut model = Sequential::new();
        for &outputs in &self.hidden {
            let activation: Box<dyn Layer> = match self.activation {
                Activation::Relu => Box::new(ReLU),
                Activation::Sigmoid => Box::new(Sigmoid),
                Activation::Tanh => Box::new(Tanh),
                Activation::LeakyRelu => Box::new(LeakyReLU(0.01)),
            };
            model = model.add(Linear::new(inputs, outputs)).add(activation).add(Dropout::new(self.dropout));
            inputs = outputs;
        }
        model.add(Linear::new(inputs, ImageSet::CLASSES))
    }
}

/// What the tutorials of PyTorch do: a model, a loss, an optimizer, epochs of training, and a test.
fn train(options: &CommandLine, device: &Device, report: &mut Report) -> Result<()> {
    let ImageSet { train, test } = ImageSet::load(&options.data_folder())?;
    let size = [train.rows, train.columns];
    let (mut train, test) = (rows_of_pixels(train)?, rows_of_pixels(test)?);
    if let Some(limit) = options.limit {
        train = train.take(limit).context("--limit")?;
    }
    let model = options.model(size[0] * size[1]);
    report.note(&model.summary(&[size[0] * size[1]])?)?;

    let optimizer = Adam::new(options.training.learning_rate);
    let mut trainer = Trainer::new(device, model, CrossEntropyLoss, optimizer, options.training.options())?;
    let history = report.fit(&mut trainer, &train, Some(&test))?;

    let predicted = trainer.predict(test.inputs())?.argmax();
    let drawn = pictures::draw(&options.pictures, &history, &test, size, &predicted);
    drawn.iter().flatten().try_for_each(|picture| report.note(picture))?;
    // The result is said also where the pictures cannot be written.
    let score = trainer.evaluate(&test)?;
    report.result(&mut trainer, &score)?;
    drawn.map(drop)
}

fn main() -> ExitCode {
    let options = CommandLine::parse();
    wgrad_cli::run(&options.training, |device, report| train(&options, device, report))
}
