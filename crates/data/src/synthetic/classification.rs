//! Two classes around the corners of a hypercube, hidden among columns that say nothing.

use crate::DataError;
use crate::random::Random;
use crate::synthetic::{LARGEST, check_number, check_samples};
use crate::table::{Table, numbered};

/// What [`classification()`] generates: `Classification { samples: 200, ..Classification::default() }`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Classification {
    /// The number of rows: 1,000 by default.
    pub samples: usize,
    /// The number of columns: 20 by default. Those that are neither informative nor redundant are normal noise.
    pub features: usize,
    /// The columns that the class depends on, 1 to 16: 2 by default.
    pub informative: usize,
    /// The columns that are linear combinations of the informative ones: 2 by default.
    pub redundant: usize,
    /// The clusters of each class, each at a corner of its own: 2 by default.
    pub clusters: usize,
    /// Half the side of the hypercube whose corners the clusters lie at: 1 by default.
    pub separation: f64,
    /// The share of rows, 0 to 1, whose class is drawn by chance, so that about half of them change it: 0.01 by default.
    pub flipped: f64,
}

impl Default for Classification {
    fn default() -> Self {
        Self { samples: 1000, features: 20, informative: 2, redundant: 2, clusters: 2, separation: 1.0, flipped: 0.01 }
    }
}

/// Two classes as scikit-learn's [`make_classification`] makes them, after I. Guyon's data for the feature selection
/// challenge of NIPS 2003: normal clusters, each stretched and turned by a matrix of its own, around corners of a
/// hypercube; then redundant columns and noise; some labels drawn anew; rows and columns shuffled.
///
/// The random numbers are other ones than scikit-learn's. As there, corners are drawn by chance unless there is a cluster
/// at each of them, as by default: then the class depends on one of the informative columns alone, and what a straight
/// line cannot part comes of the clusters' overlap.
///
/// # Errors
/// Where there are no samples or too many, fewer features than informative and redundant ones, fewer corners than
/// clusters, or a number out of its range.
///
/// [`make_classification`]: https://scikit-learn.org/stable/modules/generated/sklearn.datasets.make_classification.html
pub fn classification(options: &Classification, seed: u32) -> Result<Table, DataError> {
    options.check()?;
    let mut random = Random::new(seed, 0);
    let (informative, mut labels) = options.draw_clusters(&mut random);
    let rows = options.complete(informative, &mut random);
    redraw(&mut labels, options.flipped, &mut random);
    let (row_order, column_order) = (random.permutation(options.samples), random.permutation(options.features));
    let values = row_order.iter().flat_map(|&row| column_order.iter().map(move |&column| (row, column)));
    let values = values.map(|(row, column)| rows[row][column] as f32).collect();
    let labels = row_order.iter().map(|&row| labels[row]).collect();
    Ok(Table::new(numbered("feature", options.features), numbered("class", 2), values, labels))
}

impl Classification {
    fn check(&self) -> Result<(), DataError> {
        check_samples(self.samples, self.features)?;
        if !(1..=16).contains(&self.informative) {
            return Err(DataError::setting("informative", "1 to 16", self.informative));
        }
        if self.features < self.informative.saturating_add(self.redundant) {
            let wanted = format!("at least the {} informative and {} redundant ones", self.informative, self.redundant);
            return Err(DataError::setting("features", wanted, self.features));
        }
        let most = (1 << self.informative) / 2;
        if self.clusters == 0 || self.clusters > most {
            let wanted = format!("1 to {most}, so that each cluster of two classes has a corner of {} axes", self.informative);
            return Err(DataError::setting("clusters", wanted, self.clusters));
        }
        check_number("separation", -LARGEST, self.separation)?;
        if !(0.0..=1.0).contains(&self.flipped) {
            return Err(DataError::setting("flipped", "0 to 1", self.flipped));
        }
        Ok(())
    }

