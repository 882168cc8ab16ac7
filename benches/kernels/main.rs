//! How fast every kernel is, and how fast the adapter would let it be.
//!
//! `cargo bench --bench kernels -- --help` lists the options. Times are the adapter's own, by its timestamps; where it has
//! none, those of a submission.

mod ceiling;
#[path = "../support/commit.rs"]
mod commit;
mod comparison;
mod measurement;
#[path = "../networks/networks.rs"]
mod networks;
mod options;
mod own_kernel;
mod report;
mod roofline;
#[path = "../../tests/support/mod.rs"]
mod support;
mod trial;
mod workload;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use wgrad::executor::Device;

use ceiling::Ceiling;
use comparison::Earlier;
use measurement::Measurement;
use options::{CommandLine, Format};
use own_kernel::OwnKernel;
use workload::{Workload, workloads};

/// What was measured, and how many kernels were wrong or could not run.
struct Figures {
    measurements: Vec<Measurement>,
    failures: usize,
}

fn chosen(options: &CommandLine, device: &Device) -> Result<Vec<Workload>> {
    let mut chosen = workloads(device.target().class)?;
    chosen.retain(|workload| {
        options.op.as_ref().is_none_or(|op| workload.label() == *op || options.file.is_none() && workload.op.name() == op)
            && workload.shapes().contains(&options.shape)
            && workload.origin.contains(&options.of)
    });
    ensure!(!chosen.is_empty(), "no workload has that operation, shape and origin; --list shows them all");
    Ok(chosen)
}

fn measure(options: &CommandLine, device: &Device, ceiling: &Ceiling, workloads: &[Workload]) -> Result<Figures> {
    let own = options.file.as_deref().map(OwnKernel::read).transpose()?;
    let (mut measurements, mut failures) = (Vec::new(), 0);
    for workload in workloads {
        let mut candidates = trial::candidates(device, workload);
        if let Some(own) = &own {
            candidates.push(own.candidate(workload)?);
        }
        for candidate in candidates {
            match trial::measure(device, workload, &candidate, options.samples.into()) {
                Ok(outcome) => {
                    let measurement = Measurement::new(workload, &candidate.name, &outcome, ceiling);
                    if options.format == Format::Text {
                        println!("{}", report::line(&measurement));
                    }
                    measurements.push(measurement);
                }
                Err(error) => {
                    eprintln!("error: {workload}, {}: {error:#}", candidate.name);
                    failures += 1;
                }
            }
        }
    }
    Ok(Figures { measurements, failures })
}

fn run(options: &CommandLine) -> Result<bool> {
    let earlier = options.compare.as_deref().map(Earlier::read).transpose()?;
    let device = Device::request_blocking(&options.device.as_str().into())?;
    let workloads = chosen(options, &device)?;
    if options.list {
        workloads.iter().for_each(|workload| println!("{:<14} {workload}", workload.origin));
        return Ok(true);
    }
    let ceiling = Ceiling::measure(&device, options.samples.into())?;
    let heading = report::heading(&device, &ceiling);
    if options.format == Format::Text {
        println!("{heading}\n{}", report::titles());
    }
    let Figures { measurements, failures } = measure(options, &device, &ceiling, &workloads)?;
    let json = format!("{:#}\n", report::json(&device, &ceiling, &measurements));
    match options.format {
        Format::Text => {}
        Format::Markdown => print!("{}", report::markdown(&heading, &measurements)),
        Format::Json => print!("{json}"),
    }
    if let Some(path) = &options.json {
        fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &options.roofline {
        roofline::draw(path, &device.info().name, &ceiling, &measurements)?;
    }
    let has_regression = earlier.map(|earlier| compare(&earlier, &measurements)).transpose()?.unwrap_or(false);
    Ok(failures == 0 && !(has_regression && options.fail_on_regression))
}

/// Prints what has changed, to standard error since figures may go to standard output, and says whether anything is slower.
fn compare(earlier: &Earlier, measurements: &[Measurement]) -> Result<bool> {
    let (changes, both) = earlier.changes(measurements)?;
    for change in &changes {
        let word = if change.is_regression() { "slower" } else { "faster" };
        eprintln!("{word}: {} takes {:.2} times as long as before", change.key, change.ratio);
    }
    eprintln!("{} of {both} kernels differ beyond the noise", changes.len());
    Ok(changes.iter().any(comparison::Change::is_regression))
}

fn main() -> ExitCode {
    match run(&CommandLine::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
