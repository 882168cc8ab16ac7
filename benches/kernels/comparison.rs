//! Today's figures beside those of another day.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use wgrad::executor::AdapterInfo;

use crate::measurement::Measurement;

/// A change is noise where it is not larger than this share, or than three times the spreads.
const LEAST: f64 = 0.05;
/// The same where one of the two was timed less often than [`ENOUGH`], so that its spread says nothing.
const LEAST_OF_FEW: f64 = 0.5;
/// The samples that a spread takes.
const ENOUGH: u64 = 3;

/// The figures of an earlier run.
#[derive(Clone, Debug)]
pub struct Earlier {
    adapter: String,
    kernels: Vec<Kernel>,
}

/// One kernel's.
#[derive(Clone, Debug)]
struct Kernel {
    /// As [`Workload::label`](crate::workload::Workload::label).
    label: String,
    shapes: String,
    origin: String,
    /// As [`Measurement::key`].
    key: String,
    nanoseconds: f64,
    spread: f64,
    /// One where the file does not say.
    samples: u64,
}

/// What differs between two runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The slowest first.
    pub changes: Vec<Change>,
    /// How many kernels were in both.
    pub both: usize,
    /// How many of those that were chosen now were there before, and were not measured now.
    pub missing: usize,
    /// How many of those in both were timed too seldom in one of them.
    pub few: usize,
    /// What several kernels of one run are called, none of which is compared.
    pub doubled: Vec<String>,
}

/// A kernel that is faster or slower beyond the noise.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub key: String,
    /// The time now, by the time before.
    pub ratio: f64,
}

impl Change {
    pub fn is_regression(&self) -> bool {
        self.ratio > 1.0
    }
}

impl Earlier {
    /// Reads what `--json` has written.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{}: wanted what --json writes", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let json: Value = serde_json::from_str(text)?;
        let kernels = json["kernels"].as_array().context("got no member kernels")?;
        let text = |name: &str| json[name].as_str().with_context(|| format!("got no member {name}"));
        Ok(Self {
            adapter: adapter(text("adapter")?, text("backend")?, text("driver")?),
            kernels: kernels.iter().map(Kernel::parse).collect::<Result<_>>()?,
        })
    }

    /// Both adapters with their drivers, where today's is another: what is slower then may be so for that reason alone.
    pub fn of_another_adapter(&self, now: &AdapterInfo) -> Option<String> {
        let (before, now) = (&self.adapter, adapter(&now.name, now.backend.to_str(), &now.driver));
        (*before != now).then(|| format!("the figures before are of another adapter or driver: {before}, now {now}"))
    }

    /// Holds a run's figures against these, of which it has chosen some, by label, shapes and origin.
    ///
    /// # Errors
    /// Where nothing is in both.
    pub fn compare(&self, now: &[Measurement], is_chosen: impl Fn(&str, &str, &str) -> bool) -> Result<Comparison> {
        let keys: Vec<String> = now.iter().map(Measurement::key).collect();
        let mut doubled = repeated(self.kernels.iter().map(|kernel| kernel.key.as_str()));
        doubled.extend(repeated(keys.iter().map(String::as_str)));
        let is_alone = |key: &str| !doubled.contains(&key);
        let before: HashMap<&str, &Kernel> =
            self.kernels.iter().map(|kernel| (kernel.key.as_str(), kernel)).filter(|(key, _)| is_alone(key)).collect();
        let both: Vec<(&Measurement, &Kernel)> =
            now.iter().zip(&keys).filter_map(|(now, key)| Some((now, *before.get(key.as_str())?))).collect();
        ensure!(!both.is_empty(), "none of the kernels was measured before");
        let mut changes: Vec<Change> = both.iter().filter_map(|(now, before)| change(now, before)).collect();
        changes.sort_by(|one, other| other.ratio.total_cmp(&one.ratio));
        let chosen = before.values().filter(|kernel| is_chosen(&kernel.label, &kernel.shapes, &kernel.origin));
        let measured: HashSet<&str> = keys.iter().map(String::as_str).collect();
        let missing = chosen.filter(|kernel| !measured.contains(kernel.key.as_str())).count();
        let few = both.iter().filter(|(now, before)| are_few(now, before)).count();
        let mut doubled: Vec<String> = doubled.into_iter().map(str::to_owned).collect();
        doubled.sort();
        Ok(Comparison { changes, both: both.len(), missing, few, doubled })
    }
}

impl Kernel {
    fn parse(json: &Value) -> Result<Self> {
        let text = |name: &str| json[name].as_str().with_context(|| format!("got a kernel without {name}"));
        let (operation, shapes, candidate) = (text("operation")?, text("shapes")?, text("candidate")?);
        let key = format!("{operation} [{shapes}] {candidate}");
        let number = |name: &str| json[name].as_f64().with_context(|| format!("{key}: got no number {name}"));
        let (nanoseconds, spread) = (number("nanoseconds")?, number("spread")?);
        ensure!(nanoseconds > 0.0 && nanoseconds.is_finite(), "{key}: wanted nanoseconds above 0, got {nanoseconds}");
        ensure!(spread >= 0.0 && spread.is_finite(), "{key}: wanted a spread of 0 or more, got {spread}");
        Ok(Self {
            label: text("label")?.to_owned(),
            shapes: shapes.to_owned(),
            origin: text("origin")?.to_owned(),
            // Not all files say how many there were.
            samples: json["samples"].as_u64().unwrap_or(1),
            key,
            nanoseconds,
            spread,
        })
    }
}

impl fmt::Display for Comparison {
    /// A line for each change, what is to be known of the figures, and a summary.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let Self { changes, both, missing, few, doubled } = self;
        for key in doubled {
            writeln!(formatter, "warning: not compared, since several kernels of one run are called so: {key}")?;
        }
        for change in changes {
            let word = if change.is_regression() { "slower" } else { "faster" };
            writeln!(formatter, "{word}: {} takes {:.2} times as long as before", change.key, change.ratio)?;
        }
        if *few > 0 {
            writeln!(
                formatter,
                "{few} of {both} kernels were timed less than {ENOUGH} times now or before, or nobody knows how often: \
                 of these, only changes beyond {:.0} % count",
                100.0 * LEAST_OF_FEW
            )?;
        }
        write!(formatter, "{} of {both} kernels differ beyond the noise", changes.len())?;
        match missing {
            0 => Ok(()),
            missing => write!(formatter, "; {missing} that were measured before were not measured now"),
        }
    }
}

/// How an adapter is told from others.
fn adapter(name: &str, backend: &str, driver: &str) -> String {
    format!("{name} ({backend}, {driver})")
}

/// What is there more than once.
fn repeated<'a>(keys: impl Iterator<Item = &'a str>) -> HashSet<&'a str> {
    let mut known = HashSet::new();
    keys.filter(|key| !known.insert(*key)).collect()
}

fn are_few(now: &Measurement, before: &Kernel) -> bool {
    before.samples.min(now.samples as u64) < ENOUGH
}

fn change(now: &Measurement, before: &Kernel) -> Option<Change> {
    let ratio = now.nanoseconds / before.nanoseconds;
    let least = if are_few(now, before) { LEAST_OF_FEW } else { LEAST };
    let noise = least.max(3.0 * before.spread.max(now.spread));
    (ratio > 1.0 + noise || ratio < 1.0 / (1.0 + noise)).then(|| Change { key: now.key(), ratio })
}
