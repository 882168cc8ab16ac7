//! What is found out about a device.

use std::fmt;
use std::time::Duration;

use crate::network::{EPOCH, FLOP};
use crate::windows::StepTimes;

/// The figures of one device.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// The device.
    pub device: DeviceFigures,
    /// From the request of the device until the first step was done, with the compilation of all kernels.
    pub first_step: Duration,
    /// The windows.
    pub times: StepTimes,
    /// How it does a step; none on the CPU, which runs the graph.
    pub plan: Option<PlanFigures>,
}

/// What a device is.
#[derive(Clone, Debug)]
pub struct DeviceFigures {
    /// The adapter's name, or `CPU`.
    pub name: String,
    /// `gpu`, `software` or `cpu`.
    pub kind: String,
    /// What it is reached through, such as `vulkan`.
    pub backend: String,
    /// The driver's name and version; empty where there is none.
    pub driver: String,
}

/// How a device does a step.
#[derive(Clone, Debug)]
pub struct PlanFigures {
    /// The dispatches of a step.
    pub dispatches: usize,
    /// How many of them depend on one another.
    pub levels: u32,
    /// Of an epoch.
    pub submissions: u64,
    /// Longest first; none where the adapter has no timestamps.
    pub kernels: Option<Vec<Kernel>>,
}

/// One dispatch.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// Its operations and node.
    pub label: String,
    /// Of the time of all dispatches, from 0 to 1.
    pub share: f64,
    /// The time of one on average.
    pub microseconds: f64,
    /// What it computes at least, by its time.
    pub gflop_per_second: f64,
    /// What it loads and stores at least, by its time.
    pub gigabytes_per_second: f64,
}

impl Measurement {
    /// By the middle window.
    pub fn gflop_per_second(&self) -> f64 {
        FLOP as f64 / (self.times.median() * 1e3)
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let Self { times, first_step, .. } = self;
        let [fastest, slowest] = times.range();
        writeln!(formatter, "{}", self.device)?;
        writeln!(
            formatter,
            "  step         {:>9.1} us ({fastest:.1} to {slowest:.1} in {} windows of {} steps), {:.1} GFLOP/s",
            times.median(),
            times.microseconds.len(),
            times.steps,
            self.gflop_per_second(),
        )?;
        writeln!(formatter, "  first step   {:>9.2} s, from the request of the device", first_step.as_secs_f64())?;
        self.plan.as_ref().map_or(Ok(()), |plan| plan.fmt(formatter))
    }
}

impl fmt::Display for DeviceFigures {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{} ({}, {}", self.name, self.kind, self.backend)?;
        match self.driver.as_str() {
            "" => write!(formatter, ")"),
            driver => write!(formatter, ", {driver})"),
        }
    }
}

impl fmt::Display for PlanFigures {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        writeln!(formatter, "  dispatches   {:>9} on {} levels", self.dispatches, self.levels)?;
        writeln!(formatter, "  submissions  {:>9} in {EPOCH} steps", self.submissions)?;
        let Some(kernels) = &self.kernels else {
            return writeln!(formatter, "  kernels: the adapter has no timestamps");
        };
        writeln!(formatter, "{:>9}{:>12}{:>11}{:>9}  kernel", "share", "us", "GFLOP/s", "GB/s")?;
        kernels.iter().try_for_each(|kernel| {
            let Kernel { label, share, microseconds, gflop_per_second, gigabytes_per_second } = kernel;
            let percent = 100.0 * share;
            writeln!(
                formatter,
                "{percent:>7.1} %{microseconds:>12.1}{gflop_per_second:>11.1}{gigabytes_per_second:>9.1}  {label}"
            )
        })
    }
}
