//! Checks that wgrad builds with the oldest Rust it promises, `rust-version` in the workspace's `Cargo.toml`.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cargo;

/// This crate shares the workspace's promise.
const PROMISED: &str = env!("CARGO_PKG_RUST_VERSION");

/// Checks the workspace with the promised version, unless it is the one that has just passed clippy.
pub fn check() -> Result<()> {
    let running = cargo::output(Command::new("rustc").arg("--version"))?;
    let running = running.split_whitespace().nth(1).context("rustc --version gives no version")?;
    if is_release_of(PROMISED, running) {
        println!("this is Rust {running}, a release of the minimum, {PROMISED}: clippy has checked it");
        return Ok(());
    }
    let Some(toolchain) = installed_toolchain() else {
        bail!("Rust {PROMISED}, the minimum, is not installed: run rustup toolchain install {PROMISED} --profile minimal");
    };
    println!("checking with Rust {PROMISED}, the minimum");
    let mut command = Command::new("rustup");
    command.args(["run", &toolchain, "cargo", "check", "--workspace", "--locked"]);
    cargo::succeed(command.current_dir(cargo::workspace_root()))
}

fn installed_toolchain() -> Option<String> {
    let list = cargo::output(Command::new("rustup").args(["toolchain", "list"])).ok()?;
    toolchain_of(PROMISED, &list)
}

/// The first toolchain of `version` in what `rustup toolchain list` prints.
fn toolchain_of(version: &str, list: &str) -> Option<String> {
    let names = list.lines().filter_map(|line| line.split_whitespace().next());
    names.into_iter().find(|name| is_release_of(version, name)).map(str::to_owned)
}

/// Whether `name`, a version or a toolchain such as `1.95.0-x86_64-unknown-linux-gnu`, is a release of `version`.
fn is_release_of(version: &str, name: &str) -> bool {
    name.strip_prefix(version).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_are_releases_of_their_version() {
        for name in ["1.95", "1.95.0", "1.95.1-x86_64-unknown-linux-gnu", "1.95-aarch64-apple-darwin"] {
            assert!(is_release_of("1.95", name), "{name}");
        }
        for name in ["1.9.5", "1.96.0", "1.950.0", "stable-x86_64-unknown-linux-gnu"] {
            assert!(!is_release_of("1.95", name), "{name}");
        }
    }

    #[test]
    fn the_toolchain_is_found_among_those_installed() {
        let list = "stable-x86_64-unknown-linux-gnu (active, default)\n1.95.0-x86_64-unknown-linux-gnu\n";
        assert_eq!(toolchain_of("1.95", list).as_deref(), Some("1.95.0-x86_64-unknown-linux-gnu"));
        assert_eq!(toolchain_of("1.94", list), None);
    }
}
