//! From the options to the status with which a program ends.

use std::process::ExitCode;

use anyhow::Result;
use wgrad::{Device, DeviceKind};

use crate::options::TrainingOptions;
use crate::output;
use crate::report::Report;

/// Runs `train` on the device that was asked for. What goes wrong is told in one line of stderr, and makes the program end
/// with status 1. A standard output that is closed early ends it without a word. `--list-devices` trains nothing.
pub fn run(options: &TrainingOptions, train: impl FnOnce(&Device, &mut Report) -> Result<()>) -> ExitCode {
    match choose_and_train(options, train) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::failure(&error),
    }
}

fn choose_and_train(options: &TrainingOptions, train: impl FnOnce(&Device, &mut Report) -> Result<()>) -> Result<()> {
    if options.list_devices {
        return list_devices();
    }
    let device = Device::choose(&options.device)?;
    let mut report = Report::new(options.clone(), device.clone());
    let fell_back = device.kind() == DeviceKind::Cpu && options.device == "auto";
    let reason = if fell_back { "; no Vulkan, Metal or DX12 adapter was found" } else { "" };
    report.note(&format!("device: {device}{reason}"))?;
    if device.kind() == DeviceKind::Software {
        report.note(&"hint: this adapter is software; --device cpu may be faster")?;
    }
    train(&device, &mut report)
}

/// The devices that `--device` takes, by number.
fn list_devices() -> Result<()> {
    for (number, adapter) in Device::adapters().iter().enumerate() {
        output::print(&format!("{number}: {adapter}"))?;
    }
    output::print(&format!("cpu: {}", Device::cpu()))
}
