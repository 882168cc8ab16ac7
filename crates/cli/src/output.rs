//! What is written to the standard output and to stderr.

use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use wgrad::{Epoch, Score};

/// A line of the standard output. Unlike `println`, it does not panic where the output is closed.
pub(crate) fn print(text: &dyn Display) -> Result<()> {
    writeln!(io::stdout(), "{text}").context("cannot write to the standard output")
}

/// A line of stderr, which may be lost: results do not depend on whether anybody reads it.
pub(crate) fn mention(text: &dyn Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Says why the program ends, with all causes in one line, unless nobody reads the standard output any more: a pipe to
/// `head` is closed early, which is no failure.
pub(crate) fn failure(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    mention(&format!("error: {}", causes(error)));
    ExitCode::FAILURE
}

/// An error and its causes. Some errors mention their causes themselves.
fn causes(error: &anyhow::Error) -> String {
    let causes = error.chain().map(ToString::to_string);
    let join = |text: String, cause: String| if text.contains(&cause) { text } else { format!("{text}: {cause}") };
    causes.reduce(join).unwrap_or_default()
}

/// An epoch's figures for people.
pub(crate) fn epoch_text(epoch: &Epoch, epochs: usize) -> String {
    let training = Score { loss: epoch.loss, accuracy: epoch.accuracy };
    let test = epoch.validation.map(|score| format!("; test: {score}")).unwrap_or_default();
    format!("epoch {}/{epochs}: {training}{test}; {:.1} s, {:.0} us a step", epoch.epoch, epoch.seconds, epoch.us_per_step)
}

/// An epoch's figures for programs.
pub(crate) fn epoch_json(epoch: &Epoch) -> Value {
    json!({
        "epoch": epoch.epoch,
        "loss": epoch.loss,
        "accuracy": epoch.accuracy,
        "test_accuracy": epoch.validation.and_then(|score| score.accuracy),
        "seconds": epoch.seconds,
        "us_per_step": epoch.us_per_step,
    })
}

/// Writes files by name into a folder, which is made.
pub(crate) fn write_all(folder: &Path, files: &[(String, String)]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
