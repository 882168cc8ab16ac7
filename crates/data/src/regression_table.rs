//! Tables for regression: rows of numbers, and the numbers to predict of each row.

/// Rows of finite numbers, the features, and the numbers to predict of each: at least one row, one feature and one target.
/// [`RegressionTable::read`] makes one of a CSV file.
#[derive(Clone, Debug, PartialEq)]
pub struct RegressionTable {
    feature_names: Vec<String>,
    target_names: Vec<String>,
    features: Vec<f32>,
    targets: Vec<f32>,
}

impl RegressionTable {
    /// A table of features and targets, as many of each in every row as there are names.
    pub(crate) fn new([feature_names, target_names]: [Vec<String>; 2], [features, targets]: [Vec<f32>; 2]) -> Self {
        Self { feature_names, target_names, features, targets }
    }

    /// The number of rows: at least 1.
    pub fn rows(&self) -> usize {
        self.features.len() / self.feature_names.len()
    }

    /// The features, row major, of shape (rows, features).
    pub fn features(&self) -> &[f32] {
        &self.features
    }

    /// The targets, row major, of shape (rows, targets).
    pub fn targets(&self) -> &[f32] {
        &self.targets
    }

    /// The features' names, in the order of the file's columns.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// The targets' names, in the order in which they were asked for.
    pub fn target_names(&self) -> &[String] {
        &self.target_names
    }
}
