//! The indices of a step's batch in a random order, another one each epoch: `[count]` u32 of a single u32 (step).
//!
//! An epoch's order is a permutation of the positions that [`sequence`](crate::sequence) makes, keyed by seed and
//! epoch, so that nothing is stored or sorted: a balanced Feistel network with six rounds on the smallest even number of
//! bits that holds `length`. What leaves the range goes through it again until it comes back ("cycle walking"; Black
//! and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002).

use std::sync::Arc;

use wgrad_core::{Array, Case, Function, Graph, GraphError, Literal, Lowering, Op, ShapeError, TensorType, Value};

use crate::sequence::{Sequence, step_cases};

const ROUNDS: u32 = 6;

/// See [`shuffle`].
#[derive(Clone, Copy, Debug)]
pub struct Shuffle {
    /// The positions that are permuted.
    pub positions: Sequence,
    /// The seed of the orders.
    pub seed: u32,
}

/// The first `count` indices of the batch that `step`, a single u32, takes from a data set of `length` items in an order
/// that is random in each epoch.
///
/// # Errors
/// Those of [`sequence`](crate::sequence()).
pub fn shuffle(
    graph: &mut Graph,
    step: Value,
    length: usize,
    batch_size: usize,
    count: usize,
    seed: u32,
) -> Result<Value, GraphError> {
    graph.apply_one(Shuffle { positions: Sequence { length, batch_size, count }, seed }, &[step])
}

impl Shuffle {
    /// Bits of each half of a position: at least 1, and at most 16.
    fn half_bits(&self) -> u32 {
        let bits = usize::BITS - (self.positions.length - 1).leading_zeros();
        bits.div_ceil(2).max(1)
    }

    /// The key of the epoch of a step.
    fn key(&self, step: u32) -> u32 {
        let epoch = step / self.positions.steps();
        mix(mix(self.seed.wrapping_add(0x9e37_79b9)).wrapping_add(epoch))
    }

    /// Where a position, below the length, goes.
    fn permute(&self, position: u32, key: u32) -> u32 {
        let bits = self.half_bits();
        let mask = (1 << bits) - 1;
        let mut walked = position;
        loop {
            let (mut left, mut right) = (walked >> bits, walked & mask);
            for round in 0..ROUNDS {
                (left, right) = (right, left ^ (mix(key ^ (round << 16) ^ right) & mask));
            }
            walked = left << bits | right;
            if (walked as usize) < self.positions.length {
                return walked;
            }
        }
    }
}

impl Op for Shuffle {
    fn name(&self) -> &'static str {
        "shuffle"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        self.positions.infer(inputs)
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        let mut constants = self.positions.constants();
        constants.extend([self.half_bits(), self.seed].map(Literal::U32));
        let function = Function::new(include_str!("shuffle.wgsl"), "shuffle").of_one_lane().with_index();
        Lowering::Pointwise(function.with_constants(constants))
    }

    fn flops(&self, _: &[TensorType]) -> u64 {
        0
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let ([step], [output]) = (inputs, outputs) else { return };
        let step = step.data[0] as u32;
        let key = self.key(step);
        for (element, index) in output.data.iter_mut().enumerate() {
            *index = self.permute(self.positions.position(step, element), key).into();
        }
    }

    fn cases(&self) -> Vec<Case> {
        step_cases(self.positions.steps())
    }
}

/// A bijection in which each bit depends on all: the finalizer of MurmurHash3 (Appleby, 2011; public domain).
fn mix(mut bits: u32) -> u32 {
    bits = (bits ^ (bits >> 16)).wrapping_mul(0x85eb_ca6b);
    bits = (bits ^ (bits >> 13)).wrapping_mul(0xc2b2_ae35);
    bits ^ (bits >> 16)
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    let with = |length, batch_size, count| Shuffle { positions: Sequence { length, batch_size, count }, seed: 42 };
    vec![
        Arc::new(with(60_000, 64, 64)),
        Arc::new(with(1_000, 64, 40)),
        Arc::new(with(3, 7, 7)),
        Arc::new(with(1, 1, 1)),
        Arc::new(with(u32::MAX as usize - 300, 257, 257)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::integers;
    use crate::cases::tests::reference;
    use wgrad_core::DType;

    /// The order of an epoch of `length` items, in one batch.
    fn order(length: usize, seed: u32, epoch: u32) -> Vec<usize> {
        let positions = Sequence { length, batch_size: length, count: length };
        let outputs = reference(&Shuffle { positions, seed }, &[integers(DType::U32, [], |_| epoch)]);
        outputs[0].data.iter().map(|&index| index as usize).collect()
    }

    /// Fails where pairs of numbers below `extent` are not spread evenly over all pairs: where the chi-squared of their
    /// counts is five standard deviations above its mean.
    fn assert_uniform(pairs: impl Iterator<Item = (usize, usize)>, extent: usize) {
        let mut counts = vec![0_u32; extent * extent];
        pairs.for_each(|(row, column)| counts[row * extent + column] += 1);
        let expected = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
        let squared: f64 = counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
        let freedom = (extent as f64 - 1.0).powi(2);
        assert!(squared < freedom + 5.0 * (2.0 * freedom).sqrt(), "chi-squared is {squared}, {freedom} degrees of freedom");
    }

    #[test]
    fn each_epoch_is_a_permutation() {
        for length in [1, 2, 3, 10, 1_000, 60_000] {
            for epoch in 0..3 {
                let mut indices = order(length, 7, epoch);
                indices.sort_unstable();
                assert!(indices.into_iter().eq(0..length), "length {length}, epoch {epoch}");
            }
        }
    }

    #[test]
    fn batches_of_one_epoch_share_no_item() {
        let positions = Sequence { length: 10, batch_size: 4, count: 4 };
        let batch = |step| reference(&Shuffle { positions, seed: 3 }, &[integers(DType::U32, [], |_| step)])[0].data.clone();
        let mut indices = [batch(3), batch(4), batch(5)].concat();
        assert_eq!(indices.split_off(10), [indices[9]; 2], "positions beyond the end are the last one");
        indices.sort_by(f64::total_cmp);
        assert_eq!(indices, (0..10).map(f64::from).collect::<Vec<_>>());
    }

    #[test]
    fn epochs_and_seeds_differ() {
        let first = order(1_000, 7, 0);
        for other in [order(1_000, 7, 1), order(1_000, 8, 0)] {
            let equal = first.iter().zip(&other).filter(|(left, right)| left == right).count();
            assert!(equal < 10, "{equal} of 1,000 items stay where they were");
        }
    }

    #[test]
    fn every_item_is_as_likely_at_every_position() {
        for length in [3, 10] {
            assert_uniform((0..5_000).flat_map(|epoch| order(length, 7, epoch).into_iter().enumerate()), length);
        }
        let tenths = |index: usize| index * 10 / 60_000;
        assert_uniform(order(60_000, 7, 0).into_iter().enumerate().map(|(at, index)| (tenths(at), tenths(index))), 10);
    }

    #[test]
    fn neighbours_and_successive_epochs_are_independent() {
        let tenths = |&index: &usize| index * 10 / 60_000;
        let [first, second] = [0, 1].map(|epoch| order(60_000, 7, epoch));
        assert_uniform(first.iter().map(tenths).zip(first[1..].iter().map(tenths)), 10);
        assert_uniform(first.iter().map(tenths).zip(second.iter().map(tenths)), 10);
    }
}
