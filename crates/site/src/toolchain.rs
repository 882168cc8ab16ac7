//! The compiler for browsers, wasm32-unknown-unknown.
//!
//! Where the toolchain has that target's standard library, it is the toolchain itself. Otherwise Debian's compiler, with a
//! standard library that `wasm_std.sh` builds.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{target_folder, workspace_root};

/// The target's name.
pub const TARGET: &str = "wasm32-unknown-unknown";
/// Debian's compiler.
const DEBIANS: &str = "/usr/bin/rustc";

/// What compiles for a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The one that is there.
    Own,
    /// Debian's, with its standard library in a folder, and a linker.
    Debians { sysroot: PathBuf, linker: PathBuf },
}

impl Toolchain {
    /// The toolchain, with its standard library built now if need be.
    pub fn make() -> Result<Self> {
        if let Some(known) = Self::find()? {
            return Ok(known);
        }
        let script = workspace_root().join("crates/site/wasm_std.sh");
        let status = Command::new("bash").arg(&script).arg(sysroot()).status();
        let status = status.with_context(|| format!("cannot start {}", script.display()))?;
        if !status.success() {
            bail!("there is no standard library for {TARGET}");
        }
        Self::find()?.with_context(|| format!("{} has built no standard library", script.display()))
    }

    /// The toolchain; none where its standard library is missing.
    fn find() -> Result<Option<Self>> {
        let libraries = output(Command::new(own_rustc()).args(["--print", "target-libdir", "--target", TARGET]))?;
        if holds_std(Path::new(libraries.trim())) {
            return Ok(Some(Self::Own));
        }
        let sysroot = sysroot();
        // Another version of the compiler needs another library.
        let built = std::fs::read_to_string(sysroot.join("version")).unwrap_or_default();
        let is_current = output(Command::new(DEBIANS).args(["--version", "--verbose"])).is_ok_and(|version| version == built);
        if !is_current {
            return Ok(None);
        }
        Ok(Some(Self::Debians { sysroot, linker: linker()? }))
    }

    /// A command of cargo's in the workspace, for the target.
    pub fn cargo(&self, verb: &str) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(workspace_root()).args([verb, "--target", TARGET]);
        // What is debugged is not what is served, and would be ten times as large.
        command.env("CARGO_PROFILE_RELEASE_DEBUG", "false");
        if let Self::Debians { sysroot, linker } = self {
            // Flags of the target alone: macros and build scripts run on this machine, for which the compiler has a library.
            let flags = [flag("--sysroot=", sysroot), flag("-Clinker=", linker)].join(OsStr::new("\x1f"));
            command.env("RUSTC", DEBIANS).env("CARGO_ENCODED_RUSTFLAGS", flags);
            // Wrappers and toolchain files speak of the other compiler.
            command.env_remove("RUSTC_WRAPPER").env_remove("RUSTC_WORKSPACE_WRAPPER");
        }
        command
    }
}

fn flag(name: &str, value: &Path) -> OsString {
    let mut flag = OsString::from(name);
    flag.push(value);
    flag
}

fn own_rustc() -> OsString {
    env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

fn sysroot() -> PathBuf {
    target_folder().join("wasm32-std")
}

fn holds_std(libraries: &Path) -> bool {
    let names = std::fs::read_dir(libraries).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.into_iter().any(|name| name.to_string_lossy().starts_with("libstd-"))
}

/// rustup's linker, else LLVM's of the system.
fn linker() -> Result<PathBuf> {
    let libraries = output(Command::new(own_rustc()).args(["--print", "target-libdir"]))?;
    let beside = Path::new(libraries.trim()).with_file_name("bin").join("rust-lld");
    if beside.is_file() {
        return Ok(beside);
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    let mut found = env::split_paths(&folders).map(|folder| folder.join("rust-lld")).filter(|path| path.is_file());
    found.next().context("there is no rust-lld, the linker that comes with Rust")
}

/// What a command prints, once it has succeeded.
fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
