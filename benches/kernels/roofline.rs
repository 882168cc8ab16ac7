//! A picture of all kernels under what the adapter can do.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use wgrad_plot::{Panel, curves};

use crate::ceiling::Ceiling;
use crate::measurement::Measurement;

/// The kinds of operations that the picture tells apart, by how their names begin; all others are one.
const KINDS: [(&str, &[&str]); 4] = [
    ("matrix products", &["matmul"]),
    ("convolutions", &["conv2d"]),
    ("sums and normalisation", &["sum", "mean", "moments", "batch_norm", "layer_norm", "softmax", "log_softmax", "max"]),
    ("optimizers", &["adam", "sgd", "momentum"]),
];

/// Draws GFLOP/s over FLOPs a byte. Kernels that compute nothing have no place in it.
pub fn draw(path: &Path, adapter: &str, ceiling: &Ceiling, measurements: &[Measurement]) -> Result<()> {
    let mut kinds: BTreeMap<usize, Vec<(f64, f64)>> = BTreeMap::new();
    for measurement in measurements.iter().filter(|measurement| measurement.work.flops > 0 && measurement.work.bytes > 0) {
        let kind = KINDS.iter().position(|(_, names)| names.iter().any(|name| measurement.op.starts_with(name)));
        let intensity = measurement.work.flops as f64 / measurement.work.bytes as f64;
        kinds.entry(kind.unwrap_or(KINDS.len())).or_default().push((intensity, measurement.gflop_per_second()));
    }
    let intensities = || kinds.values().flatten().map(|(intensity, _)| *intensity);
    let ridge = ceiling.gflop_per_second / ceiling.gigabytes_per_second;
    let (least, most) = (intensities().fold(ridge / 4.0, f64::min), intensities().fold(ridge * 4.0, f64::max));
    let roof = [least, ridge, most]
        .map(|intensity| (intensity, (intensity * ceiling.gigabytes_per_second).min(ceiling.gflop_per_second)));
    let mut panel = Panel::new("GFLOP/s").log_x().log_y().series("ceiling", roof);
    for (kind, points) in kinds {
        panel = panel.scatter(KINDS.get(kind).map_or("others", |(name, _)| name), points);
    }
    let name = adapter.split(" (").next().unwrap_or(adapter);
    Ok(curves(path, &format!("Kernels on {name}"), "FLOPs a byte", &[panel])?)
}
