//! The step on an adapter.

use std::time::Instant;

use anyhow::{Result, ensure};
use wgrad::core::plan::{Plan, plan};
use wgrad::executor::{self, Executor, ExecutorError, LoadedPlan};
use wgrad::{Checks, Device};

use crate::measurement::{DeviceFigures, Kernel, Measurement, PlanFigures};
use crate::network::{BATCH, EPOCH, Network};
use crate::windows::Windows;

/// Measures the adapter that a word names.
pub fn measure(word: &str, network: &Network, windows: Windows) -> Result<Measurement> {
    let began = Instant::now();
    let device = executor::Device::request_blocking(&word.into())?;
    let plan = plan(&format!("train {BATCH}"), &network.graph, &device.target())?;
    let mut executor = Executor::new(device.clone(), Checks::Unchecked);
    let loaded = executor.load_blocking(&plan)?;
    for (name, tensor) in &network.inputs {
        executor.write_input(name, tensor)?;
    }
    run(&mut executor, &loaded, 1)?;
    let first_step = began.elapsed();

    let times = windows.time(|steps| run(&mut executor, &loaded, steps))?;
    let submissions = submissions(&mut executor, &loaded)?;
    let kernels = kernels(&mut executor, &loaded, windows.profiled)?;
    let device = Device::from(device);
    check(&plan, network, &device)?;
    let plan = PlanFigures { dispatches: plan.dispatches.len(), levels: plan.levels(), submissions, kernels };
    Ok(Measurement { device: figures(&device), first_step, times, plan: Some(plan) })
}

fn run(executor: &mut Executor, plan: &LoadedPlan, steps: u32) -> Result<()> {
    executor.run_blocking(&[(plan, steps)])?;
    Ok(executor.finish_blocking()?)
}

/// What an epoch takes, once it is known how long steps are.
fn submissions(executor: &mut Executor, plan: &LoadedPlan) -> Result<u64> {
    let before = executor.statistics().submissions;
    run(executor, plan, EPOCH)?;
    Ok(executor.statistics().submissions - before)
}

/// The dispatches by timestamps, longest first; none where the adapter has no timestamps.
fn kernels(executor: &mut Executor, plan: &LoadedPlan, steps: u32) -> Result<Option<Vec<Kernel>>> {
    let mut times = match executor.profile_blocking(plan, steps) {
        Err(ExecutorError::NoTimestamps { .. }) => return Ok(None),
        times => times?,
    };
    times.sort_by(|left, right| right.nanoseconds.total_cmp(&left.nanoseconds));
    let total: f64 = times.iter().map(|time| time.nanoseconds).sum();
    let kernel = |time: executor::DispatchTime| Kernel {
        share: time.nanoseconds / total,
        microseconds: time.nanoseconds / 1e3,
        gflop_per_second: time.work.flops as f64 / time.nanoseconds,
        gigabytes_per_second: time.work.bytes as f64 / time.nanoseconds,
        label: time.label,
    };
    Ok(Some(times.into_iter().map(kernel).collect()))
}

/// Fails where the trainer's kernels are others than those that were timed.
fn check(plan: &Plan, network: &Network, device: &Device) -> Result<()> {
    let timed: Vec<&String> = plan.dispatches.iter().map(|dispatch| &plan.shaders[dispatch.shader].source).collect();
    let trained = network.shaders(device)?;
    ensure!(timed.into_iter().eq(&trained), "the step that was timed is not the one that the trainer runs");
    Ok(())
}

fn figures(device: &Device) -> DeviceFigures {
    let driver = match device {
        Device::Adapter(device) => device.info().driver.clone(),
        Device::Cpu => String::new(),
    };
    DeviceFigures { name: device.name().into(), kind: device.kind().to_string(), backend: device.backend().into(), driver }
}
