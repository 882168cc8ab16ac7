//! Mean and variance of each column of a matrix: the statistics of a batch. The variance is the biased one.
//!
//! Where there are many rows and few columns, those of chunks of rows are made first, and merged then: see
//! [`chunk`].

mod chunks;
mod gradient;
mod merge;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Tolerance, Value,
};

use crate::cases::{case, floats, noise, tolerance_of_sum};
use crate::columnwise::chunk;

pub(crate) use chunks::PartialMoments;
pub use gradient::MomentsGradient;
pub(crate) use merge::WholeMoments;

/// The operation of [`moments()`] in one stage.
#[derive(Clone, Copy, Debug)]
pub struct Moments;

/// What [`moments()`] makes of a matrix of `c` columns.
#[derive(Clone, Copy, Debug)]
pub struct MomentsOutputs {
    /// The mean of each column, f32 `[c]`.
    pub mean: Value,
    /// The biased variance of each column, f32 `[c]`.
    pub variance: Value,
}

/// Mean and biased variance of each column of `input`, f32 `[n, c]`.
///
/// # Errors
/// Where the input is no f32 matrix with rows.
pub fn moments(graph: &mut Graph, input: Value) -> Result<MomentsOutputs, GraphError> {
    let shape = &graph.kind(input).shape;
    let mean = match chunk(shape.rows(), shape.columns()).filter(|_| shape.rank() == 2) {
        Some(chunk) => {
            let parts = graph.apply(PartialMoments { chunk }, &[input])?;
            graph.apply_one(WholeMoments { chunk }, &[parts[0], parts[1], input])?
        }
        None => graph.apply_one(Moments, &[input])?,
    };
    Ok(MomentsOutputs { mean, variance: Value { output: 1, ..mean } })
}

/// Whether statistics can be made of this.
fn is_batch(kind: &TensorType) -> bool {
    kind.dtype == DType::F32 && matches!(kind.shape.dims(), [rows, _] if *rows > 0)
}

impl Op for Moments {
    fn name(&self) -> &'static str {
        "moments"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        match inputs {
            [input] if is_batch(input) => Ok(vec![TensorType::f32([input.shape.columns()]); 2]),
            _ => Err(ShapeError::new("f32[n, c] of 1 row or more", inputs)),
        }
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        Ok(vec![gradient::moments_gradient(graph, at.inputs[0], at.output(0), upstream)?])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        Lowering::Kernels(chunks::kernels(&inputs[0].shape, inputs[0].shape.rows()))
    }

    /// A difference, a product and two sums for each element.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        4 * inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let (rows, columns) = (inputs[0].kind.shape.rows(), inputs[0].kind.shape.columns());
        let [means, variances] = outputs else { return };
        for (column, (mean, variance)) in means.data.iter_mut().zip(&mut variances.data).enumerate() {
            let elements = || inputs[0].data.iter().skip(column).step_by(columns);
            *mean = elements().sum::<f64>() / rows as f64;
            *variance = elements().map(|x| (x - *mean).powi(2)).sum::<f64>() / rows as f64;
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        PartialMoments { chunk: inputs[0].shape().rows() }.host(inputs, outputs)
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_moments(inputs[0].shape.rows())
    }

    fn cases(&self) -> Vec<Case> {
        matrices(&[[64, 8], [7, 13], [1, 5], [257, 1], [33, 258], [3, 0]])
    }
}

/// Means and variances of so many numbers, of which the latter may be large where the numbers are.
fn tolerance_of_moments(rows: usize) -> Tolerance {
    let Tolerance { absolute, relative } = tolerance_of_sum(rows);
    Tolerance { absolute, relative: relative.max(absolute / 2.0) }
}

/// Matrices of these shapes, one whose means are far from zero, one with an outlier in its first row, and one whose
/// elements are equal.
fn matrices(shapes: &[[usize; 2]]) -> Vec<Case> {
    let cases = (1..).zip(shapes).map(|(seed, shape)| case(format!("shape {shape:?}"), [floats(seed, *shape)]));
    let special = [
        case("means far from zero", [Array::from_fn([40, 7], |index| 1000.0 + noise(20, index))]),
        case("an outlier first", [Array::from_fn([40, 7], |index| if index < 7 { 20.0 } else { noise(21, index) })]),
        case("equal elements", [Array::from_fn([40, 7], |_| 0.1)]),
        case("many rows", [floats(22, [2051, 12])]),
    ];
    cases.chain(special.map(|case| Case { differentiable: false, ..case })).collect()
}

/// In one stage, in two, and the gradient.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![
        Arc::new(Moments),
        Arc::new(PartialMoments { chunk: 8 }),
        Arc::new(PartialMoments { chunk: 256 }),
        Arc::new(WholeMoments { chunk: 8 }),
        Arc::new(MomentsGradient { rows: 7 }),
    ]
}
