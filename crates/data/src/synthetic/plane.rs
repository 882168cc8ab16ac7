//! Classes of points in the plane that no straight line parts, as decision surfaces are drawn of.

use std::f64::consts::{PI, TAU};

use crate::DataError;
use crate::random::Random;
use crate::synthetic::{LARGEST, check_number, check_samples};
use crate::table::{Table, numbered};

/// How often an arm of [`spirals`] goes around.
const TURNS: f64 = 0.75;
/// How far the points of [`quadrants`] keep from the axes before there is noise.
const QUADRANT_GAP: f64 = 0.08;

/// A point with its class.
type Point = ([f64; 2], u32);

/// Two half circles of radius 1 that reach into each other, as scikit-learn's [`make_moons`] has them: x, y and the
/// moon of each of `samples` points. Normal noise of deviation `noise` is added to both coordinates.
///
/// # Errors
/// Where there are less than two samples or too many, or the noise is negative or above 1e30.
///
/// [`make_moons`]: https://scikit-learn.org/stable/modules/generated/sklearn.datasets.make_moons.html
pub fn moons(samples: usize, noise: f64, seed: u32) -> Result<Table, DataError> {
    let upper = |share: f64| [libm::cos(PI * share), libm::sin(PI * share)];
    let lower = |share: f64| [1.0 - libm::cos(PI * share), 0.5 - libm::sin(PI * share)];
    let point = |class: usize, place: usize, count: usize, _: &mut Random| {
        let share = place as f64 / (count - 1).max(1) as f64;
        if class == 0 { upper(share) } else { lower(share) }
    };
    scattered(samples, 2, noise, seed, point)
}

/// A circle of radius 1 around one of radius `factor`, as scikit-learn's [`make_circles`] has them (0.8): x, y and the
/// circle of each of `samples` points, of which 0 is the outer one. Normal noise of deviation `noise` is added.
///
/// # Errors
/// Where there are less than two samples or too many, the noise is negative or above 1e30, or the factor not in 0 to 1.
///
/// [`make_circles`]: https://scikit-learn.org/stable/modules/generated/sklearn.datasets.make_circles.html
pub fn circles(samples: usize, factor: f64, noise: f64, seed: u32) -> Result<Table, DataError> {
    if !(0.0..1.0).contains(&factor) {
        return Err(DataError::setting("factor", "at least 0 and below 1", factor));
    }
    let point = |class: usize, place: usize, count: usize, _: &mut Random| {
        let (angle, radius) = (TAU * place as f64 / count as f64, if class == 0 { 1.0 } else { factor });
        [radius * libm::cos(angle), radius * libm::sin(angle)]
    };
    scattered(samples, 2, noise, seed, point)
}

/// The arms of a spiral, each a class, that go three quarters around from the middle to a distance of 1: x, y and the
/// arm of each of `samples` points. Normal noise of deviation `noise` is added to both coordinates.
///
/// # Errors
/// Where there are no classes, fewer samples than classes or too many, or the noise is negative or above 1e30.
pub fn spirals(samples: usize, classes: usize, noise: f64, seed: u32) -> Result<Table, DataError> {
    wound_spirals(samples, classes, TURNS, noise, seed)
}

/// As [`spirals`], whose arms go around `turns` times: the more, the harder they are to part.
///
/// # Errors
/// As there, and where the turns are beyond 1e30.
pub fn wound_spirals(samples: usize, classes: usize, turns: f64, noise: f64, seed: u32) -> Result<Table, DataError> {
    check_number("turns", -LARGEST, turns)?;
    let point = |class: usize, place: usize, count: usize, _: &mut Random| {
        let radius = (place + 1) as f64 / count as f64;
        let angle = TAU * (class as f64 / classes as f64 + turns * radius);
        [radius * libm::cos(angle), radius * libm::sin(angle)]
    };
    scattered(samples, classes, noise, seed, point)
}

