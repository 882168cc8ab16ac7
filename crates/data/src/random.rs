//! Random numbers that are the same on all platforms.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// A sequence of random numbers, which depends on nothing but its seed and stream.
///
/// The generator is ChaCha8. Logarithms are computed in software, since those of the platform differ in their last bit.
#[derive(Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// The sequence of a seed and a stream; those of different streams are independent.
    pub fn new(seed: u32, stream: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed.into());
        generator.set_stream(stream);
        Self(generator)
    }

    /// Evenly from 0 to below 1, in steps of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Evenly from -1 to below 1.
    pub(crate) fn signed_unit(&mut self) -> f64 {
        2.0 * self.unit() - 1.0
    }

    /// Evenly from the numbers below `bound`, but for a bias of less than `bound` / 2^64.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }

    /// Normally distributed with mean 0 and variance 1: Marsaglia's polar method, of whose two numbers one is left out.
    pub fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (self.signed_unit(), self.signed_unit());
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * libm::log(square) / square).sqrt();
            }
        }
    }

    /// The numbers below `count` in a random order: the shuffle of Fisher and Yates.
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(values: &[f64], power: i32) -> f64 {
        values.iter().map(|value| value.powi(power)).sum::<f64>() / values.len() as f64
    }

    #[test]
    fn normal_numbers_have_the_moments_of_their_distribution() {
        let mut random = Random::new(3, 0);
        let values: Vec<f64> = (0..100_000).map(|_| random.normal()).collect();
        for (power, wanted) in [(1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0)] {
            let got = moment(&values, power);
            assert!((got - wanted).abs() < 0.1, "moment {power}: wanted {wanted}, got {got}");
        }
    }

    #[test]
    fn even_numbers_fill_their_range() {
        let mut random = Random::new(3, 1);
        let values: Vec<f64> = (0..100_000).map(|_| random.unit()).collect();
        assert!(values.iter().all(|value| (0.0..1.0).contains(value)));
        assert!((moment(&values, 1) - 0.5).abs() < 0.01 && (moment(&values, 2) - 1.0 / 3.0).abs() < 0.01);
        let counts = (0..7000).fold([0; 7], |mut counts, _| {
            counts[random.below(7)] += 1;
            counts
        });
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_permutation_holds_every_number_once() {
        let order = Random::new(1, 5).permutation(100);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
        assert_ne!(order, sorted);
        assert_ne!(order, Random::new(1, 6).permutation(100));
        assert_ne!(order, Random::new(2, 5).permutation(100));
    }

    /// The same on every platform, and in every version that does not say otherwise.
    #[test]
    fn random_numbers_never_change() {
        let mut random = Random::new(42, 7);
        let numbers = [random.unit(), random.normal(), random.normal(), random.below(1000) as f64];
        assert_eq!(numbers, [0.1285064537566929, -1.5575486896071349, -0.14226100098409594, 220.0]);
        assert_eq!(Random::new(42, 7).permutation(8), [5, 4, 0, 7, 6, 3, 2, 1]);
    }
}
