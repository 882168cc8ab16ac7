//! Axes on which equal differences are equal distances.

use crate::axis::{Axis, Scale, Tick};

/// How many intervals between ticks an axis has, roughly.
const INTERVALS: f64 = 6.0;

/// An axis with a margin that does not cross zero.
pub(super) fn covering(values: impl Iterator<Item = f64> + Clone) -> Axis {
    let is_whole = values.clone().all(|value| value.fract() == 0.0);
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
    let smallest_span = if is_whole { 1.0 } else { 1e-9 } + 1e-9 * low.abs().max(high.abs());
    let margin = (0.05 * (high - low)).max((smallest_span - (high - low)) / 2.0);
    let start = if low >= 0.0 { (low - margin).max(0.0) } else { low - margin };
    let end = if high <= 0.0 && low < 0.0 { (high + margin).min(0.0) } else { high + margin };
    let least_step = if is_whole { 1.0 } else { 0.0 };
    Axis { scale: Scale::Linear, start, end, ticks: ticks(start, end, least_step) }
}

pub(super) fn between(start: f64, end: f64) -> Axis {
    Axis { scale: Scale::Linear, start, end, ticks: ticks(start, end, 0.0) }
}

/// The multiples of a round step between two ends, with as many decimals as tell them apart.
pub(super) fn ticks(start: f64, end: f64, least_step: f64) -> Vec<Tick> {
    let step = round_step((end - start) / INTERVALS).max(least_step);
    let first = (start / step).ceil();
    let count = ((end / step).floor() - first) as usize + 1;
    let largest = start.abs().max(end.abs());
    let tick = |value: f64| Tick { value, label: label(value, step, largest) };
    (0..count).map(|index| tick((first + index as f64) * step)).collect()
}

fn label(value: f64, step: f64, largest: f64) -> String {
    let exponent = step.log10().floor();
    let label = if largest >= 1e6 || exponent < -5.0 {
        let digits = (largest.log10().floor() - exponent).clamp(0.0, 15.0) as usize;
        format!("{value:.digits$e}")
    } else {
        let decimals = (-exponent).max(0.0) as usize;
        format!("{value:.decimals$}")
    };
    label.replace('-', "−")
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
        covering(values.iter().copied()).ticks.into_iter().map(|tick| tick.label).collect()
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
            let position = covering([value].into_iter()).position(value);
            assert!((position - 0.5).abs() < 1e-3, "{value}: {position}");
        }
    }

    #[test]
    fn every_range_has_a_few_ticks_and_covers_its_values() {
        let extremes = [0.0, 1e-300, 1e-12, 0.3, 1.0, 1.0 + 1e-15, 7.0, 1e9, 1e15, 1e99];
        for low in extremes.into_iter().flat_map(|value| [-value, value]) {
            for high in extremes {
                let axis = covering([low, high].into_iter());
                let ticks = axis.ticks();
                assert!((1..=9).contains(&ticks.len()), "{low} to {high}: {ticks:?}");
                assert!(ticks.iter().all(|tick| (-1e-6..=1.0 + 1e-6).contains(&axis.position(tick.value))), "{low} to {high}");
                assert!([low, high].iter().all(|&value| (0.0..=1.0).contains(&axis.position(value))));
            }
        }
    }
}