    /// The informative columns and the classes, cluster by cluster; clusters take turns in their class.
    fn draw_clusters(&self, random: &mut Random) -> (Vec<Vec<f64>>, Vec<u32>) {
        let count = 2 * self.clusters;
        let corners = corners(count, self.informative, random);
        let (mut rows, mut labels) = (Vec::with_capacity(self.samples), Vec::with_capacity(self.samples));
        for (cluster, corner) in corners.into_iter().enumerate() {
            let center: Vec<f64> = (0..self.informative).map(|axis| self.separation * side(corner, axis)).collect();
            let shape = matrix(self.informative, self.informative, random);
            let size = self.samples / count + usize::from(cluster < self.samples % count);
            for _ in 0..size {
                let round: Vec<f64> = (0..self.informative).map(|_| random.normal()).collect();
                rows.push(product(&round, &shape).zip(&center).map(|(value, center)| value + center).collect());
                labels.push((cluster % 2) as u32);
            }
        }
        (rows, labels)
    }

    /// Completes rows of informative columns by the redundant ones and noise.
    fn complete(&self, mut rows: Vec<Vec<f64>>, random: &mut Random) -> Vec<Vec<f64>> {
        let mixture = matrix(self.informative, self.redundant, random);
        for row in &mut rows {
            let redundant: Vec<f64> = product(row, &mixture).collect();
            row.extend(redundant);
            row.extend((row.len()..self.features).map(|_| random.normal()));
        }
        rows
    }
}

/// Draws the class of a share of the rows anew.
fn redraw(labels: &mut [u32], share: f64, random: &mut Random) {
    for label in labels {
        if random.unit() < share {
            *label = random.below(2) as u32;
        }
    }
}

/// As many corners of a hypercube, drawn by chance, or all in their order. In that order neighbours along the first axis
/// are of different classes, so that the class of the default four clusters depends on one informative column alone.
fn corners(count: usize, axes: usize, random: &mut Random) -> Vec<usize> {
    let all = 1 << axes;
    let mut corners = if count == all { (0..all).collect() } else { random.permutation(all) };
    corners.truncate(count);
    corners
}

/// On which side of the origin a hypercube's corner lies along an axis: the bits of its number tell.
fn side(corner: usize, axis: usize) -> f64 {
    if corner >> axis & 1 == 1 { 1.0 } else { -1.0 }
}

/// Columns of numbers, evenly from -1 to 1.
fn matrix(rows: usize, columns: usize, random: &mut Random) -> Vec<Vec<f64>> {
    (0..columns).map(|_| (0..rows).map(|_| random.signed_unit()).collect()).collect()
}

