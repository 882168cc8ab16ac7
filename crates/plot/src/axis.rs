//! Axes: the range that a set of values covers, and round numbers along it.

/// How many intervals between ticks an axis has, roughly.
const INTERVALS: f64 = 6.0;

/// A range of values with its ticks.
#[derive(Debug, PartialEq)]
pub(crate) struct Axis {
    start: f64,
    end: f64,
    step: f64,
}

impl Axis {
    /// An axis that covers `values`, all of them finite and below 1e100, with a margin that does not cross zero.
    ///
    /// Without values, it reaches from 0 to 1.
    pub(crate) fn covering(values: impl Iterator<Item = f64> + Clone) -> Axis {
        let is_whole = values.clone().all(|value| value.fract() == 0.0);
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let smallest_span = if is_whole { 1.0 } else { 1e-9 } + 1e-9 * low.abs().max(high.abs());
        let margin = (0.05 * (high - low)).max((smallest_span - (high - low)) / 2.0);
        let start = if low >= 0.0 { (low - margin).max(0.0) } else { low - margin };
        let end = if high <= 0.0 && low < 0.0 { (high + margin).min(0.0) } else { high + margin };
        let step = round_step((end - start) / INTERVALS);
        Axis { start, end, step: if is_whole { step.max(1.0) } else { step } }
    }

    /// Where `value` lies between the axis's start (0) and end (1).
    pub(crate) fn position(&self, value: f64) -> f64 {
        (value - self.start) / (self.end - self.start)
    }

    /// The multiples of the step along the axis.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        let first = (self.start / self.step).ceil();
        let count = ((self.end / self.step).floor() - first) as usize + 1;
        (0..count).map(|index| (first + index as f64) * self.step).collect()
    }

    /// A tick's value with as many decimals as tell it from its neighbours.
    pub(crate) fn label(&self, tick: f64) -> String {
        let exponent = self.step.log10().floor();
        let largest = self.start.abs().max(self.end.abs());
        let label = if largest >= 1e6 || exponent < -5.0 {
            let digits = (largest.log10().floor() - exponent).clamp(0.0, 15.0) as usize;
            format!("{tick:.digits$e}")
        } else {
            let decimals = (-exponent).max(0.0) as usize;
            format!("{tick:.decimals$}")
        };
        label.replace('-', "−")
    }
}

/// The smallest of 1, 2, 5 and 10 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= least).unwrap_or(10.0);
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64]) -> Vec<String> {
        let axis = Axis::covering(values.iter().copied());
        axis.ticks().into_iter().map(|tick| axis.label(tick)).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(labels(&[0.07, 0.31]), ["0.10", "0.15", "0.20", "0.25", "0.30"]);
        assert_eq!(labels(&[1.0, 2.0, 3.0, 4.0, 5.0]), ["1", "2", "3", "4", "5"]);
        assert_eq!(labels(&[94.21, 97.83]), ["95", "96", "97", "98"]);
        assert_eq!(labels(&[-1.0, 0.5]), ["−1.0", "−0.5", "0.0", "0.5"]);
        assert_eq!(labels(&[0.0, 3e7]), ["0e0", "1e7", "2e7", "3e7"]);
    }

    #[test]
    fn a_single_value_lies_in_the_middle() {
        for value in [1.0, 0.123, -7.0, 1e30] {
            let position = Axis::covering([value].into_iter()).position(value);
            assert!((position - 0.5).abs() < 1e-3, "{value}: {position}");
        }
    }

    #[test]
    fn every_range_has_a_few_ticks_and_covers_its_values() {
        let extremes = [0.0, 1e-300, 1e-12, 0.3, 1.0, 1.0 + 1e-15, 7.0, 1e9, 1e15, 1e99];
        for low in extremes.into_iter().flat_map(|value| [-value, value]) {
            for high in extremes {
                let axis = Axis::covering([low, high].into_iter());
                let ticks = axis.ticks();
                assert!((1..=9).contains(&ticks.len()), "{low} to {high}: {ticks:?}");
                assert!(ticks.iter().all(|&tick| (-1e-6..=1.0 + 1e-6).contains(&axis.position(tick))), "{low} to {high}");
                assert!([low, high].iter().all(|&value| (0.0..=1.0).contains(&axis.position(value))));
            }
        }
    }
}
