//! Timing of steps that a device runs by itself.

use std::time::Instant;

use anyhow::Result;

/// How many steps are measured.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// The steps before the first window.
    pub warm_up: u32,
    /// The number of windows.
    pub count: usize,
    /// The steps of a window.
    pub steps: u32,
    /// The steps in which each dispatch is timed.
    pub profiled: u32,
}

/// What the steps of each window took on average.
#[derive(Clone, Debug)]
pub struct StepTimes {
    /// The steps of a window.
    pub steps: u32,
    /// In microseconds, shortest first.
    pub microseconds: Vec<f64>,
}

impl Windows {
    /// Times `run`, which runs so many steps and waits for them.
    pub fn time(&self, mut run: impl FnMut(u32) -> Result<()>) -> Result<StepTimes> {
        run(self.warm_up)?;
        let mut microseconds = Vec::new();
        for _ in 0..self.count {
            let began = Instant::now();
            run(self.steps)?;
            microseconds.push(began.elapsed().as_secs_f64() * 1e6 / f64::from(self.steps));
        }
        microseconds.sort_by(f64::total_cmp);
        Ok(StepTimes { steps: self.steps, microseconds })
    }
}

impl StepTimes {
    /// That of the middle window.
    pub fn median(&self) -> f64 {
        self.microseconds.get(self.microseconds.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// Those of the fastest and the slowest window.
    pub fn range(&self) -> [f64; 2] {
        [self.microseconds.first(), self.microseconds.last()].map(|end| end.copied().unwrap_or(f64::NAN))
    }
}