/// A row times a matrix of these columns.
fn product(row: &[f64], columns: &[Vec<f64>]) -> impl Iterator<Item = f64> {
    columns.iter().map(|column| row.iter().zip(column).map(|(value, weight)| value * weight).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Classification {
        Classification { samples: 40_001, ..Classification::default() }
    }

    #[test]
    fn clusters_lie_around_corners_of_their_own() {
        let (rows, labels) = options().draw_clusters(&mut Random::new(1, 0));
        assert_eq!((rows.len(), labels.len()), (40_001, 40_001));
        let starts = [0, 10_001, 20_001, 30_001, 40_001];
        let mut corners: Vec<[i64; 2]> = Vec::new();
        for (cluster, range) in starts.windows(2).enumerate() {
            assert!(labels[range[0]..range[1]].iter().all(|&label| label == cluster as u32 % 2));
            let mean =
                |axis: usize| rows[range[0]..range[1]].iter().map(|row| row[axis]).sum::<f64>() / (range[1] - range[0]) as f64;
            let means = [mean(0), mean(1)];
            assert!(means.iter().all(|mean| (mean.abs() - 1.0).abs() < 0.05), "{means:?}");
            corners.push(means.map(|mean| mean.round() as i64));
        }
        assert_eq!(corners, [[-1, -1], [1, -1], [-1, 1], [1, 1]]);
    }

    #[test]
    fn some_of_many_corners_are_drawn_by_chance() {
        let draw = |seed| corners(4, 3, &mut Random::new(seed, 0));
        let drawn: Vec<Vec<usize>> = (0..20).map(draw).collect();
        for corners in &drawn {
            let mut sorted = corners.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert!(sorted.len() == 4 && sorted[3] < 8, "{corners:?}");
        }
        assert!(drawn.iter().any(|corners| *corners != drawn[0]) && drawn.iter().any(|corners| corners.contains(&7)));
    }

    /// Cramer's rule on three rows tells the mixture, which all other rows must agree with.
    #[test]
    fn redundant_columns_follow_from_the_informative_ones() {
        let mut random = Random::new(2, 0);
        let (rows, _) = options().draw_clusters(&mut random);
        let rows = options().complete(rows, &mut random);
        assert!(rows.iter().all(|row| row.len() == 20));
        let (a, b) = (&rows[0], &rows[1]);
        let determinant = a[0] * b[1] - a[1] * b[0];
        for column in [2, 3] {
            let first = (a[column] * b[1] - a[1] * b[column]) / determinant;
            let second = (a[0] * b[column] - a[column] * b[0]) / determinant;
            assert!(first.abs() <= 1.0 && second.abs() <= 1.0, "{first}, {second}");
            assert!(rows.iter().all(|row| (first * row[0] + second * row[1] - row[column]).abs() < 1e-9));
        }
        let noise: Vec<f64> = rows.iter().map(|row| row[4]).collect();
        let square = noise.iter().map(|value| value * value).sum::<f64>() / noise.len() as f64;
        assert!((square - 1.0).abs() < 0.05, "{square}");
    }

    #[test]
    fn half_of_the_redrawn_labels_change() {
        let mut labels = vec![1; 100_000];
        redraw(&mut labels, 0.1, &mut Random::new(5, 0));
        let changed = labels.iter().filter(|&&label| label == 0).count();
        assert!((4700..5300).contains(&changed), "{changed}");
    }

    #[test]
    fn rows_and_columns_are_shuffled() {
        let table = classification(&options(), 1).unwrap();
        assert_eq!((table.rows(), table.columns(), table.class_names().len()), (40_001, 20, 2));
        let first: u32 = table.labels()[..10_000].iter().sum();
        assert!((4700..5300).contains(&first), "{first}");
        let (rows, _) = options().draw_clusters(&mut Random::new(1, 0));
        let columns = |table: &Table| {
            (0..20).filter(|&c| table.features()[c..].iter().step_by(20).any(|&x| x == rows[7][0] as f32)).collect::<Vec<_>>()
        };
        let other = classification(&options(), 1).unwrap();
        assert_eq!((columns(&table).len(), &table), (1, &other));
        assert_ne!(table, classification(&options(), 2).unwrap());
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        let default = Classification::default();
        let error = |options: Classification| classification(&options, 0).unwrap_err().to_string();
        assert_eq!(error(Classification { samples: 0, ..default }), "samples: wanted 1 to 214748364, got 0");
        assert!(error(Classification { samples: usize::MAX, ..default }).starts_with("samples: wanted 1 to "));
        assert_eq!(error(Classification { informative: 0, ..default }), "informative: wanted 1 to 16, got 0");
        let few = "features: wanted at least the 2 informative and 2 redundant ones, got 3";
        assert_eq!(error(Classification { features: 3, ..default }), few);
        assert!(error(Classification { redundant: usize::MAX, ..default }).starts_with("features: wanted"));
        let few = "features: wanted at least the 2 informative and 0 redundant ones, got 1";
        assert_eq!(error(Classification { features: 1, redundant: 0, ..default }), few);
        assert!(error(Classification { clusters: 3, ..default }).starts_with("clusters: wanted 1 to 2, so that"));
        assert_eq!(error(Classification { flipped: f64::NAN, ..default }), "flipped: wanted 0 to 1, got NaN");
        assert!(error(Classification { separation: 1e300, ..default }).starts_with("separation: wanted a number from"));
        let infinite = Classification { separation: f64::INFINITY, ..default };
        assert_eq!(error(infinite), "separation: wanted a number from -1e30 to 1e30, got inf");
    }
}
