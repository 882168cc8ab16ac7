//! The figures as JSON.

use std::thread;

use serde_json::{Value, json};

use crate::commit::commit;
use crate::measurement::{Kernel, Measurement, PlanFigures};
use crate::network::{BATCH, EPOCH, FLOP};

/// All measurements, with what they were made of.
pub fn json(measurements: &[Measurement]) -> Value {
    json!({
        "commit": commit(),
        "version": env!("CARGO_PKG_VERSION"),
        "cores": thread::available_parallelism().ok().map(usize::from),
        "network": [784, 256, 128, 10],
        "batch": BATCH,
        "flop_per_step": FLOP,
        "devices": measurements.iter().map(device).collect::<Vec<_>>(),
    })
}

fn device(measurement: &Measurement) -> Value {
    let Measurement { device, first_step, times, plan } = measurement;
    json!({
        "device": device.name,
        "device_kind": device.kind,
        "backend": device.backend,
        "driver": device.driver,
        "us_per_step": times.median(),
        "us_per_step_of_windows": times.microseconds,
        "steps_of_window": times.steps,
        "gflop_per_second": measurement.gflop_per_second(),
        "seconds_to_first_step": first_step.as_secs_f64(),
        "plan": plan.as_ref().map(self::plan),
    })
}

fn plan(plan: &PlanFigures) -> Value {
    let kernels = plan.kernels.as_ref().map(|kernels| kernels.iter().map(kernel).collect::<Vec<_>>());
    json!({
        "dispatches": plan.dispatches,
        "levels": plan.levels,
        "steps_of_epoch": EPOCH,
        "submissions_of_epoch": plan.submissions,
        "kernels": kernels,
    })
}

fn kernel(kernel: &Kernel) -> Value {
    json!({
        "kernel": kernel.label,
        "share": kernel.share,
        "us": kernel.microseconds,
        "gflop_per_second": kernel.gflop_per_second,
        "gigabytes_per_second": kernel.gigabytes_per_second,
    })
}
