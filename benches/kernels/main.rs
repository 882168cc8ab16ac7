//! How fast every kernel is, and how fast the adapter would let it be.
//!
//! `cargo bench --bench kernels -- --help` lists the options. Times are the adapter's own, by its timestamps; where it has
//! none, those of a submission.

mod ceiling;
#[path = "../support/commit.rs"]
mod commit;
mod comparison;
mod destination;
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
    chosen.retain(|workload| options.chooses(&workload.label(), &workload.shapes(), &workload.origin));
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
    if let Some(reason) = earlier.as_ref().and_then(|earlier| earlier.of_another_adapter(device.info())) {
        ensure!(!options.fail_on_regression, "--fail-on-regression: nothing is a regression where {reason}");
        eprintln!("note: {reason}");
    }
    options.json.as_deref().map(destination::check_text).transpose()?;
    options.roofline.as_deref().map(destination::check_picture).transpose()?;
    let before = Ceiling::measure(&device, options.samples.into())?;
    if options.format == Format::Text {
        println!("{}\n{}", report::heading(&device, &before), report::titles());
    }
    let Figures { mut measurements, failures } = measure(options, &device, &before, &workloads)?;
    let ceiling = before.or_better(Ceiling::measure(&device, options.samples.into())?);
    measurements.iter_mut().for_each(|measurement| measurement.hold_against(&ceiling));
    let heading = report::heading(&device, &ceiling);
    let json = format!("{:#}\n", report::json(&device, &ceiling, &measurements));
    match options.format {
        Format::Text if ceiling == before => {}
        Format::Text => println!("Measured again, the ceiling is higher, which files go by:\n{heading}"),
        Format::Markdown => print!("{}", report::markdown(&heading, &measurements)),
        Format::Json => print!("{json}"),
    }
    if let Some(path) = &options.json {
        fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &options.roofline {
        roofline::draw(path, &device.info().name, &ceiling, &measurements)?;
    }
    let has_regression = earlier.map(|earlier| compare(options, &earlier, &measurements)).transpose()?.unwrap_or(false);
    Ok(failures == 0 && !(has_regression && options.fail_on_regression))
}

/// Prints what has changed, to standard error since figures may go to standard output, and says whether anything is slower.
fn compare(options: &CommandLine, earlier: &Earlier, measurements: &[Measurement]) -> Result<bool> {
    let comparison = earlier.compare(measurements, |label, shapes, origin| options.chooses(label, shapes, origin))?;
    eprintln!("{comparison}");
    Ok(comparison.changes.iter().any(comparison::Change::is_regression))
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
