//! Tables: rows of numbers, and the class of each row.

/// Rows of finite numbers, the features, and the class of each row: at least one row and one feature.
///
/// [`Table::read`] makes one of a CSV file; the functions that generate data, such as
/// [`classification`](crate::classification), do too.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    feature_names: Vec<String>,
    class_names: Vec<String>,
    values: Vec<f32>,
    labels: Vec<u32>,
}

impl Table {
    /// A table of `values`, as many for each label as there are names of features; labels are below the number of
    /// classes.
    pub(crate) fn new(feature_names: Vec<String>, class_names: Vec<String>, values: Vec<f32>, labels: Vec<u32>) -> Self {
        Self { feature_names, class_names, values, labels }
    }

    /// The number of rows: at least 1.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// The number of features: at least 1.
    pub fn columns(&self) -> usize {
        self.feature_names.len()
    }

    /// The features, row major, of shape (rows, columns).
    pub fn features(&self) -> &[f32] {
        &self.values
    }

    /// The class of each row: a number below that of [`Table::class_names`].
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The features' names: those of the file's heading, or `feature 0`, `feature 1` and so on.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// The classes' names, in the order of their numbers.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }
}

/// Labels that are numbers are below this: a larger one is rather an identifier or a measurement.
pub(crate) const MOST_CLASSES: usize = 65_536;

/// Names where there are none: `feature 0`, `feature 1` and so on.
pub(crate) fn numbered(what: &str, count: usize) -> Vec<String> {
    (0..count).map(|index| format!("{what} {index}")).collect()
}
