//! Timing of epochs.

use std::fmt;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use wgrad::core::plan::Plan;
use wgrad::prelude::*;

use crate::networks::Network;
use crate::pytorch::PyTorch;

/// What a network's steps took.
#[derive(Clone, Debug)]
pub struct Measurement {
    name: &'static str,
    batch: usize,
    parameters: usize,
    dispatches: Option<usize>,
    levels: Option<u32>,
    /// Those of each window, shortest first.
    milliseconds: Vec<f64>,
    /// The same of PyTorch, where it was measured.
    pytorch: Option<Vec<f64>>,
    /// The text of the plan, where it was asked for.
    plan: Option<String>,
}

/// The windows that are timed.
const WINDOWS: usize = 5;
/// About how long a window takes, in milliseconds.
const WINDOW: f64 = 2000.0;
/// The most steps of a window.
const MOST: usize = 500;

/// Measures a network on a device.
pub fn measure(device: &Device, network: &Network, shows_plan: bool) -> Result<Measurement> {
    let options = Options { batch_size: network.batch, ..Options::default() };
    let mut trainer = Trainer::new(device, (network.model)(), CrossEntropyLoss, Adam::new(0.001), options)?;
    // The first step compiles kernels; the second tells how many fit into a window.
    let few = network.data(network.batch)?;
    epoch(&mut trainer, &few)?;
    let steps = ((WINDOW / epoch(&mut trainer, &few)?) as usize).clamp(1, MOST);
    let data = network.data(steps * network.batch)?;
    epoch(&mut trainer, &data)?;
    let windows = (0..WINDOWS).map(|_| Ok(epoch(&mut trainer, &data)? / steps as f64));
    let mut milliseconds = windows.collect::<Result<Vec<f64>>>()?;
    milliseconds.sort_by(f64::total_cmp);
    let parameters = trainer.parameters()?.iter().map(|(_, values)| values.shape().elements()).sum();
    let plan = trainer.plans().last();
    Ok(Measurement {
        name: network.name,
        batch: network.batch,
        parameters,
        dispatches: plan.map(|plan| plan.dispatches.len()),
        levels: plan.map(Plan::levels),
        milliseconds,
        pytorch: None,
        plan: plan.filter(|_| shows_plan).map(Plan::to_string),
    })
}

/// Trains for an epoch, and returns the milliseconds that it took.
fn epoch(trainer: &mut Trainer, data: &Dataset) -> Result<f64> {
    let began = Instant::now();
    let history = trainer.fit(data, 1, None, |_| Control::Continue)?;
    history.epochs.first().context("no epoch was trained")?;
    Ok(1e3 * began.elapsed().as_secs_f64())
}

/// The middle one of those that are in order.
fn median(milliseconds: &[f64]) -> f64 {
    milliseconds[milliseconds.len() / 2]
}

/// The shortest and the longest.
fn range(milliseconds: &[f64]) -> String {
    format!("{:.2} to {:.2}", milliseconds[0], milliseconds[milliseconds.len() - 1])
}

impl Measurement {
    /// The titles of [`Measurement::compare`]'s columns.
    pub fn compared() -> String {
        format!("{:<12} {:>10} {:>10}   range of PyTorch's windows", "ms a step", "wgrad", "PyTorch")
    }

    /// Puts PyTorch's figures beside wgrad's, and returns a line with the medians of both.
    ///
    /// # Errors
    /// Where PyTorch's network is missing or another one.
    pub fn compare(&mut self, pytorch: &PyTorch) -> Result<String> {
        let theirs = pytorch.milliseconds(self.name, self.batch, self.parameters)?;
        self.pytorch = Some(theirs.to_vec());
        let medians = format!("{:>10.2} {:>10.2}", median(&self.milliseconds), median(theirs));
        Ok(format!("{:<12} {medians}   {}", self.name, range(theirs)))
    }

    /// The figures.
    pub fn json(&self) -> Value {
        json!({
            "network": self.name,
            "batch": self.batch,
            "parameters": self.parameters,
            "dispatches": self.dispatches,
            "levels": self.levels,
            "ms_per_step_of_windows": self.milliseconds,
            "pytorch_ms_per_step_of_windows": self.pytorch,
        })
    }
}

impl fmt::Display for Measurement {
    /// One line, and the plan below it.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let Self { name, batch, milliseconds, .. } = self;
        let count = |count: Option<String>| count.unwrap_or_else(|| "-".to_owned());
        let dispatches = count(self.dispatches.map(|count| count.to_string()));
        let levels = count(self.levels.map(|count| count.to_string()));
        let (median, range) = (median(milliseconds), range(milliseconds));
        write!(formatter, "{name:<12} {batch:>5} {dispatches:>11} {levels:>7} {median:>10.2}   {range}")?;
        self.plan.iter().try_for_each(|plan| write!(formatter, "\n{plan}"))
    }
}
