//! Inverted dropout of f32 tensors of any shape: each element is 0 with probability `rate`, else `x / (1 - rate)`.
//!
//! Which ones is a pure function of seed, stream, step and the element's index, so that the gradient draws the same
//! ones again instead of keeping a mask. Element `i` stays where lane `i % 4` of Philox4x32, with the key
//! `(seed, stream)` and the counter `(i / 4, step, 0, 0)`, is at least `rate * 2^32`.
//!
//! Philox is from Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). They publish ten rounds; seven
//! are the fewest that pass BigCrush (their table 2), and are taken here for speed.

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Function, Graph, GraphError, HostTensor, Literal, Lowering, Node, Op, ShapeError, TensorType, Value,
};

use crate::cases::{case, floats, integers};
use crate::elementwise::flops_of_each;
use crate::sequence::is_step;

const ROUNDS: usize = 7;

/// See [`dropout`].
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// The probability of each element to become 0: at least 0 and below 1. At 0 nothing changes.
    pub rate: f32,
    /// The seed of the whole training.
    pub seed: u32,
    /// Which of the independent sequences of random numbers, such as one for each layer.
    pub stream: u32,
}

/// Sets each element of `input`, f32 of any shape, to 0 with probability `rate`, and divides the others by `1 - rate`.
///
/// `step` is a single u32. Each step, stream and seed draws others; the same ones always draw the same.
///
/// # Errors
/// Where `input` is not f32, `step` is not a single u32, or the rate is not in `0 .. 1`.
pub fn dropout(graph: &mut Graph, input: Value, step: Value, rate: f32, seed: u32, stream: u32) -> Result<Value, GraphError> {
    graph.apply_one(Dropout { rate, seed, stream }, &[input, step])
}

impl Dropout {
    /// Random numbers below this drop their element.
    fn threshold(&self) -> u32 {
        (f64::from(self.rate) * 2.0_f64.powi(32)) as u32
    }

    /// What elements that stay are multiplied with.
    fn scale(&self) -> f64 {
        1.0 / (1.0 - f64::from(self.rate))
    }

    /// The random numbers of elements `4 * block ..`.
    fn random(&self, block: usize, step: u32) -> [u32; 4] {
        philox4x32::<ROUNDS>([block as u32, step, 0, 0], [self.seed, self.stream])
    }
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if !(0.0..1.0).contains(&self.rate) {
            return Err(ShapeError { wanted: "a rate of at least 0 and below 1".to_owned(), got: self.rate.to_string() });
        }
        match inputs {
            [input, step] if input.dtype == DType::F32 && is_step(step) => Ok(vec![input.clone()]),
            _ => Err(ShapeError::new("an f32 tensor and a single u32 (step)", inputs)),
        }
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[Some(upstream)], &[_, step]) = (upstream, at.inputs.as_slice()) else { return Ok(vec![None; 2]) };
        Ok(vec![Some(graph.apply_one(*self, &[upstream, step])?), None])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        let constants = [
            Literal::U32(self.threshold()),
            Literal::F32(self.scale() as f32),
            Literal::U32(self.seed),
            Literal::U32(self.stream),
        ];
        let function = Function::new(include_str!("dropout.wgsl"), "dropout");
        Lowering::Pointwise(function.with_index().with_constants(constants))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 1)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let ([input, step], [output]) = (inputs, outputs) else { return };
        let step = step.data[0] as u32;
        for (index, (output, x)) in output.data.iter_mut().zip(&input.data).enumerate() {
            let stays = self.random(index / 4, step)[index % 4] >= self.threshold();
            *output = if stays { x * self.scale() } else { 0.0 };
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(_, input), HostTensor::U32(_, step)], [HostTensor::F32(_, output)]) = (inputs, outputs) else {
            return false;
        };
        let &[step] = step.as_slice() else { return false };
        let (threshold, scale) = (self.threshold(), self.scale() as f32);
        for (block, (output, input)) in output.chunks_mut(4).zip(input.chunks(4)).enumerate() {
            let random = self.random(block, step);
            for ((output, &x), random) in output.iter_mut().zip(input).zip(random) {
                *output = if random >= threshold { x * scale } else { 0.0 };
            }
        }
        true
    }

    fn cases(&self) -> Vec<Case> {
        let step = |value: u32| integers(DType::U32, [], |_| value);
        vec![
            case("1 element", [floats(1, [1]), step(0)]),
            case("255 elements", [floats(2, [255]), step(1)]),
            case("257 elements", [floats(3, [257]), step(u32::MAX)]),
            case("rows of 13", [floats(4, [7, 13]), step(3)]),
            case("step of rank 1", [floats(5, [4, 8]), integers(DType::U32, [1], |_| 4)]),
            case("empty", [floats(6, [0]), step(5)]),
        ]
    }
}

