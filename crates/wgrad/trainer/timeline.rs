//! When each dispatch of training ran.

use std::fs;
use std::path::Path;

use serde_json::json;
use wgrad_executor::DispatchSpan;

use crate::dataset::Dataset;
use crate::error::Error;
use crate::trainer::Trainer;
use crate::trainer::fit::Session;

/// The dispatches of some steps of training, by the device's clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// The adapter.
    device: String,
    spans: Vec<DispatchSpan>,
}

impl Timeline {
    /// The dispatches, in the order in which they were recorded.
    pub fn spans(&self) -> &[DispatchSpan] {
        &self.spans
    }

    /// In the format of trace events, which [Perfetto](https://ui.perfetto.dev) and `chrome://tracing` open: one bar for each
    /// dispatch, with its FLOPs, its bytes and its rates.
    pub fn to_json(&self) -> String {
        let microseconds = |time: std::time::Duration| time.as_secs_f64() * 1e6;
        let bar = |span: &DispatchSpan| {
            let seconds = span.took.as_secs_f64().max(1e-9);
            json!({
                "name": span.label,
                "cat": "dispatch",
                "ph": "X",
                "pid": 0,
                "tid": 0,
                "ts": microseconds(span.begin),
                "dur": microseconds(span.took),
                "args": {
                    "step": span.step,
                    "flops": span.work.flops,
                    "bytes": span.work.bytes,
                    "GFLOP/s": span.work.flops as f64 / seconds / 1e9,
                    "GB/s": span.work.bytes as f64 / seconds / 1e9,
                },
            })
        };
        let names = [("process_name", "wgrad"), ("thread_name", self.device.as_str())];
        let names = names.map(|(kind, name)| json!({ "name": kind, "ph": "M", "pid": 0, "tid": 0, "args": { "name": name } }));
        let events: Vec<_> = names.into_iter().chain(self.spans.iter().map(bar)).collect();
        json!({ "displayTimeUnit": "ns", "traceEvents": events }).to_string()
    }

    /// Writes [`Timeline::to_json`] to a file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let failed =
            |error: std::io::Error| Error::File { path: path.to_owned(), message: format!("cannot be written: {error}") };
        fs::write(path, self.to_json()).map_err(failed)
    }
}

impl Trainer {
    /// When each dispatch of the next steps of training on `data` runs on the device: of at most so many steps, and those
    /// that are left of the epoch. They are taken, timed, and taken back, so that training goes on with the same bits as if
    /// there had been none. Each dispatch has a pass of its own, which costs some time that training otherwise does not take.
    ///
    /// # Errors
    /// As [`Trainer::fit`], but for a loss that is not finite; where there are no steps, or the device has no timestamps, as the
    /// CPU.
    pub fn timeline(&mut self, data: &Dataset, steps: u32) -> Result<Timeline, Error> {
        if steps == 0 {
            return Err(Error::mismatch("steps of a timeline", "1 at least", steps));
        }
        let session = self.session(data)?;
        let snapshot = self.snapshot()?;
        let spans = self.timed_dispatches(&session, steps.into());
        self.restore(&snapshot)?;
        Ok(Timeline { device: self.gpu()?.device().info().to_string(), spans: spans? })
    }

    fn timed_dispatches(&mut self, session: &Session, steps: u64) -> Result<Vec<DispatchSpan>, Error> {
        let first = self.begin_epoch(session)?;
        let steps = steps.min(session.steps() - first).min(self.known_steps()?);
        let work = self.work(session, first, steps);
        let gpu = self.gpu()?;
        // The first step compiles whatever the device compiles late.
        gpu.timeline(&work[..1])?;
        gpu.timeline(&work)
    }
}
