//! The command line.

use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use wgrad::prelude::*;

/// Where the digits are, from the project's root.
const DATA: &str = "data/mnist";

/// Trains a fully connected network on the handwritten digits of MNIST, with WGSL on any GPU.
#[derive(Debug, Parser)]
#[command(name = "mnist", args_override_self = true)]
pub struct CommandLine {
    /// Folder of four files in MNIST's format, gzipped or not [default: data/mnist here or in the project]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Use only the first N training images
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// How often to go through the training images
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub epochs: usize,
    /// Images in a training step
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub batch: usize,
    /// Adam's learning rate
    #[arg(long, value_name = "RATE", default_value_t = 0.001, allow_negative_numbers = true)]
    pub learning_rate: f64,
    /// Sizes of the hidden layers
    #[arg(long, value_name = "SIZES", value_delimiter = ',', default_value = "256,128")]
    pub hidden: Vec<usize>,
    /// What follows each hidden layer
    #[arg(long, value_enum, default_value_t = Activation::Relu)]
    pub activation: Activation,
    /// Share of each hidden layer's outputs that a training step leaves out
    #[arg(long, value_name = "RATE", default_value_t = 0.2, allow_negative_numbers = true)]
    pub dropout: f32,
    /// How precise matrix products are
    #[arg(long, value_enum, default_value_t = Numbers::Single)]
    pub precision: Numbers,
    /// What initial weights, order and dropout depend on: the same seed on the same device gives the same weights
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub seed: u32,
    /// Where to train: auto, gpu, software, cpu, part of an adapter's name, or its number
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Print the machine's devices and do nothing else
    #[arg(long)]
    pub list_devices: bool,
    /// Print one JSON object an epoch and one for the result, and all else to stderr
    #[arg(long)]
    pub json: bool,
    /// Print graphs and plans before training
    #[arg(long)]
    pub print_plan: bool,
    /// Write the WGSL of all dispatches of training and evaluation into this folder
    #[arg(long, value_name = "DIR")]
    pub dump_shaders: Option<PathBuf>,
    /// Write when each dispatch of sixteen steps ran into this file, for ui.perfetto.dev or chrome://tracing
    #[arg(long, value_name = "FILE")]
    pub timeline: Option<PathBuf>,
    /// Measure kernels for this network for so many seconds, and take the fastest, now and in later runs
    #[arg(long, value_name = "SECONDS")]
    pub tune: Option<u32>,
    /// Run every operation by a dispatch of its own
    #[arg(long)]
    pub no_fuse: bool,
    /// Where to put the pictures of curves and digits
    #[arg(long, value_name = "DIR", default_value = "target/mnist")]
    pub pictures: PathBuf,
}

/// What operands of matrix products are rounded to.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Numbers {
    /// f32
    Single,
    /// f16, summed up in f32, with a loss scale
    Mixed,
}

/// Functions between layers.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Activation {
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
    pub fn data_folder(&self) -> PathBuf {
        let here = || Some(PathBuf::from(DATA)).filter(|folder| folder.is_dir());
        let project = || Path::new(env!("CARGO_MANIFEST_DIR")).join(DATA);
        self.data.clone().or_else(here).unwrap_or_else(project)
    }

    /// How to train.
    pub fn training(&self) -> Options {
        let precision = match self.precision {
            Numbers::Single => Precision::Single,
            Numbers::Mixed => Precision::Mixed(LossScale::default()),
        };
        Options { batch_size: self.batch, seed: self.seed, precision, fuse: !self.no_fuse, ..Options::default() }
    }
}

impl Activation {
    /// A layer that applies it.
    pub fn layer(self) -> Box<dyn Layer> {
        match self {
            Self::Relu => Box::new(ReLU),
            Self::Sigmoid => Box::new(Sigmoid),
            Self::Tanh => Box::new(Tanh),
            Self::LeakyRelu => Box::new(LeakyReLU(0.01)),
        }
    }
}
