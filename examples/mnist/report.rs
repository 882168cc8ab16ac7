//! What the program says: text for people, JSON for programs, and a bar on a terminal.

use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use wgrad::executor::AdapterInfo;
use wgrad::prelude::*;
use wgrad::{DeviceKind, Epoch, Progress, Score};

use crate::digits::Digits;
use crate::options::CommandLine;

/// Writes to the standard output as training goes on.
#[derive(Debug)]
pub struct Report {
    json: bool,
    epochs: usize,
    bar: ProgressBar,
    /// What kept an epoch from being written, where no error could be returned.
    failed: Option<anyhow::Error>,
}

impl Report {
    /// A report of so many epochs.
    pub fn new(json: bool, epochs: usize) -> Self {
        Self { json, epochs, bar: ProgressBar::hidden(), failed: None }
    }

    /// Something to know that is no result: with `--json` it goes to stderr.
    pub fn note(&mut self, text: &dyn Display) -> Result<()> {
        if !self.json {
            return print(text);
        }
        // The results do not depend on whether anybody reads this.
        let _ = writeln!(io::stderr(), "{text}");
        Ok(())
    }

    /// The devices that `--device` takes, by number.
    pub fn devices(&mut self, adapters: &[AdapterInfo]) -> Result<()> {
        for (number, adapter) in adapters.iter().enumerate() {
            print(&format!("{number}: {adapter}"))?;
        }
        print(&format!("cpu: {}", Device::cpu()))
    }

    /// The device that was chosen, and what to know about it.
    pub fn device(&mut self, device: &Device, wanted: &str) -> Result<()> {
        let fell_back = device.kind() == DeviceKind::Cpu && wanted == "auto";
        let reason = if fell_back { "; no Vulkan, Metal or DX12 adapter was found" } else { "" };
        self.note(&format!("device: {device}{reason}"))?;
        match device.kind() {
            DeviceKind::Software => self.note(&"hint: this adapter is software; --device cpu may be faster"),
            DeviceKind::Gpu | DeviceKind::Cpu => Ok(()),
        }
    }

    /// Has the trainer made ready, shows its plans and shaders where that is asked for, and watches its progress.
    pub fn prepare(&mut self, trainer: &mut Trainer, digits: &Digits, options: &CommandLine) -> Result<()> {
        if let Some(seconds) = options.tune {
            let tuning = trainer.tune(&digits.train, Duration::from_secs(seconds.into()))?;
            self.note(&tuning)?;
        }
        trainer.prepare(&digits.train, Some(&digits.test))?;
        if options.print_plan {
            self.note(&trainer.plan_text())?;
        }
        if let Some(folder) = &options.dump_shaders {
            let shaders = trainer.shaders();
            write_shaders(folder, &shaders)?;
            self.note(&format!("{} shaders are in {}", shaders.len(), folder.display()))?;
        }
        if let Some(path) = &options.timeline {
            let timeline = trainer.timeline(&digits.train, 16)?;
            timeline.write(path)?;
            self.note(&format!("{} dispatches are in {}", timeline.spans().len(), path.display()))?;
        }
        self.watch(trainer)
    }

    /// Shows a bar for each epoch on a terminal. Elsewhere nobody looks, and the device need not be interrupted.
    fn watch(&mut self, trainer: &mut Trainer) -> Result<()> {
        let bar = ProgressBar::new(0);
        if !bar.is_hidden() {
            bar.set_style(ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} steps, {eta} left")?);
            self.bar = bar.clone();
            trainer.on_progress(move |progress| show(&bar, &progress));
        }
        Ok(())
    }

    /// An epoch's figures. Training ends where they cannot be written.
    pub fn epoch(&mut self, epoch: &Epoch) -> Control {
        let text = if self.json { epoch_json(epoch).to_string() } else { epoch_text(epoch, self.epochs) };
        self.failed = self.bar.suspend(|| print(&text)).err();
        if epoch.epoch == self.epochs {
            self.bar.finish_and_clear();
        }
        if self.failed.is_none() { Control::Continue } else { Control::Stop }
    }

    /// What came of the training.
    pub fn result(&mut self, device: &Device, score: &Score, weights_hash: &str) -> Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if !self.json {
            return print(&format!("test: {score}; weights {weights_hash}"));
        }
        print(&json!({
            "device": device.name(),
            "device_kind": device.kind().to_string(),
            "backend": device.backend(),
            "test_accuracy": score.accuracy,
            "weights_hash": weights_hash,
        }))
    }
}

/// Prints why the program ends, with all causes in one line, unless nobody reads the standard output any more: a pipe
/// to `head` is closed early, which is no failure.
pub fn failure(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    // Where stderr is closed too, only the status can tell.
    let _ = writeln!(io::stderr(), "error: {}", causes(error));
    ExitCode::FAILURE
}

/// An error and its causes. Some errors mention their causes themselves.
fn causes(error: &anyhow::Error) -> String {
    let causes = error.chain().map(ToString::to_string);
    let join = |text: String, cause: String| if text.contains(&cause) { text } else { format!("{text}: {cause}") };
    causes.reduce(join).unwrap_or_default()
}

/// A line of the standard output. Unlike `println`, it does not panic where the output is closed.
fn print(text: &dyn Display) -> Result<()> {
    writeln!(io::stdout(), "{text}").context("cannot write to the standard output")
}

fn show(bar: &ProgressBar, progress: &Progress) {
    if progress.step == 0 {
        bar.set_prefix(format!("epoch {}/{}", progress.epoch, progress.epochs));
        bar.set_length(progress.steps as u64);
        bar.reset();
    }
    bar.set_position(progress.step as u64);
}

fn epoch_text(epoch: &Epoch, epochs: usize) -> String {
    let training = Score { loss: epoch.loss, accuracy: epoch.accuracy };
    let test = epoch.validation.map(|score| format!("; test: {score}")).unwrap_or_default();
    format!("epoch {}/{epochs}: {training}{test}; {:.1} s, {:.0} us a step", epoch.epoch, epoch.seconds, epoch.us_per_step)
}

fn epoch_json(epoch: &Epoch) -> Value {
    json!({
        "epoch": epoch.epoch,
        "loss": epoch.loss,
        "accuracy": epoch.accuracy,
        "test_accuracy": epoch.validation.and_then(|score| score.accuracy),
        "seconds": epoch.seconds,
        "us_per_step": epoch.us_per_step,
    })
}

fn write_shaders(folder: &Path, shaders: &[(String, String)]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for (name, source) in shaders {
        let path = folder.join(name);
        fs::write(&path, source).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
