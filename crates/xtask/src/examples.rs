//! Runs all example programs, one after another, and says how long each took and what it said last: its figures.

use std::fs;
use std::io;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::cargo;
use crate::set_up::set_up;

/// Builds all examples and runs each, in the order of their names. The exit status tells whether one failed.
pub fn run() -> Result<ExitCode> {
    set_up();
    cargo::succeed(cargo::in_workspace().args(["build", "--release", "--examples"]))?;
    let mut failed = false;
    let mut lines = Vec::new();
    for name in names()? {
        println!("\n== {name} ==");
        let began = Instant::now();
        let mut last = String::new();
        let mut command = cargo::in_workspace();
        command.args(["run", "--quiet", "--release", "--example", &name]);
        let status = cargo::stream(&mut command, io::stdout(), |line| line.trim().clone_into(&mut last))?;
        failed |= !status.success();
        let outcome = if status.success() { last } else { format!("failed: {status}") };
        lines.push(format!("{name:<16} {:>7.1} s  {outcome}", began.elapsed().as_secs_f64()));
    }
    println!("\n== All examples ==\n{}", lines.join("\n"));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The names of all examples, sorted: those of files, and those of folders that have a `main.rs`, as cargo has it.
fn names() -> Result<Vec<String>> {
    let folder = cargo::workspace_root().join("examples");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && !path.join("main.rs").is_file() {
            continue;
        }
        names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_with_a_program_are_examples() {
        let names = names().unwrap();
        assert!(names.is_sorted());
        for name in ["mnist", "perceptron", "transformer"] {
            assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
        }
        assert!(!names.contains(&"pytorch".to_owned()), "{names:?}");
    }
}
