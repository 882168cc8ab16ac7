//! Figures as text, Markdown and JSON.

use serde_json::{Value, json};
use wgrad::executor::Device;

use crate::ceiling::Ceiling;
use crate::commit::commit;
use crate::measurement::Measurement;

/// The titles of the columns, and whether they hold words.
const COLUMNS: [(&str, bool); 9] = [
    ("operation", true),
    ("shapes", true),
    ("kernel", true),
    ("us", false),
    ("spread", false),
    ("GFLOP/s", false),
    ("GB/s", false),
    ("of bound", false),
    ("bound", true),
];

/// What the figures mean.
pub fn heading(device: &Device, ceiling: &Ceiling) -> String {
    format!(
        "{}\nceiling: {:.1} GFLOP/s of f32 (fused multiplications and additions), {:.1} GB/s (a copy, read and written)\n\
         bound = max(FLOPs / {:.1} GFLOP/s, bytes / {:.1} GB/s), every tensor counted once; us is the median",
        device.info(),
        ceiling.gflop_per_second,
        ceiling.gigabytes_per_second,
        ceiling.gflop_per_second,
        ceiling.gigabytes_per_second,
    )
}

fn cells(measurement: &Measurement) -> [String; 9] {
    let Measurement { label, shapes, candidate, nanoseconds, spread, share, .. } = measurement;
    [
        label.clone(),
        shapes.clone(),
        candidate.clone(),
        format!("{:.1}", nanoseconds / 1e3),
        format!("{:.0} %", 100.0 * spread),
        format!("{:.2}", measurement.gflop_per_second()),
        format!("{:.2}", measurement.gigabytes_per_second()),
        format!("{:.0} %", 100.0 * share),
        if measurement.is_compute_bound { "compute" } else { "bandwidth" }.to_owned(),
    ]
}

/// A table for a terminal, without a heading where lines are printed one by one.
pub fn line(measurement: &Measurement) -> String {
    row(&cells(measurement).each_ref().map(String::as_str))
}

/// The columns' titles.
pub fn titles() -> String {
    row(&COLUMNS.map(|(title, _)| title))
}

fn row(cells: &[&str; 9]) -> String {
    const WIDTHS: [usize; 9] = [40, 30, 15, 11, 7, 9, 8, 9, 9];
    let cells = cells.iter().zip(WIDTHS).zip(COLUMNS).map(|((cell, width), (_, is_word))| match is_word {
        true => format!("{cell:<width$}"),
        false => format!("{cell:>width$}"),
    });
    cells.collect::<Vec<_>>().join(" ").trim_end().to_owned()
}

/// A table of Markdown.
pub fn markdown(heading: &str, measurements: &[Measurement]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let titles = COLUMNS.map(|(title, _)| title.to_owned());
    let rules = COLUMNS.map(|(_, is_word)| if is_word { "---" } else { "---:" }.to_owned());
    let rows: String = measurements.iter().map(|measurement| line(&cells(measurement))).collect();
    format!("{}\n\n{}{}{rows}", heading.replace('\n', "  \n"), line(&titles), line(&rules))
}

/// All figures, with the adapter, its driver and the commit.
pub fn json(device: &Device, ceiling: &Ceiling, measurements: &[Measurement]) -> Value {
    let info = device.info();
    json!({
        "adapter": info.name,
        "backend": info.backend.to_str(),
        "driver": info.driver,
        "commit": commit(),
        "gflop_per_second": ceiling.gflop_per_second,
        "gigabytes_per_second": ceiling.gigabytes_per_second,
        "kernels": measurements.iter().map(Measurement::json).collect::<Vec<_>>(),
    })
}
