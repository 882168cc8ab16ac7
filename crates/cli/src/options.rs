//! The options that each program has which trains.

use std::path::PathBuf;

use clap::ValueEnum;
use wgrad::{LossScale, Options, Precision};

/// How and where to train, and what to show of it: to be flattened into the options of a program.
#[derive(Clone, Debug, clap::Args)]
pub struct TrainingOptions {
    /// How often to go through the training data
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub epochs: usize,
    /// Examples in a training step
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub batch: usize,
    /// The optimizer's learning rate
    #[arg(long, value_name = "RATE", default_value_t = 0.001, allow_negative_numbers = true)]
    pub learning_rate: f64,
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
    /// Measure kernels for this network until so many seconds have passed, and take the fastest, now and in later runs
    #[arg(long, value_name = "SECONDS")]
    pub tune: Option<u32>,
    /// Run every operation by a dispatch of its own
    #[arg(long)]
    pub no_fuse: bool,
}

/// What operands of matrix products are rounded to.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Numbers {
    /// f32
    Single,
    /// f16, summed up in f32, with a loss scale
    Mixed,
}

impl TrainingOptions {
    /// What a trainer is made with.
    pub fn options(&self) -> Options {
        let precision = match self.precision {
            Numbers::Single => Precision::Single,
            Numbers::Mixed => Precision::Mixed(LossScale::default()),
        };
        Options { batch_size: self.batch, seed: self.seed, precision, fuse: !self.no_fuse, ..Options::default() }
    }
}