/// Four random numbers: a function of the counter that the key selects.
fn philox4x32<const ROUNDS: usize>(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        let [first, second] = [(0xd251_1f53_u32, counter[0]), (0xcd9e_8d57, counter[2])]
            .map(|(factor, word)| u64::from(factor) * u64::from(word))
            .map(|product| [(product >> 32) as u32, product as u32]);
        counter = [second[0] ^ counter[1] ^ key[0], second[1], first[0] ^ counter[3] ^ key[1], first[1]];
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    counter
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Dropout { rate: 0.2, seed: 42, stream: 1 }), Arc::new(Dropout { rate: 0.0, seed: 42, stream: 1 })]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    const HALF: Dropout = Dropout { rate: 0.5, seed: 1, stream: 2 };

    /// Which of 40,000 elements stay.
    fn mask(op: Dropout, step: u32) -> Vec<bool> {
        let inputs = [Array::from_fn([40_000], |_| 1.0), integers(DType::U32, [], |_| step)];
        reference(&op, &inputs)[0].data.iter().map(|&element| element != 0.0).collect()
    }

    /// The known answers that come with the authors' library, Random123.
    #[test]
    fn philox_gives_the_published_numbers() {
        let pi = ([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]);
        assert_eq!(philox4x32::<10>([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox4x32::<10>([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(philox4x32::<10>(pi.0, pi.1), [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
        assert_eq!(philox4x32::<ROUNDS>([0; 4], [0; 2]), [0x5f6f_b709, 0x0d89_3f64, 0x4f12_1f81, 0x4f73_0a48]);
    }

    #[test]
    fn drops_at_the_rate_and_keeps_the_mean() {
        for (rate, deviation) in [(0.0, 0.0), (0.2, 0.01), (0.9, 0.01)] {
            let stay = mask(Dropout { rate, ..HALF }, 0).iter().filter(|&&stays| stays).count() as f64 / 40_000.0;
            assert!((stay - (1.0 - f64::from(rate))).abs() <= deviation, "{stay} stay at a rate of {rate}");
        }
        let input = Array::from_fn([1_000], |_| 3.0);
        let output = &reference(&HALF, &[input, integers(DType::U32, [], |_| 0)])[0].data;
        assert!(output.iter().all(|&element| element == 0.0 || element == 6.0));
    }

    #[test]
    fn steps_streams_and_seeds_draw_independently() {
        let first = mask(HALF, 0);
        for other in [mask(HALF, 1), mask(Dropout { seed: 2, ..HALF }, 0), mask(Dropout { stream: 3, ..HALF }, 0)] {
            let equal = first.iter().zip(&other).filter(|(left, right)| left == right).count();
            assert!((19_500..20_500).contains(&equal), "{equal} of 40,000 agree");
        }
        assert_eq!(first, mask(HALF, 0));
    }

    #[test]
    fn the_fast_path_agrees() {
        assert_host_agrees(&HALF);
    }

    #[test]
    fn the_gradient_drops_the_same_elements() {
        let mut graph = Graph::new();
        let [input, upstream] = [0, 1].map(|_| graph.input("x", TensorType::f32([5])));
        let step = graph.input("step", TensorType::u32([]));
        let output = dropout(&mut graph, input, step, HALF.rate, HALF.seed, HALF.stream).unwrap();
        let node = graph.node(output.node).clone();
        let gradients = HALF.gradient(&mut graph, &node, &[Some(upstream)]).unwrap();
        let gradient = graph.node(gradients[0].unwrap().node);
        assert_eq!(format!("{:?}", gradient.op()), format!("{:?}", node.op()));
        assert_eq!((gradient.inputs.as_slice(), gradients[1]), (&[upstream, step][..], None));
    }

    #[test]
    fn refuses_rates_that_are_no_probability() {
        let inputs = [TensorType::f32([2]), TensorType::u32([])];
        for rate in [-0.1, 1.0, f32::NAN] {
            assert_eq!(Dropout { rate, ..HALF }.infer(&inputs).unwrap_err().got, rate.to_string());
        }
        assert!(HALF.infer(&[TensorType::f32([2]), TensorType::u32([2])]).is_err());
        assert!(HALF.infer(&[TensorType::f32([2]), TensorType::f32([])]).is_err());
    }
}
