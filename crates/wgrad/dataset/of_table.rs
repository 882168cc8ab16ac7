//! Data sets of tables and sequences, whose targets are there for each row and whose numbers are finite.

use wgrad_core::HostTensor;
use wgrad_data::{RegressionTable, Sequences, Table};

use crate::dataset::Dataset;
use crate::tensor::Tensor;

impl From<&Table> for Dataset {
    /// The features as inputs, `[rows, columns]`, and the classes as labels.
    fn from(table: &Table) -> Self {
        let features = HostTensor::F32([table.rows(), table.columns()].into(), table.features().to_vec());
        Self::of_known(Tensor::from_host(features.into()), table.labels().to_vec())
    }
}

impl From<Table> for Dataset {
    /// The features as inputs, `[rows, columns]`, and the classes as labels.
    fn from(table: Table) -> Self {
        Self::from(&table)
    }
}

impl From<&RegressionTable> for Dataset {
    /// The features as inputs, `[rows, features]`, and the targets, `[rows, targets]`.
    fn from(table: &RegressionTable) -> Self {
        let matrix = |columns, elements: &[f32]| HostTensor::F32([table.rows(), columns].into(), elements.to_vec());
        let inputs = matrix(table.feature_names().len(), table.features());
        let targets = matrix(table.target_names().len(), table.targets());
        Self::of_known(Tensor::from_host(inputs.into()), Tensor::from_host(targets.into()))
    }
}

impl From<RegressionTable> for Dataset {
    /// The features as inputs, `[rows, features]`, and the targets, `[rows, targets]`.
    fn from(table: RegressionTable) -> Self {
        Self::from(&table)
    }
}

impl From<Sequences> for Dataset {
    /// The tokens as inputs, u32`[n, length]`, and the classes as labels.
    fn from(sequences: Sequences) -> Self {
        let shape = [sequences.labels().len(), sequences.length()].into();
        let tokens = HostTensor::U32(shape, sequences.tokens().to_vec());
        Self::of_known(Tensor::from_host(tokens.into()), sequences.labels().to_vec())
    }
}
