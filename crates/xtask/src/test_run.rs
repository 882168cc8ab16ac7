//! Runs all tests of the workspace: first those that need no adapter, then those that do.

use std::ffi::OsString;
use std::io;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::cargo;
use crate::set_up::{Adapter, set_up};
use crate::test_targets::TestTargets;
use crate::totals::{Totals, listed_tests};

/// Sets the machine up and runs the tests, each test program with `arguments`.
///
/// All cargo runs select the whole workspace: a smaller choice has other features, and would build naga twice.
pub fn run(arguments: &[OsString]) -> Result<ExitCode> {
    let adapter = set_up();
    let targets = TestTargets::of_workspace(cargo::workspace_root())?;
    let mut totals = run_without_adapter(&targets.without_adapter, arguments)?;
    let not_run = if targets.with_adapter.is_empty() {
        None
    } else {
        run_with_adapter(adapter, &targets.with_adapter, arguments, &mut totals)?
    };
    Ok(conclude(&totals, not_run.as_deref()))
}

fn run_without_adapter(tests: &[String], arguments: &[OsString]) -> Result<Totals> {
    heading("Examples compile");
    // Choosing tests by name leaves the examples out, which plain `cargo test` builds.
    let mut totals = counted(cargo::in_workspace().args(["build", "--workspace", "--examples"]))?;
    heading("Tests that need no adapter");
    totals += counted(cargo_test(tests).args(["--lib", "--bins", "--"]).args(arguments))?;
    heading("Examples in the documentation");
    totals += counted(cargo_test(&[]).args(["--doc", "--"]).args(arguments))?;
    Ok(totals)
}

/// Runs the tests that need an adapter, or counts them as skipped and returns how to get one.
fn run_with_adapter(adapter: Adapter, tests: &[String], arguments: &[OsString], totals: &mut Totals) -> Result<Option<String>> {
    heading("Tests that need an adapter");
    match adapter {
        Adapter::Expected => {
            *totals += counted(cargo_test(tests).arg("--").args(arguments))?;
            Ok(None)
        }
        Adapter::Missing { remedy } => {
            println!("Not run: this machine has no Vulkan driver.");
            *totals += skipped(cargo_test(tests).args(["--", "--list"]).args(arguments))?;
            Ok(Some(remedy))
        }
    }
}

fn heading(text: &str) {
    println!("\n== {text} ==");
}

fn cargo_test(tests: &[String]) -> Command {
    let mut command = cargo::in_workspace();
    command.args(["test", "--workspace", "--no-fail-fast"]);
    for test in tests {
        command.args(["--test", test]);
    }
    command
}

/// Runs `command` and counts the tests it reports.
fn counted(command: &mut Command) -> Result<Totals> {
    let mut totals = Totals::default();
    let status = cargo::stream(command, io::stdout(), |line| totals += Totals::from_result_line(line).unwrap_or_default())?;
    Ok(with_failure(totals, status.success()))
}

/// Builds the tests of `command`, which lists them, and counts each as skipped.
fn skipped(command: &mut Command) -> Result<Totals> {
    let mut totals = Totals::default();
    let status = cargo::stream(command, io::stdout(), |line| totals.skipped += listed_tests(line).unwrap_or_default())?;
    Ok(with_failure(totals, status.success()))
}

/// A run that fails without a failed test (it did not compile, or a test program died) counts as one failure.
fn with_failure(mut totals: Totals, succeeded: bool) -> Totals {
    if !succeeded && totals.failed == 0 {
        totals.failed = 1;
    }
    totals
}

/// Says what went wrong, if anything did, and prints the totals alone on the last line.
fn conclude(totals: &Totals, not_run: Option<&str>) -> ExitCode {
    println!();
    if let Some(remedy) = not_run {
        println!("The tests that need an adapter were not run. {remedy}");
    }
    if !totals.ran_any() {
        println!("No test was executed.");
    }
    println!("{totals}");
    if totals.failed > 0 || !totals.ran_any() || not_run.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSED: Totals = Totals { passed: 3, failed: 0, skipped: 0 };

    #[test]
    fn a_run_that_dies_without_a_failed_test_counts_as_a_failure() {
        assert_eq!(with_failure(PASSED, false).failed, 1);
        assert_eq!(with_failure(PASSED, true).failed, 0);
        assert_eq!(with_failure(Totals { failed: 2, ..PASSED }, false).failed, 2);
    }

    #[test]
    fn only_a_complete_run_of_passing_tests_succeeds() {
        assert_eq!(conclude(&PASSED, None), ExitCode::SUCCESS);
        assert_eq!(conclude(&Totals { failed: 1, ..PASSED }, None), ExitCode::FAILURE);
        assert_eq!(conclude(&PASSED, Some("install a driver")), ExitCode::FAILURE);
        assert_eq!(conclude(&Totals { skipped: 4, ..Totals::default() }, None), ExitCode::FAILURE);
    }
}
