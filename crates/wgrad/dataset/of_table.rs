//! Data sets of tables and sequences, whose labels are one for each row and whose numbers are finite.

use wgrad_core::HostTensor;
use wgrad_data::{Sequences, Table};

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

impl From<Sequences> for Dataset {
    /// The tokens as inputs, u32`[n, length]`, and the classes as labels.
    fn from(sequences: Sequences) -> Self {
        let shape = [sequences.labels().len(), sequences.length()].into();
        let tokens = HostTensor::U32(shape, sequences.tokens().to_vec());
        Self::of_known(Tensor::from_host(tokens.into()), sequences.labels().to_vec())
    }
}