/// The four quadrants of the plane, of which opposite ones are a class, as exclusive or parts them: x and y of each of
/// `samples` points, evenly by chance from -1 to 1 with a narrow gap along both axes, and its class, 0 where both have the
/// same sign. Normal noise of deviation `noise` is added to both coordinates, and does not change the class.
///
/// # Errors
/// Where there are less than two samples or too many, or the noise is negative or above 1e30.
pub fn quadrants(samples: usize, noise: f64, seed: u32) -> Result<Table, DataError> {
    let point = |class: usize, _, _, random: &mut Random| {
        let [x, y] = [(); 2].map(|()| QUADRANT_GAP + (1.0 - QUADRANT_GAP) * random.unit());
        let side = if random.below(2) == 0 { 1.0 } else { -1.0 };
        [side * x, if class == 0 { side * y } else { -side * y }]
    };
    scattered(samples, 2, noise, seed, point)
}

/// Points with noise, in a random order: of each class as many as of the others, or one more. `point` is given the
/// class, the point's place among those of its class, their number, and random numbers.
fn scattered(
    samples: usize,
    classes: usize,
    noise: f64,
    seed: u32,
    point: impl Fn(usize, usize, usize, &mut Random) -> [f64; 2],
) -> Result<Table, DataError> {
    check_samples(samples, 2)?;
    if classes == 0 || classes > samples {
        return Err(DataError::setting("classes", format!("1 to {samples}, the number of samples"), classes));
    }
    check_number("noise", 0.0, noise)?;
    let mut random = Random::new(seed, 0);
    let points: Vec<Point> = (0..samples)
        .map(|sample| {
            let (class, place) = (sample % classes, sample / classes);
            let count = samples / classes + usize::from(class < samples % classes);
            let exact = point(class, place, count, &mut random);
            (exact.map(|coordinate| coordinate + noise * random.normal()), class as u32)
        })
        .collect();
    let order = random.permutation(samples);
    let values = order.iter().flat_map(|&index| points[index].0).map(|coordinate| coordinate as f32).collect();
    let labels = order.iter().map(|&index| points[index].1).collect();
    Ok(Table::new(vec!["x".to_owned(), "y".to_owned()], numbered("class", classes), values, labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(table: &Table) -> Vec<Point> {
        let points = table.features().chunks(2).map(|point| [f64::from(point[0]), f64::from(point[1])]);
        points.zip(table.labels().iter().copied()).collect()
    }

    #[test]
    fn without_noise_moons_are_half_circles() {
        let points = points(&moons(101, 0.0, 1).unwrap());
        assert_eq!(points.iter().filter(|(_, class)| *class == 0).count(), 51);
        for ([x, y], class) in points {
            let (center, side) = if class == 0 { ([0.0, 0.0], y) } else { ([1.0, 0.5], 0.5 - y) };
            let radius = (x - center[0]).hypot(y - center[1]);
            assert!((radius - 1.0).abs() < 1e-6 && side >= -1e-6, "{x}, {y} of class {class}");
        }
    }

    #[test]
    fn moons_reach_from_end_to_end() {
        let points = points(&moons(101, 0.0, 1).unwrap());
        for (class, ends) in [(0, [-1.0, 1.0]), (1, [0.0, 2.0])] {
            let x = points.iter().filter(|point| point.1 == class).map(|point| point.0[0]);
            let got = [x.clone().fold(f64::INFINITY, f64::min), x.fold(f64::NEG_INFINITY, f64::max)];
            assert!(got.iter().zip(ends).all(|(got, end)| (got - end).abs() < 1e-6), "{got:?}");
        }
    }

    #[test]
    fn without_noise_circles_have_their_radii() {
        for ([x, y], class) in points(&circles(100, 0.25, 0.0, 1).unwrap()) {
            let wanted = if class == 0 { 1.0 } else { 0.25 };
            assert!((x.hypot(y) - wanted).abs() < 1e-6, "{x}, {y} of class {class}");
        }
    }

    #[test]
    fn arms_of_a_spiral_turn_into_each_other() {
        let points = points(&spirals(300, 3, 0.0, 1).unwrap());
        for ([x, y], class) in points.iter().copied() {
            let angle = TAU * (f64::from(class) / 3.0 + TURNS * x.hypot(y));
            let turned = (y.atan2(x) - angle).rem_euclid(TAU);
            assert!(turned.min(TAU - turned) < 1e-4, "{x}, {y} of class {class}");
        }
        assert_eq!(points.iter().filter(|(_, class)| *class == 2).count(), 100);
    }

    #[test]
    fn the_class_of_a_quadrant_is_exclusive_or() {
        let points = points(&quadrants(400, 0.0, 1).unwrap());
        for ([x, y], class) in points.iter().copied() {
            assert!([x, y].iter().all(|place| (QUADRANT_GAP - 1e-6..=1.0).contains(&place.abs())), "{x}, {y}");
            assert_eq!((x * y < 0.0) as u32, class, "{x}, {y}");
        }
        let quadrant = |[x, y]: [f64; 2]| (x > 0.0, y > 0.0);
        for wanted in [(false, false), (false, true), (true, false), (true, true)] {
            let count = points.iter().filter(|(point, _)| quadrant(*point) == wanted).count();
            assert!((60..140).contains(&count), "{count} points in {wanted:?}");
        }
    }

    #[test]
    fn an_arm_can_go_around_more_often() {
        assert_eq!(wound_spirals(50, 2, TURNS, 0.1, 3).unwrap(), spirals(50, 2, 0.1, 3).unwrap());
        for ([x, y], class) in points(&wound_spirals(100, 2, 1.5, 0.0, 1).unwrap()) {
            let angle = TAU * (f64::from(class) / 2.0 + 1.5 * x.hypot(y));
            let turned = (y.atan2(x) - angle).rem_euclid(TAU);
            assert!(turned.min(TAU - turned) < 1e-4, "{x}, {y} of class {class}");
        }
    }

    #[test]
    fn noise_has_the_deviation_that_was_asked_for() {
        let ring = points(&circles(20_000, 0.5, 0.1, 1).unwrap());
        let outer: Vec<f64> = ring.iter().filter(|(_, class)| *class == 0).map(|([x, y], _)| x.hypot(*y)).collect();
        let square = outer.iter().map(|radius| (radius - 1.0).powi(2)).sum::<f64>() / outer.len() as f64;
        assert!((square.sqrt() - 0.1).abs() < 0.005, "{}", square.sqrt());
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        assert!(moons(1, 0.0, 0).unwrap_err().to_string().starts_with("classes: wanted 1 to 1, the number of samples"));
        assert!(moons(0, 0.0, 0).unwrap_err().to_string().starts_with("samples: wanted 1 to "));
        assert_eq!(moons(9, -0.1, 0).unwrap_err().to_string(), "noise: wanted a number from 0 to 1e30, got -0.1");
        assert_eq!(circles(9, 1.0, 0.0, 0).unwrap_err().to_string(), "factor: wanted at least 0 and below 1, got 1");
        assert!(moons(9, 1e300, 0).unwrap_err().to_string().starts_with("noise: wanted a number from 0 to 1e30"));
        let turns = wound_spirals(9, 2, f64::MAX, 0.0, 0).unwrap_err().to_string();
        assert!(turns.starts_with("turns: wanted a number from -1e30 to 1e30"), "{turns}");
        assert!(wound_spirals(9, 2, f64::NAN, 0.0, 0).is_err() && quadrants(1, 0.0, 0).is_err());
        assert!(spirals(9, 0, 0.0, 0).is_err() && spirals(9, 10, 0.0, 0).is_err() && spirals(9, 2, f64::NAN, 0).is_err());
    }
}
