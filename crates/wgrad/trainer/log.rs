//! What a log on the device says.

use wgrad_core::HostTensor;

use crate::history::Score;

/// The mean loss and accuracy of each step of an epoch.
#[derive(Debug)]
pub(super) struct Log {
    rows: Vec<[f32; 2]>,
    has_accuracy: bool,
}

impl Log {
    /// The rows of a log's state.
    pub fn new(state: &HostTensor, has_accuracy: bool) -> Self {
        let elements: &[f32] = if let HostTensor::F32(_, elements) = state { elements } else { &[] };
        Self { rows: elements.chunks_exact(2).map(|row| [row[0], row[1]]).collect(), has_accuracy }
    }

    /// The rows of several parts of a log.
    pub fn of_parts(parts: &[HostTensor], has_accuracy: bool) -> Self {
        let logs = parts.iter().map(|part| Self::new(part, has_accuracy));
        Self { rows: logs.flat_map(|log| log.rows).collect(), has_accuracy }
    }

    /// The mean loss of each step.
    pub fn losses(&self) -> impl Iterator<Item = f32> {
        self.rows.iter().map(|[loss, _]| *loss)
    }

    /// The first step, from 0, whose loss is NaN or infinite.
    pub fn first_broken(&self) -> Option<usize> {
        self.losses().position(|loss| !loss.is_finite())
    }

    /// The mean over all examples, of which each step had so many.
    pub fn score(&self, counts: impl Iterator<Item = usize>) -> Score {
        let (mut loss, mut hits, mut examples) = (0.0, 0.0, 0.0);
        for ([row_loss, row_hits], count) in self.rows.iter().zip(counts) {
            let count = count as f64;
            loss += count * f64::from(*row_loss);
            hits += count * f64::from(*row_hits);
            examples += count;
        }
        let accuracy = self.has_accuracy.then_some((hits / examples) as f32);
        Score { loss: (loss / examples) as f32, accuracy }
    }
}
