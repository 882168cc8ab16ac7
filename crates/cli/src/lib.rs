//! The command line of a program that trains: options that each such program has, and a report of what happens.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use clap::Parser;
//! use wgrad::prelude::*;
//! use wgrad_cli::{Report, TrainingOptions};
//!
//! /// Learns the digits.
//! #[derive(Parser)]
//! struct CommandLine {
//!     /// Units of the hidden layer
//!     #[arg(long, default_value_t = 128)]
//!     hidden: usize,
//!     #[command(flatten)]
//!     training: TrainingOptions,
//! }
//!
//! fn train(options: &CommandLine, device: &Device, report: &mut Report) -> anyhow::Result<()> {
//!     let (train, test) = wgrad::data::digits("data/mnist")?;
//!     let model = Sequential::new().add(Linear::new(784, options.hidden)).add(ReLU).add(Linear::new(options.hidden, 10));
//!     let optimizer = Adam::new(options.training.learning_rate);
//!     let mut trainer = Trainer::new(device, model, CrossEntropyLoss, optimizer, options.training.options())?;
//!     report.fit(&mut trainer, &train, Some(&test))?;
//!     Ok(())
//! }
//!
//! fn main() -> ExitCode {
//!     let options = CommandLine::parse();
//!     wgrad_cli::run(&options.training, |device, report| train(&options, device, report))
//! }
//! ```
//!
//! `--help` lists the options. Results go to the standard output, for people or with `--json` for programs.

mod options;
mod output;
mod report;
mod run;
mod short;

pub use options::{Numbers, TrainingOptions};
pub use report::Report;
pub use run::run;
pub use short::is_short;
