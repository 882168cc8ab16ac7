//! The values that parameters start with.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// How a parameter's elements are drawn before the first step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initial {
    /// All the same.
    Constant(f32),
    /// Evenly between `-bound` and `bound`.
    Uniform {
        /// The largest magnitude.
        bound: f32,
    },
}

impl Initial {
    /// PyTorch's default for the weight and the bias of a linear layer with `fan_in` inputs: evenly between
    /// plus and minus `1 / sqrt(fan_in)`.
    pub fn linear(fan_in: usize) -> Self {
        Self::Uniform { bound: (1.0 / (fan_in as f64).sqrt()) as f32 }
    }

    /// So many elements. Each stream of a seed is independent of the others, and the same on all platforms.
    pub(crate) fn draw(self, elements: usize, seed: u32, stream: u64) -> Vec<f32> {
        match self {
            Self::Constant(value) => vec![value; elements],
            Self::Uniform { bound } => {
                let mut random = ChaCha8Rng::seed_from_u64(seed.into());
                random.set_stream(stream);
                (0..elements).map(|_| bound * (2.0 * unit(&mut random) - 1.0)).collect()
            }
        }
    }
}

/// Evenly from 0 to below 1, in steps of 2^-24, which f32 holds exactly.
fn unit(random: &mut ChaCha8Rng) -> f32 {
    (random.next_u32() >> 8) as f32 / 16_777_216.0
}
