//! Today's figures beside those of another day.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::measurement::Measurement;

/// A change is noise where it is not larger than this share, or than three times the spreads.
const LEAST: f64 = 0.05;

/// Figures of an earlier run, by what was measured: nanoseconds and spread.
#[derive(Clone, Debug)]
pub struct Earlier(HashMap<String, [f64; 2]>);

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
        let figures = kernels.iter().map(|kernel| {
            let text = |name: &str| kernel[name].as_str().with_context(|| format!("got a kernel without {name}"));
            let number = |name: &str| kernel[name].as_f64().with_context(|| format!("got a kernel without {name}"));
            let key = format!("{} [{}] {}", text("operation")?, text("shapes")?, text("candidate")?);
            Ok((key, [number("nanoseconds")?, number("spread")?]))
        });
        Ok(Self(figures.collect::<Result<_>>()?))
    }

    /// What has changed, the slowest first, and how many kernels were in both.
    pub fn changes(&self, now: &[Measurement]) -> Result<(Vec<Change>, usize)> {
        let both: Vec<_> = now.iter().filter_map(|now| Some((now, self.0.get(&now.key())?))).collect();
        ensure!(!both.is_empty(), "none of the kernels was measured before");
        let mut changes: Vec<Change> = both.iter().filter_map(|(now, before)| change(now, before)).collect();
        changes.sort_by(|one, other| other.ratio.total_cmp(&one.ratio));
        Ok((changes, both.len()))
    }
}

fn change(now: &Measurement, [before, spread]: &[f64; 2]) -> Option<Change> {
    let ratio = now.nanoseconds / before;
    let noise = LEAST.max(3.0 * spread.max(now.spread));
    (ratio > 1.0 + noise || ratio < 1.0 / (1.0 + noise)).then(|| Change { key: now.key(), ratio })
}
