//! The values that parameters start with.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use wgrad_core::Shape;

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
    /// From the normal distribution around 0.
    Normal {
        /// The standard deviation.
        deviation: f32,
    },
    /// Glorot's and Bengio's: evenly with the variance `gain^2 * 2 / (fan_in + fan_out)`, as PyTorch's
    /// [`xavier_uniform_`](https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.xavier_uniform_).
    XavierUniform {
        /// 1 unless the activation asks for another.
        gain: f32,
    },
    /// The same from the normal distribution, as PyTorch's `xavier_normal_`.
    XavierNormal {
        /// 1 unless the activation asks for another.
        gain: f32,
    },
    /// He's: evenly with the variance `gain^2 / fan`, as PyTorch's
    /// [`kaiming_uniform_`](https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.kaiming_uniform_).
    KaimingUniform {
        /// Whether inputs or outputs are counted.
        fan: Fan,
        /// The square root of 2 for ReLU.
        gain: f32,
    },
    /// The same from the normal distribution, as PyTorch's `kaiming_normal_`.
    KaimingNormal {
        /// Whether inputs or outputs are counted.
        fan: Fan,
        /// The square root of 2 for ReLU.
        gain: f32,
    },
}

/// Which connections of a weight `[outputs, inputs, ...]` are counted; those of a convolution once for each place of its
/// kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fan {
    /// Those into each output.
    In,
    /// Those out of each input.
    Out,
}

impl Initial {
    /// PyTorch's default for the weight and the bias of a linear layer with `fan_in` inputs: evenly between
    /// plus and minus `1 / sqrt(fan_in)`.
    pub fn linear(fan_in: usize) -> Self {
        Self::Uniform { bound: (1.0 / (fan_in as f64).sqrt()) as f32 }
    }

    /// He's for networks with ReLU: normally with the variance `2 / fan_in`.
    pub const HE: Self = Self::KaimingNormal { fan: Fan::In, gain: std::f32::consts::SQRT_2 };

    /// What is wrong with drawing a tensor of this shape: what is wanted, and what there is instead.
    pub(crate) fn check(self, shape: &Shape) -> Result<(), [String; 2]> {
        let (what, number, least) = match self {
            Self::Constant(value) => ("number", value, f32::MIN),
            Self::Uniform { bound } => ("bound of 0 or above", bound, 0.0),
            Self::Normal { deviation } => ("deviation of 0 or above", deviation, 0.0),
            Self::XavierUniform { gain } | Self::XavierNormal { gain } => ("gain of 0 or above", gain, 0.0),
            Self::KaimingUniform { gain, .. } | Self::KaimingNormal { gain, .. } => ("gain of 0 or above", gain, 0.0),
        };
        if !(number.is_finite() && number >= least) {
            return Err([format!("a finite {what}"), number.to_string()]);
        }
        let needs_fans = !matches!(self, Self::Constant(_) | Self::Uniform { .. } | Self::Normal { .. });
        match needs_fans && shape.rank() < 2 {
            true => Err(["a weight of two axes or more, [outputs, inputs, ...]".to_owned(), shape.to_string()]),
            false => Ok(()),
        }
    }

    /// A tensor's elements. Each stream of a seed is independent of the others.
    pub(crate) fn draw(self, shape: &Shape, seed: u32, stream: u64) -> Vec<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(seed.into());
        random.set_stream(stream);
        let elements = 0..shape.elements();
        match self.spread(shape) {
            Spread::None(value) => vec![value; elements.len()],
            Spread::Even(bound) => elements.map(|_| bound * (2.0 * unit(&mut random) - 1.0)).collect(),
            Spread::Normal(deviation) => elements.map(|_| (deviation * normal(&mut random)) as f32).collect(),
        }
    }

    fn spread(self, shape: &Shape) -> Spread {
        let deviation = |gain: f32, fan: f64| f64::from(gain) / fan.sqrt();
        let mean_fan = || (fan_of(shape, Fan::In) + fan_of(shape, Fan::Out)) / 2.0;
        // An even distribution's deviation is its bound divided by the root of 3.
        let even = |deviation: f64| Spread::Even((3.0_f64.sqrt() * deviation) as f32);
        match self {
            Self::Constant(value) => Spread::None(value),
            Self::Uniform { bound } => Spread::Even(bound),
            Self::Normal { deviation } => Spread::Normal(deviation.into()),
            Self::XavierUniform { gain } => even(deviation(gain, mean_fan())),
            Self::XavierNormal { gain } => Spread::Normal(deviation(gain, mean_fan())),
            Self::KaimingUniform { fan, gain } => even(deviation(gain, fan_of(shape, fan))),
            Self::KaimingNormal { fan, gain } => Spread::Normal(deviation(gain, fan_of(shape, fan))),
        }
    }
}

/// How far elements are from their mean.
enum Spread {
    None(f32),
    /// Up to this bound.
    Even(f32),
    /// By this standard deviation.
    Normal(f64),
}

fn fan_of(shape: &Shape, fan: Fan) -> f64 {
    let (outputs, inputs, places) = match shape.dims() {
        [outputs, inputs, kernel @ ..] => (*outputs, *inputs, kernel.iter().product()),
        _ => (1, shape.elements(), 1),
    };
    (places * if fan == Fan::In { inputs } else { outputs }) as f64
}

/// Evenly from 0 to below 1, in steps of 2^-24, which f32 holds exactly.
fn unit(random: &mut ChaCha8Rng) -> f32 {
    (random.next_u32() >> 8) as f32 / 16_777_216.0
}

fn normal(random: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(random)
}
