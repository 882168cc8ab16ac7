//! How long a step of training takes on every device of the machine: MNIST's digits in batches of 64 through layers of
//! 784, 256, 128 and 10 units, with dropout and Adam.
//!
//! `cargo bench --bench step -- --help` lists the options. No framework for benchmarks is used, since a device runs
//! many steps by itself: what is timed is a window of steps, from the first submission until the device has finished.

mod adapter;
#[path = "../support/commit.rs"]
mod commit;
mod interpreter;
mod measurement;
mod network;
mod options;
mod report;
mod windows;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use measurement::Measurement;
use network::Network;
use options::CommandLine;

fn measure(word: &str, network: &Network, options: &CommandLine) -> Result<Measurement> {
    let windows = options.windows();
    match word {
        "cpu" => interpreter::measure(network, windows),
        word => adapter::measure(word, network, windows),
    }
}

/// Measures all devices, even where one fails, and says whether none has.
fn run(options: &CommandLine) -> Result<bool> {
    let network = Network::new(&options.data_folder())?;
    let mut measurements = Vec::new();
    let words = options.devices();
    for word in &words {
        match measure(word, &network, options).with_context(|| format!("device {word}")) {
            Ok(measurement) => {
                println!("{measurement}");
                measurements.push(measurement);
            }
            Err(error) => eprintln!("error: {error:#}"),
        }
    }
    if let Some(path) = &options.json {
        let text = format!("{:#}\n", report::json(&measurements));
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(measurements.len() == words.len())
}

fn main() -> ExitCode {
    match run(&CommandLine::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
