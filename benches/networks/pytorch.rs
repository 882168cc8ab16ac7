//! PyTorch's figures for the same networks, from `pytorch.py`.

use std::fmt;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use wgrad::DeviceKind;

/// The script, which prints the figures as JSON.
pub const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/networks/pytorch.py");

/// What PyTorch's steps took.
#[derive(Clone, Debug)]
pub struct PyTorch {
    version: String,
    device: String,
    threads: u64,
    networks: Vec<Timed>,
}

#[derive(Clone, Debug)]
struct Timed {
    name: String,
    batch: u64,
    parameters: u64,
    milliseconds: Vec<f64>,
}

impl PyTorch {
    /// Measures the networks whose name has `filter` in it: on CUDA where wgrad's device is a GPU, else on the CPU.
    ///
    /// # Errors
    /// Where `python` does not run, the script fails, or prints something else.
    pub fn measure(python: &str, kind: DeviceKind, filter: &str) -> Result<Self> {
        let device = match kind {
            DeviceKind::Gpu => "cuda",
            DeviceKind::Software | DeviceKind::Cpu => "cpu",
        };
        let mut command = Command::new(python);
        command.arg(SCRIPT).args(["--device", device]).arg(format!("--network={filter}"));
        let output = command.output().with_context(|| format!("cannot run {python}"))?;
        let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        ensure!(output.status.success(), "{python} {SCRIPT}: {}\n{}", output.status, stderr.trim_end());
        Self::parse(&stdout).with_context(|| format!("{SCRIPT} printed {stdout:?}"))
    }

    /// What the script prints.
    ///
    /// # Errors
    /// Where a member is missing or of another type.
    pub fn parse(text: &str) -> Result<Self> {
        let json: Value = serde_json::from_str(text)?;
        Ok(Self {
            version: string(&json, "version")?,
            device: string(&json, "device")?,
            threads: count(&json, "threads")?,
            networks: array(&json, "networks")?.iter().map(Timed::parse).collect::<Result<_>>()?,
        })
    }

    /// A network's milliseconds a step in each window, shortest first.
    ///
    /// # Errors
    /// Where it was not measured, or is another network than wgrad's: its batch or the number of its parameters differs.
    pub fn milliseconds(&self, name: &str, batch: usize, parameters: usize) -> Result<&[f64]> {
        let found = self.networks.iter().find(|network| network.name == name);
        let found = found.with_context(|| format!("{SCRIPT} has not measured {name}"))?;
        let [ours, theirs] = [[batch as u64, parameters as u64], [found.batch, found.parameters]];
        ensure!(ours == theirs, "{name}: batch and parameters are {ours:?} in wgrad, {theirs:?} in {SCRIPT}");
        Ok(&found.milliseconds)
    }

    /// What the figures are of.
    pub fn json(&self) -> Value {
        json!({ "version": self.version, "device": self.device, "threads": self.threads })
    }
}

impl fmt::Display for PyTorch {
    /// What the figures are of, in one line.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "PyTorch {} on {}, {} threads of the CPU", self.version, self.device, self.threads)
    }
}

impl Timed {
    fn parse(json: &Value) -> Result<Self> {
        let windows = array(json, "ms_per_step_of_windows")?;
        let milliseconds: Vec<f64> = windows.iter().filter_map(Value::as_f64).collect();
        ensure!(!windows.is_empty() && milliseconds.len() == windows.len(), "wanted numbers, got {windows:?}");
        let [batch, parameters] = [count(json, "batch")?, count(json, "parameters")?];
        Ok(Self { name: string(json, "network")?, batch, parameters, milliseconds })
    }
}

fn string(json: &Value, member: &str) -> Result<String> {
    Ok(json[member].as_str().with_context(|| format!("wanted a string {member}"))?.to_owned())
}

fn count(json: &Value, member: &str) -> Result<u64> {
    json[member].as_u64().with_context(|| format!("wanted a number {member}"))
}

fn array<'json>(json: &'json Value, member: &str) -> Result<&'json Vec<Value>> {
    json[member].as_array().with_context(|| format!("wanted an array {member}"))
}
