//! How long a step of training takes, for networks of each kind: dense, convolutional, recurrent, and with attention.
//!
//! `cargo bench --bench networks -- --help` lists the options. What is timed is what a user gets: whole epochs of
//! [`Trainer::fit`](wgrad::Trainer::fit), divided by their steps, on data that look random.

mod measurement;
mod networks;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde_json::json;
use wgrad::Device;

use measurement::{Measurement, measure};
use networks::NETWORKS;

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
    if let Some(path) = &options.json {
        let networks: Vec<_> = measurements.iter().map(Measurement::json).collect();
        let figures = json!({ "device": device.name(), "kind": device.kind().to_string(), "networks": networks });
        fs::write(path, format!("{figures:#}\n")).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
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
