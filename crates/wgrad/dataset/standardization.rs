//! Features of mean 0 and deviation 1.

use wgrad_core::HostTensor;

use crate::dataset::{Dataset, check};
use crate::error::Error;
use crate::inputs::Inputs;
use crate::tensor::Tensor;

/// What makes each feature's mean 0 and its deviation 1, as scikit-learn's
/// [`StandardScaler`](https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.StandardScaler.html):
/// fitted on the examples to train with, and applied to all.
///
/// ```
/// # use wgrad::prelude::*;
/// use wgrad::data::{Standardization, Table, read_rows};
///
/// let iris = Table::read("data/iris.csv")?;
/// let (train, test) = Dataset::from(&iris).split_rows(&read_rows("data/iris_test_rows.txt")?)?;
/// let scale = Standardization::fit(&train)?;
/// let (train, test) = (scale.apply(&train)?, scale.apply(&test)?);
/// # assert_eq!((train.len(), test.len()), (120, 30));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Standardization {
    means: Vec<f64>,
    deviations: Vec<f64>,
}

impl Standardization {
    /// Finds the mean and the population's deviation (the sum of squares divided by n) of each feature, in double
    /// precision. The deviation of a feature that is the same in all examples is taken as 1.
    ///
    /// # Errors
    /// Where inputs are no floats, or are normalized already.
    pub fn fit(data: &Dataset) -> Result<Self, Error> {
        let values = floats(data)?;
        let (columns, count) = (values.len() / data.len(), data.len() as f64);
        let column = |column: usize| values[column..].iter().step_by(columns).map(|&value| f64::from(value));
        let means: Vec<f64> = (0..columns).map(|index| column(index).sum::<f64>() / count).collect();
        let deviation = |index: usize| {
            let is_constant = column(index).all(|value| value == f64::from(values[index]));
            let squares: f64 = column(index).map(|value| (value - means[index]).powi(2)).sum();
            if is_constant { 1.0 } else { (squares / count).sqrt() }
        };
        let deviations = (0..columns).map(deviation).collect();
        Ok(Self { means, deviations })
    }

    /// The same examples with each feature as `(x - mean) / deviation`.
    ///
    /// # Errors
    /// Where inputs are no floats or have other features, or a result is too large for a float.
    pub fn apply(&self, data: &Dataset) -> Result<Dataset, Error> {
        let values = floats(data)?;
        let (columns, shape) = (values.len() / data.len(), data.inputs().tensor().shape());
        if columns != self.means.len() {
            return Err(Error::mismatch("features to standardize", self.means.len(), columns));
        }
        let features = self.means.iter().zip(&self.deviations).cycle();
        let scaled = values.iter().zip(features).map(|(&value, (mean, deviation))| (f64::from(value) - mean) / deviation);
        let inputs = Tensor::f32(shape.clone(), scaled.map(|value| value as f32).collect())?;
        check("inputs", &inputs)?;
        Ok(Dataset { inputs: inputs.into(), targets: data.targets.clone() })
    }

    /// The mean of each feature.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// The deviation of each feature.
    pub fn deviations(&self) -> &[f64] {
        &self.deviations
    }
}

/// The inputs, which have to be floats that reach the model as they are.
fn floats(data: &Dataset) -> Result<&[f32], Error> {
    let inputs: &Inputs = data.inputs();
    match (&**inputs.tensor().host(), inputs.normalization()) {
        (HostTensor::F32(_, values), None) => Ok(values),
        (HostTensor::F32(..), Some(_)) => Err(Error::mismatch("inputs to standardize", "no normalization", "normalized ones")),
        _ => Err(Error::mismatch("inputs to standardize", "floats", inputs.tensor().kind())),
    }
}
