//! A curve that grows for as long as a training goes on, in a bounded number of points.

use crate::evaluation::Evaluation;

/// The most points of a curve: more than a screen shows.
const MOST: usize = 512;

/// How good the network was at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The steps before.
    pub steps: u64,
    /// On the points that are learned.
    pub train: Evaluation,
    /// On the points that test what was learned.
    pub test: Evaluation,
}

/// Samples, evenly spaced: when they become too many, every other is dropped, and only every other new one is taken.
#[derive(Clone, Debug)]
pub struct Curve {
    samples: Vec<Sample>,
    last: Option<Sample>,
    /// How many samples there were.
    seen: u64,
    /// Of how many one is kept.
    stride: u64,
}

impl Default for Curve {
    fn default() -> Self {
        Self { samples: Vec::new(), last: None, seen: 0, stride: 1 }
    }
}

impl Curve {
    /// Goes on with another sample.
    pub fn push(&mut self, sample: Sample) {
        if self.seen.is_multiple_of(self.stride) {
            self.samples.push(sample);
        }
        self.seen += 1;
        self.last = Some(sample);
        if self.samples.len() > MOST {
            let mut place = 0;
            self.samples.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.stride *= 2;
        }
    }

    /// The samples that were kept, and the last.
    pub fn samples(&self) -> impl Iterator<Item = Sample> + Clone {
        let last = self.last.filter(|last| self.samples.last() != Some(last));
        self.samples.iter().copied().chain(last)
    }

    /// The last sample.
    pub fn last(&self) -> Option<Sample> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(steps: u64) -> Sample {
        Sample { steps, train: Evaluation::default(), test: Evaluation::default() }
    }

    #[test]
    fn a_long_curve_is_thinned_evenly_and_ends_at_the_last_sample() {
        let mut curve = Curve::default();
        (0..=10_000).for_each(|steps| curve.push(sample(steps)));
        let steps: Vec<u64> = curve.samples().map(|sample| sample.steps).collect();
        assert!((MOST / 2..=MOST + 1).contains(&steps.len()), "{}", steps.len());
        assert_eq!((steps[0], steps.last()), (0, Some(&10_000)));
        let gap = steps[1] - steps[0];
        assert!(steps[..steps.len() - 1].windows(2).all(|pair| pair[1] - pair[0] == gap));
    }
}
