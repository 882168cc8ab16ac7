//! How long a step of training takes, for networks of each kind: dense, convolutional, recurrent, and with attention.
//!
//! `cargo bench --bench networks -- --help` lists the options. What is timed is what a user gets: whole epochs of
//! [`Trainer::fit`](wgrad::Trainer::fit), divided by their steps, on data that look random.

#[path = "../support/commit.rs"]
mod commit;
mod measurement;
mod networks;
mod pytorch;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde_json::{Value, json};
use wgrad::Device;

use commit::commit;
use measurement::{Measurement, measure};
use networks::NETWORKS;
use pytorch::PyTorch;

/// Measures a step of training for networks of each kind.
#[derive(Debug, Parser)]
#[command(name = "networks")]
struct CommandLine {
    /// The device: auto, gpu, software, cpu, part of an adapter's name, or its number
    #[arg(long, value_name = "NAME", default_value = "auto")]
    device: String,
    /// Only networks whose name has this in it
    #[arg(long, value_name = "TEXT", default_value = "")]
    network: String,
    /// Print the plans of the steps too
    #[arg(long)]
    plan: bool,
    /// Measure PyTorch too, by this Python, which has torch: on CUDA where the device is a GPU, else on the CPU
    #[arg(long, value_name = "PYTHON")]
    pytorch: Option<String>,
    /// Write the figures as JSON into this file too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn run(options: &CommandLine) -> Result<()> {
    let device = Device::choose(&options.device)?;
    println!("device: {device}");
    let chosen: Vec<_> = NETWORKS.iter().filter(|network| network.name.contains(&options.network)).collect();
    let known = NETWORKS.map(|network| network.name).join(", ");
    ensure!(!chosen.is_empty(), "no network has {:?} in its name: there are {known}", options.network);
    println!("{:<12} {:>5} {:>11} {:>7} {:>10}   range of windows", "network", "batch", "dispatches", "levels", "ms a step");
    let mut measurements: Vec<Measurement> = Vec::new();
    for network in chosen {
        let measurement = measure(&device, network, options.plan).with_context(|| network.name)?;
        println!("{measurement}");
        measurements.push(measurement);
    }
    let pytorch = options.pytorch.as_ref().map(|python| add_pytorch(python, &device, options, &mut measurements)).transpose();
    // Also where PyTorch has failed: wgrad's figures are good all the same.
    if let Some(path) = &options.json {
        let figures = json(&device, &measurements, pytorch.as_ref().ok().and_then(Option::as_ref));
        fs::write(path, format!("{figures:#}\n")).with_context(|| format!("cannot write {}", path.display()))?;
    }
    pytorch.map(drop)
}

/// Measures PyTorch, and prints its figures beside wgrad's.
fn add_pytorch(python: &str, device: &Device, options: &CommandLine, measurements: &mut [Measurement]) -> Result<PyTorch> {
    let pytorch = PyTorch::measure(python, device.kind(), &options.network)?;
    println!("\n{pytorch}\n{}", Measurement::compared());
    for measurement in measurements {
        println!("{}", measurement.compare(&pytorch)?);
    }
    Ok(pytorch)
}

/// All figures, with what they are of.
fn json(device: &Device, measurements: &[Measurement], pytorch: Option<&PyTorch>) -> Value {
    let driver = match device {
        Device::Adapter(device) => Some(&device.info().driver),
        Device::Cpu => None,
    };
    json!({
        "device": device.name(),
        "kind": device.kind().to_string(),
        "backend": device.backend(),
        "driver": driver,
        "commit": commit(),
        "cores": thread::available_parallelism().ok().map(usize::from),
        "pytorch": pytorch.map(PyTorch::json),
        "networks": measurements.iter().map(Measurement::json).collect::<Vec<_>>(),
    })
}

fn main() -> ExitCode {
    match run(&CommandLine::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
