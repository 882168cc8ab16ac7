//! What a training has shown so far.

/// As many points as a curve may have: more would not be seen.
const MOST: usize = 1000;

/// Losses and accuracies, each with the step that it is of.
#[derive(Debug, Default)]
pub struct History {
    losses: Vec<[f64; 2]>,
    accuracies: Vec<[f64; 2]>,
}

impl History {
    pub fn add_loss(&mut self, step: u64, loss: f32) {
        self.losses.push([step as f64, loss.into()]);
        if self.losses.len() > MOST {
            let mean = |pair: &[[f64; 2]]| [pair[1][0], (pair[0][1] + pair[1][1]) / 2.0];
            self.losses = self.losses.chunks_exact(2).map(mean).collect();
        }
    }

    pub fn add_accuracy(&mut self, step: u64, accuracy: f32) {
        self.accuracies.push([step as f64, accuracy.into()]);
    }

    /// The training losses, smoothed over some points.
    pub fn losses(&self) -> Vec<[f64; 2]> {
        let mut mean = None;
        let smoothed = self.losses.iter().map(|[step, loss]| {
            let next = mean.map_or(*loss, |mean: f64| mean + 0.15 * (loss - mean));
            mean = Some(next);
            [*step, next]
        });
        smoothed.collect()
    }

    /// The accuracies on the test digits.
    pub fn accuracies(&self) -> &[[f64; 2]] {
        &self.accuracies
    }

    /// The last accuracy.
    pub fn accuracy(&self) -> Option<f64> {
        self.accuracies.last().map(|[_, accuracy]| *accuracy)
    }
}
