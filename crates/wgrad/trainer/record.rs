//! Steps that somebody else submits: what they are, and what to make of what they leave.

use std::sync::Arc;

use wgrad_core::{HostTensor, TensorType};
use wgrad_executor::{Landed, TensorBuffer};

use crate::backend::{Gpu, Part};
use crate::error::Error;
use crate::graphs::{CLOCK, Clock, NUMBERS, log_name};
use crate::history::Score;
use crate::tensor::Tensor;
use crate::trainer::Trainer;
use crate::trainer::fit::Session;
use crate::trainer::log::Log;

/// Steps that were recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recorded {
    /// The first step's place in all epochs.
    position: u64,
    pub steps: u32,
    /// What the clock says after them.
    clock: Clock,
}

/// What steps have left behind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Left {
    Score(Score),
    /// Their loss was not finite at this step, counted from 1.
    NotFinite(u64),
    /// The device has not taken all steps that were recorded up to these.
    Missing,
}

impl Trainer {
    /// The next steps of whole epochs, counted as taken, with what has to be written before them: the clock too, where
    /// `writes_clock`.
    ///
    /// # Errors
    /// Where the loss is no longer finite.
    pub(crate) fn next_parts(
        &mut self,
        session: &Session,
        steps: u32,
        writes_clock: bool,
    ) -> Result<(Vec<Part>, Recorded), Error> {
        self.check_running()?;
        let mut parts = Vec::new();
        if self.enter(session) || writes_clock {
            parts.push(self.clock_part());
        }
        let position = self.counts.position;
        let mut left = u64::from(steps);
        while left > 0 {
            if self.enter(session) {
                parts.push(self.clock_part());
            }
            if let Some(table) = self.due_numbers() {
                parts.push(Part::Write(NUMBERS, table.into()));
            }
            let first = self.counts.position % session.steps();
            let taken = left.min(session.steps() - first).min(self.steps_with_numbers());
            parts.extend(self.work(session, first, taken).into_iter().map(|(program, steps)| Part::Steps(program, steps)));
            self.count(taken);
            self.counts.position += taken;
            if self.counts.position.is_multiple_of(session.steps()) {
                self.end_epoch();
            }
            left -= taken;
        }
        Ok((parts, Recorded { position, steps, clock: self.clock() }))
    }

    /// Sets the device's clock to what the host has counted. What was recorded before and did not reach the device may have
    /// held numbers too: they are written again.
    pub(crate) fn clock_part(&mut self) -> Part {
        self.numbers.forget();
        Part::Write(CLOCK, Arc::new(self.clock().to_host()))
    }

    /// Where recorded steps leave the clock and their rows of the log: those of the last epoch, if they are more.
    pub(crate) fn left_by(&mut self, session: &Session, recorded: &Recorded) -> Result<Vec<TensorBuffer>, Error> {
        let epoch = session.steps() as usize;
        let gpu = self.gpu()?;
        let log = gpu.buffer(&log_name("train", epoch))?;
        let mut tensors = vec![gpu.buffer(CLOCK)?];
        for (row, count) in recorded.rows(epoch) {
            tensors.extend(log.part(2 * row, TensorType::f32([count, 2])));
        }
        Ok(tensors)
    }

    /// What has landed of what recorded steps have left.
    pub(crate) fn take_in(&mut self, session: &Session, recorded: &Recorded, landed: &Landed) -> Left {
        let [clock, rows @ ..] = &*landed.tensors else { return Left::Missing };
        let clock = Clock::from_host(clock);
        if clock.stop {
            let step = u64::from(clock.step) + 1;
            self.stop_at(step, None);
            return Left::NotFinite(step);
        }
        if clock != recorded.clock {
            return Left::Missing;
        }
        let counts: Vec<usize> = session.counts().collect();
        let places = recorded.rows(counts.len()).into_iter().flat_map(|(row, count)| row..row + count);
        let log = Log::of_parts(rows, session.has_accuracy());
        Left::Score(log.score(places.map(|place| counts[place])))
    }

    /// The device's side, where it is one of wgpu.
    ///
    /// # Errors
    /// On the CPU, which has no encoders.
    pub(crate) fn gpu(&mut self) -> Result<&mut Gpu, Error> {
        self.backend.as_gpu().ok_or_else(|| Error::mismatch("device", "one of wgpu", "the CPU"))
    }

    /// The memory of a parameter or buffer.
    ///
    /// # Errors
    /// Where the model has none of that name, or is not built.
    pub(crate) fn parameter_buffer(&mut self, name: &str) -> Result<TensorBuffer, Error> {
        let parameters = &self.model()?.parameters;
        let Some((state, offset, kind)) = parameters.place(name) else {
            let known: Vec<&str> = self.parameter_names().collect();
            return Err(Error::mismatch("parameter", format!("one of {}", known.join(", ")), name));
        };
        let part = self.gpu()?.buffer(&state)?.part(offset, kind);
        part.ok_or_else(|| Error::mismatch("parameter", "a part of its vector", name))
    }

    /// The names of all parameters and buffers: none where the model is not built.
    pub(crate) fn parameter_names(&self) -> impl Iterator<Item = &str> {
        self.model.iter().flat_map(|model| model.parameters.names())
    }

    /// Overwrites some parameters and buffers on the device, without waiting for it.
    ///
    /// # Errors
    /// Lists all names and shapes that do not fit; nothing was changed then.
    pub(crate) fn write_parameters(&mut self, named: &[(String, Tensor)]) -> Result<(), Error> {
        let given: Vec<_> = named.iter().map(|(name, tensor)| (name.clone(), Ok(tensor.clone()))).collect();
        self.model()?.parameters.check(&given, |_| true)?;
        for (name, tensor) in named {
            let buffer = self.parameter_buffer(name)?;
            let floats = HostTensor::F32(tensor.shape().clone(), tensor.to_vec());
            self.gpu()?.write(&buffer, &floats)?;
        }
        Ok(())
    }
}

impl Recorded {
    /// The rows of an epoch's log that hold them: where they begin, and how many there are.
    fn rows(&self, epoch: usize) -> Vec<(usize, usize)> {
        let steps = self.steps as usize;
        if steps >= epoch {
            return vec![(0, epoch)];
        }
        let first = (self.position % epoch as u64) as usize;
        let until_end = steps.min(epoch - first);
        [(first, until_end), (0, steps - until_end)].into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_wrap_at_the_end_of_an_epoch() {
        let rows = |position, steps| Recorded { position, steps, clock: Clock::default() }.rows(10);
        assert_eq!(rows(3, 4), [(3, 4)]);
        assert_eq!(rows(27, 3), [(7, 3)]);
        assert_eq!(rows(27, 5), [(7, 3), (0, 2)]);
        assert_eq!(rows(7, 10), [(0, 10)]);
        assert_eq!(rows(7, 25), [(0, 10)]);
        assert!(rows(7, 0).is_empty());
    }
}
