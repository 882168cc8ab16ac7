//! The points that are learned, and those that tell whether it was learned.

use wgrad::data::{Table, circles, moons, quadrants, wound_spirals};
use wgrad::prelude::{Dataset, Error, Tensor};

use crate::settings::{Data, Settings};

/// How many points are learned, and how many others test what was learned.
pub const COUNT: usize = 256;
/// How far the plane that is shown reaches from its middle.
pub const REACH: f32 = 1.4;
/// How often the arms of the spirals go around.
const TURNS: f64 = 1.25;
/// The radius of the inner circle.
const INNER: f64 = 0.45;

/// A point and its class, 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Where it is, with y upwards.
    pub place: [f32; 2],
    /// What it is.
    pub class: u32,
}

/// Points of two classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    /// Those that are learned.
    pub train: Vec<Point>,
    /// Those that test what was learned.
    pub test: Vec<Point>,
}

impl Points {
    /// The points of a data set.
    ///
    /// # Errors
    /// Where the noise is out of its range.
    pub fn of(settings: &Settings) -> Result<Self, Error> {
        let Settings { data, noise, seed, .. } = *settings;
        let table = |seed: u32| match data {
            Data::Circles => circles(COUNT, INNER, noise, seed),
            Data::Spirals => wound_spirals(COUNT, 2, TURNS, noise / 2.0, seed),
            Data::Xor => quadrants(COUNT, noise, seed),
            Data::Moons => moons(COUNT, noise, seed),
        };
        // The test points are as many others of the same kind.
        let [train, test] = [seed.wrapping_mul(2), seed.wrapping_mul(2).wrapping_add(1)].map(table);
        Ok(Self { train: points(data, &train?), test: points(data, &test?) })
    }

    /// What is learned.
    ///
    /// # Errors
    /// Where there is none.
    pub fn dataset(&self) -> Result<Dataset, Error> {
        let classes = self.train.iter().map(|point| point.class as f32).collect();
        Dataset::new(places(&self.train)?, Tensor::f32([self.train.len(), 1], classes)?)
    }
}

fn points(data: Data, table: &Table) -> Vec<Point> {
    let rows = table.features().chunks_exact(2).zip(table.labels());
    rows.map(|(row, &class)| Point { place: placed(data, [row[0], row[1]]), class }).collect()
}

/// Moons are moved to the middle and made as large as the others.
fn placed(data: Data, [x, y]: [f32; 2]) -> [f32; 2] {
    if data == Data::Moons { [(x - 0.5) / 1.4, (y - 0.25) / 1.4] } else { [x, y] }
}

/// Where points are, `[n, 2]`.
fn places(points: &[Point]) -> Result<Tensor, Error> {
    Tensor::f32([points.len(), 2], points.iter().flat_map(|point| point.place).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_on_the_plane_that_is_shown() {
        for data in Data::ALL {
            let points = Points::of(&Settings { data, ..Settings::default() }).unwrap();
            assert_eq!((points.train.len(), points.test.len()), (COUNT, COUNT));
            assert_ne!(points.train, points.test);
            let all = points.train.iter().chain(&points.test);
            let is_inside = |point: &Point| point.place.iter().all(|place| place.abs() < REACH);
            assert!(all.clone().all(is_inside), "{data:?}");
            assert_eq!(all.filter(|point| point.class == 1).count(), COUNT);
        }
    }
}
