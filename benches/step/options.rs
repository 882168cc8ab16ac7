//! The command line.

use std::path::{Path, PathBuf};

use clap::Parser;
use wgrad::Device;

use crate::windows::Windows;

/// Measures a step of training on MNIST on every adapter of the machine and on the CPU.
#[derive(Debug, Parser)]
#[command(name = "step")]
pub struct CommandLine {
    /// Measure only one device: auto, gpu, software, cpu, part of an adapter's name, or its number
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// Write the figures as JSON into this file too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Folder of MNIST's four files [default: data/mnist of the project]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Measure fewer steps
    #[arg(long)]
    pub quick: bool,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

impl CommandLine {
    /// Names of the devices to measure: all that there are, unless one was asked for.
    pub fn devices(&self) -> Vec<String> {
        let all = || {
            let numbers = (0..Device::adapters().len()).map(|number| number.to_string());
            numbers.chain(["cpu".to_owned()]).collect()
        };
        self.device.clone().map_or_else(all, |device| vec![device])
    }

    /// The folder to read.
    pub fn data_folder(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist"))
    }

    /// How many steps to measure.
    pub fn windows(&self) -> Windows {
        match self.quick {
            true => Windows { warm_up: 50, count: 3, steps: 100, profiled: 5 },
            false => Windows { warm_up: 300, count: 7, steps: 300, profiled: 50 },
        }
    }
}
