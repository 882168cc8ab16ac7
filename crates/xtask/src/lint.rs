//! Runs all checks that need no test: format, clippy, docs, licences and the minimum Rust version.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::{cargo, licence, rust_version};

/// A named check.
type Check = (&'static str, fn() -> Result<()>);

const CHECKS: [Check; 6] = [
    ("format", format),
    ("clippy", clippy),
    ("browser", browser),
    ("docs", docs),
    ("licences", licences),
    // After clippy, which proves it where the running Rust is the oldest.
    ("minimum Rust version", rust_version::check),
];

/// Runs every check, also after one has failed, and names those that did.
pub fn run() -> Result<ExitCode> {
    install_components()?;
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        println!("== {name} ==");
        if let Err(error) = check() {
            eprintln!("error: {error:#}");
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        println!("lint: failed: {}", failed.join(", "));
        return Ok(ExitCode::FAILURE);
    }
    println!("lint: clean");
    Ok(ExitCode::SUCCESS)
}

fn format() -> Result<()> {
    cargo::succeed(cargo::in_workspace().args(["fmt", "--all", "--check"]))?;
    let mut rustfmt = Command::new("rustfmt");
    cargo::succeed(rustfmt.current_dir(cargo::workspace_root()).args(["--check", "--edition", "2024"]).args(operations()?))
}

/// The Rust files of the operations, which `cargo fmt` does not find, since a macro declares their modules.
fn operations() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![cargo::workspace_root().join("shaders")];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn clippy() -> Result<()> {
    let mut command = cargo::in_workspace();
    cargo::succeed(command.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// Clippy for what runs in a browser.
fn browser() -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let folder = cargo::output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]))?;
    let mut libraries = fs::read_dir(folder.trim()).into_iter().flatten().flatten();
    if !libraries.any(|library| library.file_name().to_string_lossy().starts_with("libstd-")) {
        println!("not checked: this Rust has no {TARGET} (rustup target add {TARGET}); cargo xtask test-web finds another way");
        return Ok(());
    }
    let mut command = cargo::in_workspace();
    cargo::succeed(command.args(["clippy", "--package", "web", "--target", TARGET, "--", "-D", "warnings"]))
}

fn docs() -> Result<()> {
    let mut command = cargo::in_workspace();
    command.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    cargo::succeed(&mut command)
}

fn licences() -> Result<()> {
    if cargo::succeeds_quietly(cargo::in_workspace().args(["deny", "--version"])) {
        let mut command = cargo::in_workspace();
        return cargo::succeed(command.args(["deny", "--locked", "check", "licenses", "bans", "sources"]));
    }
    licence::check()
}

/// Adds rustfmt and clippy, which rustup's minimal profile leaves out.
fn install_components() -> Result<()> {
    let missing = |tool: &&str| !cargo::succeeds_quietly(cargo::command().args([tool, "--version"]));
    if !["fmt", "clippy"].iter().any(missing) {
        return Ok(());
    }
    if !cargo::succeeds_quietly(Command::new("rustup").arg("--version")) {
        bail!("lint needs rustfmt and clippy: install them with your Rust, with rustup: rustup component add rustfmt clippy");
    }
    println!("Installing rustfmt and clippy.");
    cargo::succeed(Command::new("rustup").args(["component", "add", "rustfmt", "clippy"]))
}
