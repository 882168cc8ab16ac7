//! A kernel's figures.

use serde_json::{Value, json};
use wgrad::core::op::Work;

use crate::ceiling::Ceiling;
use crate::trial::{Checked, Outcome};
use crate::workload::Workload;

/// What one kernel has reached on one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    pub op: String,
    /// The operation with its attributes, short.
    pub label: String,
    /// The same in full.
    pub operation: String,
    pub shapes: String,
    pub origin: String,
    pub candidate: String,
    /// The middle of all samples.
    pub nanoseconds: f64,
    /// Between the quarters, as a share of the median.
    pub spread: f64,
    /// How often it was timed.
    pub samples: usize,
    pub work: Work,
    /// The time that the ceiling allows, by the time that it took.
    pub share: f64,
    pub is_compute_bound: bool,
    pub checked: Checked,
}

impl Measurement {
    pub fn new(workload: &Workload, candidate: &str, outcome: &Outcome, ceiling: &Ceiling) -> Self {
        let Outcome { samples, work, checked } = outcome;
        let mut measurement = Self {
            op: workload.op.name().to_owned(),
            label: workload.label(),
            operation: workload.operation(),
            shapes: workload.shapes(),
            origin: workload.origin.clone(),
            candidate: candidate.to_owned(),
            nanoseconds: samples.median(),
            spread: samples.spread(),
            samples: samples.nanoseconds.len(),
            work: *work,
            share: 0.0,
            is_compute_bound: false,
            checked: *checked,
        };
        measurement.hold_against(ceiling);
        measurement
    }

    /// Says how near it comes to a ceiling, in the place of another one.
    pub fn hold_against(&mut self, ceiling: &Ceiling) {
        self.share = ceiling.nanoseconds(self.work) / self.nanoseconds;
        self.is_compute_bound = ceiling.is_compute_bound(self.work);
    }

    pub fn gflop_per_second(&self) -> f64 {
        self.work.flops as f64 / self.nanoseconds
    }

    pub fn gigabytes_per_second(&self) -> f64 {
        self.work.bytes as f64 / self.nanoseconds
    }

    /// What tells it from all others.
    pub fn key(&self) -> String {
        format!("{} [{}] {}", self.operation, self.shapes, self.candidate)
    }

    pub fn json(&self) -> Value {
        json!({
            "op": self.op,
            "label": self.label,
            "operation": self.operation,
            "shapes": self.shapes,
            "origin": self.origin,
            "candidate": self.candidate,
            "nanoseconds": self.nanoseconds,
            "spread": self.spread,
            "samples": self.samples,
            "flops": self.work.flops,
            "bytes": self.work.bytes,
            "share_of_ceiling": self.share,
            "bound": if self.is_compute_bound { "compute" } else { "bandwidth" },
            "checked": self.checked.to_string(),
        })
    }
}
