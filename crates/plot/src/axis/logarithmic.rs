//! Axes on which equal factors are equal distances.

use crate::axis::{Axis, Scale, Tick, linear};

/// From so many decades on, powers of ten are enough.
const MANY_DECADES: f64 = 2.5;
/// The most ticks that powers of ten make.
const MOST_POWERS: f64 = 8.0;
const FEWEST_TICKS: usize = 3;
/// How many decades an axis covers at least.
const FEWEST_DECADES: f64 = 0.1;

pub(super) fn covering(values: impl Iterator<Item = f64> + Clone) -> Axis {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = if low <= high { (low.log10(), high.log10()) } else { (0.0, 1.0) };
    let margin = (0.05 * (high - low)).max((FEWEST_DECADES - (high - low)) / 2.0);
    let (start, end) = (low - margin, high + margin);
    Axis { scale: Scale::Logarithmic, start, end, ticks: ticks(start, end) }
}

fn ticks(start: f64, end: f64) -> Vec<Tick> {
    let has_many_decades = end - start >= MANY_DECADES;
    let powers = if has_many_decades { powers(start, end) } else { Vec::new() };
    if powers.len() >= FEWEST_TICKS {
        return powers;
    }
    match round_numbers(start, end, if has_many_decades { &[1, 5] } else { &[1, 2, 5] }) {
        ticks if ticks.len() >= FEWEST_TICKS => ticks,
        _ => linear::ticks(10_f64.powf(start), 10_f64.powf(end), 0.0),
    }
}

/// Powers of ten, some of them where there are many.
fn powers(start: f64, end: f64) -> Vec<Tick> {
    let step = ((end - start) / MOST_POWERS).ceil() as i32;
    let exponents = (start.ceil() as i32..=end.floor() as i32).filter(|exponent| exponent % step == 0);
    exponents.map(|exponent| Tick { value: 10_f64.powi(exponent), label: format!("10{}", superscript(exponent)) }).collect()
}

/// The factors times powers of ten.
fn round_numbers(start: f64, end: f64, factors: &[i32]) -> Vec<Tick> {
    let exponents = start.floor() as i32..=end.floor() as i32;
    let numbers = exponents.flat_map(|exponent| factors.iter().map(move |&factor| (factor, exponent)));
    let ticks = numbers.map(|(factor, exponent)| {
        let value = f64::from(factor) * 10_f64.powi(exponent);
        let decimals = (-exponent).max(0) as usize;
        let is_short = (-5..6).contains(&exponent);
        let label = if is_short { format!("{value:.decimals$}") } else { format!("{factor}e{exponent}") };
        Tick { value, label: label.replace('-', "−") }
    });
    ticks.filter(|tick| (start..=end).contains(&tick.value.log10())).collect()
}

fn superscript(number: i32) -> String {
    let raised = |digit: char| match digit {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => digit.to_digit(10).and_then(|digit| char::from_u32(0x2070 + digit)).unwrap_or(digit),
    };
    number.to_string().chars().map(raised).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64]) -> Vec<String> {
        covering(values.iter().copied()).ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(labels(&[0.019, 2.3]), ["0.02", "0.05", "0.1", "0.2", "0.5", "1", "2"]);
        assert_eq!(labels(&[1e-7, 9.0]), ["10⁻⁶", "10⁻⁴", "10⁻²", "10⁰"]);
        assert_eq!(labels(&[1e-3, 1.0]), ["10⁻³", "10⁻²", "10⁻¹", "10⁰"]);
        assert_eq!(labels(&[0.15, 60.0]), ["0.5", "1", "5", "10", "50"]);
        assert_eq!(labels(&[0.31, 0.39]), ["0.32", "0.34", "0.36", "0.38"]);
        assert_eq!(labels(&[1e-8, 1e-7]), ["1e−8", "2e−8", "5e−8", "1e−7"]);
        assert_eq!(labels(&[]), ["1", "2", "5", "10"]);
    }

    #[test]
    fn equal_factors_are_equal_distances() {
        let axis = covering([0.01, 100.0].into_iter());
        let middle = axis.position(1.0);
        assert!((middle - 0.5).abs() < 1e-12, "{middle}");
        assert!((axis.position(10.0) - middle - (middle - axis.position(0.1))).abs() < 1e-12);
    }

    #[test]
    fn every_range_has_a_few_ticks_and_covers_its_values() {
        let extremes = [1e-99, 1e-12, 0.3, 0.3 + 1e-12, 1.0, 7.0, 1e9, 1e99];
        for low in extremes {
            for high in extremes.into_iter().filter(|&high| high >= low) {
                let axis = covering([low, high].into_iter());
                let ticks = axis.ticks();
                assert!((2..=10).contains(&ticks.len()), "{low} to {high}: {ticks:?}");
                assert!(ticks.iter().all(|tick| (-1e-6..=1.0 + 1e-6).contains(&axis.position(tick.value))), "{low} to {high}");
                assert!([low, high].iter().all(|&value| (0.0..=1.0).contains(&axis.position(value))));
            }
        }
    }
}
