//! What a program says while it trains.

use std::fmt::Display;
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use wgrad::{Control, CooperativeMatrices, Dataset, Device, Epoch, History, Progress, Score, Trainer};

use crate::options::TrainingOptions;
use crate::output::{epoch_json, epoch_text, mention, print, write_all};

/// Steps that a timeline shows.
const TIMED_STEPS: u32 = 16;

/// Says what happens: text for people, JSON for programs, and a bar on a terminal.
#[derive(Debug)]
pub struct Report {
    options: TrainingOptions,
    device: Device,
}

impl Report {
    pub(crate) fn new(options: TrainingOptions, device: Device) -> Self {
        Self { options, device }
    }

    /// Says something that is no result: with `--json` it goes to stderr.
    ///
    /// # Errors
    /// Where the standard output cannot be written to.
    pub fn note(&mut self, text: &dyn Display) -> Result<()> {
        if !self.options.json {
            return print(text);
        }
        mention(text);
        Ok(())
    }

    /// Trains as the options ask for, and reports each epoch. Before, it tunes kernels, shows plans, and writes shaders and a
    /// timeline, each where an option asks for it.
    ///
    /// # Errors
    /// Those of [`Trainer::fit`]; where a file or the standard output cannot be written to.
    pub fn fit(&mut self, trainer: &mut Trainer, train: &Dataset, test: Option<&Dataset>) -> Result<History> {
        self.prepare(trainer, train, test)?;
        let bar = watch(trainer)?;
        let (epochs, is_json) = (self.options.epochs, self.options.json);
        // What keeps an epoch from being written ends the training.
        let mut written = Ok(());
        let history = trainer.fit(train, epochs, test, |epoch: &Epoch| {
            let text = if is_json { epoch_json(epoch).to_string() } else { epoch_text(epoch, epochs) };
            written = bar.suspend(|| print(&text));
            if written.is_ok() { Control::Continue } else { Control::Stop }
        })?;
        bar.finish_and_clear();
        written.map(|()| history)
    }

    /// Says what came of the training.
    ///
    /// # Errors
    /// Where the weights cannot be read from the device, or the standard output cannot be written to.
    pub fn result(&mut self, trainer: &mut Trainer, score: &Score) -> Result<()> {
        let weights_hash = trainer.weights_hash()?;
        if !self.options.json {
            return print(&format!("test: {score}; weights {weights_hash}"));
        }
        print(&json!({
            "device": self.device.name(),
            "device_kind": self.device.kind().to_string(),
            "backend": self.device.backend(),
            "test_accuracy": score.accuracy,
            "weights_hash": weights_hash,
        }))
    }

    fn prepare(&mut self, trainer: &mut Trainer, train: &Dataset, test: Option<&Dataset>) -> Result<()> {
        let TrainingOptions { tune, print_plan, dump_shaders, timeline, .. } = self.options.clone();
        if let Some(seconds) = tune {
            let tuning = trainer.tune(train, Duration::from_secs(seconds.into())).context("--tune")?;
            self.note(&tuning)?;
            if let Some(reason) = &tuning.not_kept {
                mention(&format!("warning: later runs will not have these kernels: {reason}"));
            }
        }
        trainer.prepare(train, test)?;
        let matrices = self.device.cooperative_matrices();
        if matches!(matrices, CooperativeMatrices::Used(_) | CooperativeMatrices::LeftOff { .. }) {
            self.note(&format!("cooperative matrices: {matrices}"))?;
        }
        if print_plan {
            self.note(&trainer.plan_text())?;
        }
        if let Some(folder) = dump_shaders {
            let shaders = trainer.shaders();
            write_all(&folder, &shaders)?;
            self.note(&format!("{} shaders are in {}", shaders.len(), folder.display()))?;
        }
        if let Some(path) = timeline {
            let timeline = trainer.timeline(train, TIMED_STEPS).context("--timeline")?;
            timeline.write(&path)?;
            self.note(&format!("{} dispatches are in {}", timeline.spans().len(), path.display()))?;
        }
        Ok(())
    }
}

/// Shows a bar for each epoch on a terminal. Elsewhere nobody looks, and the device need not be interrupted.
fn watch(trainer: &mut Trainer) -> Result<ProgressBar> {
    let bar = ProgressBar::new(0);
    if bar.is_hidden() {
        return Ok(bar);
    }
    bar.set_style(ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} steps, {eta} left")?);
    let shown = bar.clone();
    trainer.on_progress(move |progress| show(&shown, &progress));
    Ok(bar)
}

fn show(bar: &ProgressBar, progress: &Progress) {
    if progress.step == 0 {
        bar.set_prefix(format!("epoch {}/{}", progress.epoch, progress.epochs));
        bar.set_length(progress.steps as u64);
        bar.reset();
    }
    bar.set_position(progress.step as u64);
}
