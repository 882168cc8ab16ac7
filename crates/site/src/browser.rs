//! Headless Chromium.

use std::env;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use tempfile::TempDir;

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// What keeps it to the page: no connections of its own.
const QUIET: [&str; 8] = [
    "--headless",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--enable-logging=stderr",
];

/// WebGPU on the CPU.
const SOFTWARE: [&str; 2] = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
/// Vulkan on the CPU for what pages look like. Without it WebGPU's device is lost as soon as it is to draw on a canvas.
const SOFTWARE_SCREEN: [&str; 4] =
    ["--enable-features=Vulkan", "--use-vulkan=swiftshader", "--use-angle=swiftshader", "--ignore-gpu-blocklist"];

/// What a browser has for WebGPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The CPU, with as many threads as it has.
    Software,
    /// The same, which can also draw on the page's canvases.
    SoftwareScreen,
    /// Nothing, not even `navigator.gpu`: browsers give it to pages that came safely, from HTTPS or from the same computer.
    Missing,
}

/// A name of this computer that browsers do not know to be one.
const INSECURE: &str = "wgrad.test";

/// A browser that shows one page, until it is dropped.
pub struct Browser {
    child: Child,
    profile: TempDir,
}

impl Browser {
    /// Opens a page of a server on a port of this computer.
    pub fn open(port: u16, page: &str, device: Device) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let log = File::create(profile.path().join("log"))?;
        // Before all else that runs here, where that is allowed: the page is measured, and not what the machine does besides.
        let mut command = Command::new("nice");
        command
            .args(["-n", "-10"])
            .arg(program()?)
            .args(QUIET)
            .arg(format!("--user-data-dir={}", profile.path().join("profile").display()));
        // As root, and in containers, its sandbox does not work; the page is our own.
        command.args(["--no-sandbox", "--window-size=1200,900"]);
        match device {
            Device::Software => command.args(SOFTWARE),
            Device::SoftwareScreen => command.args(SOFTWARE).args(SOFTWARE_SCREEN),
            Device::Missing => command.arg(format!("--host-resolver-rules=MAP {INSECURE} 127.0.0.1")),
        };
        let host = if device == Device::Missing { INSECURE } else { "127.0.0.1" };
        command.arg(format!("http://{host}:{port}/{page}")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self { child, profile })
    }

    /// What pages have said on their console, and the browser's own words.
    pub fn log(&self) -> String {
        fs::read_to_string(self.profile.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The browser's program: what the variable `CHROMIUM` names, else the first that is installed.
fn program() -> Result<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    let found = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file());
    found.context("there is no Chromium: install it (on Debian: apt-get install chromium), or let CHROMIUM name it")
}
