//! Sets up a machine for wgrad, and runs its programs, tests and lints.

mod cargo;
mod distribution;
mod examples;
mod licence;
mod lint;
mod rust_version;
mod set_up;
mod test_run;
mod test_targets;
mod totals;
mod vulkan;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  mnist [OPTIONS]    Set the machine up, then train the MNIST network
                     (its options: cargo xtask mnist --help)
  examples           Set the machine up, then run all examples in full, and say
                     how long each took: some take minutes on software Vulkan
  test [-- ARGS]     Set the machine up, then run all tests: first those that
                     need no adapter, then those that do; ARGS go to each test
                     program (cargo xtask test -- --nocapture NAME)
  web [PORT]         Build the pages for a browser, and serve them on this computer
  test-web           Build the pages, and test them in headless Chromium
  lint               Check format, clippy, docs, licences and the minimum Rust version
  help               Print this text

To set up: on Linux, look for a Vulkan driver, and where there is none, install
Mesa's software driver (as root on Debian or Ubuntu) or print the command to run.";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[OsString]) -> Result<ExitCode> {
    let Some((command, rest)) = arguments.split_first() else {
        bail!("no command given\n\n{USAGE}");
    };
    match command.to_str() {
        Some("mnist") => mnist(without_separator(rest)),
        Some("examples") if rest.is_empty() => examples::run(),
        Some("examples") => bail!("examples takes no arguments, got {rest:?}"),
        Some("test") => test_run::run(test_program_arguments(rest)?),
        Some("web") => site("serve", rest),
        Some("test-web") if rest.is_empty() => site("test", rest),
        Some("test-web") => bail!("test-web takes no arguments, got {rest:?}"),
        Some("lint") if rest.is_empty() => lint::run(),
        Some("lint") => bail!("lint takes no arguments, got {rest:?}"),
        Some("help" | "--help" | "-h") => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("unknown command {command:?}\n\n{USAGE}"),
    }
}

fn mnist(options: &[OsString]) -> Result<ExitCode> {
    // Without a driver the program itself says that it runs on the CPU.
    set_up::set_up();
    let mut command = cargo::command();
    command
        .args(["run", "--release", "--package", "wgrad"])
        .args(["--example", "mnist", "--manifest-path"])
        .arg(cargo::workspace_root().join("Cargo.toml"))
        .arg("--")
        .args(options);
    cargo::exit_code(&mut command)
}

/// A command of the package that makes pages, which is not a part of this one, as it takes minutes to compile.
fn site(command: &str, arguments: &[OsString]) -> Result<ExitCode> {
    let mut site = cargo::in_workspace();
    site.args(["run", "--quiet", "--package", "site", "--", command]).args(arguments);
    cargo::exit_code(&mut site)
}

/// Accepts `mnist -- OPTIONS` too, as `test` needs the separator.
fn without_separator(arguments: &[OsString]) -> &[OsString] {
    match arguments.split_first() {
        Some((first, rest)) if first == "--" => rest,
        _ => arguments,
    }
}

fn test_program_arguments(arguments: &[OsString]) -> Result<&[OsString]> {
    match arguments.split_first() {
        None => Ok(&[]),
        Some((first, rest)) if first == "--" => Ok(rest),
        Some((first, _)) => bail!("test takes arguments only after `--`, got {first:?} before it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn a_wrong_command_is_an_error_that_shows_the_usage() {
        for arguments in ["", "train", "tests -- x"] {
            let message = format!("{:#}", run(&words(arguments)).unwrap_err());
            assert!(message.contains(USAGE), "{arguments:?}: {message}");
        }
    }

    #[test]
    fn lint_refuses_arguments() {
        assert!(run(&words("lint --fix")).is_err());
    }

    #[test]
    fn test_arguments_follow_the_separator() {
        assert_eq!(test_program_arguments(&words("-- --nocapture xor")).unwrap(), words("--nocapture xor"));
        assert!(test_program_arguments(&[]).unwrap().is_empty());
        assert!(test_program_arguments(&words("xor")).is_err());
    }

    #[test]
    fn mnist_options_may_follow_a_separator() {
        assert_eq!(without_separator(&words("-- --epochs 1")), words("--epochs 1"));
        assert_eq!(without_separator(&words("--epochs 1")), words("--epochs 1"));
    }
}
