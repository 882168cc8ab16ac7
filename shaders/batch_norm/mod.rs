//! Batch normalisation of a matrix's columns, `(x - mean) / sqrt(variance + epsilon) * gamma + beta`, as
//! [`torch.nn.BatchNorm1d`] does it: with the statistics of the batch, or with given ones.
//!
//! Channels are columns: an image's pixels are rows of their own. With the batch's statistics a step reads the input
//! once for them and once to normalise it; and the input and the upstream gradient once each for the sums that all
//! gradients are made of, and once each for the input's gradient. Nothing else of the input's size is kept.
//!
//! [`torch.nn.BatchNorm1d`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html

mod deviation;
mod sums;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wgrad_core::{Array, Case, Function, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Value};

use crate::broadcasting::{broadcast_map, broadcast_to};
use crate::cases::{case, floats};
use crate::{MomentsOutputs, moments, mul};

pub use deviation::{ReciprocalDeviation, ReciprocalDeviationGradient};
pub use sums::BatchNormSums;

const POINTWISE: &str = include_str!("pointwise.wgsl");

/// `(x - mean) * scale + shift` for a matrix and three vectors with a number for each column.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm;

/// What [`batch_norm()`] makes of a batch of `c` channels.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormOutputs {
    /// The normalised, scaled and shifted batch, f32 `[n, c]`.
    pub output: Value,
    /// The mean of each channel, f32 `[c]`.
    pub mean: Value,
    /// The biased variance of each channel, f32 `[c]`, by which the batch was normalised. Running variances are made of
    /// the unbiased one, `n / (n - 1)` times this.
    pub variance: Value,
}

/// Normalises `input`, f32 `[n, c]`, by the mean and the biased variance of its columns, multiplies it by `gamma` and
/// adds `beta`, f32 `[c]` each. `epsilon`, above 0, is added to the variance.
///
/// # Errors
/// Where the input is no f32 matrix with rows, gamma or beta has another shape, or epsilon is not a positive number.
pub fn batch_norm(
    graph: &mut Graph,
    input: Value,
    gamma: Value,
    beta: Value,
    epsilon: f32,
) -> Result<BatchNormOutputs, GraphError> {
    let statistics = moments(graph, input)?;
    let output = batch_norm_with(graph, input, statistics, gamma, beta, epsilon)?;
    Ok(BatchNormOutputs { output, mean: statistics.mean, variance: statistics.variance })
}

/// The same with given statistics, f32 `[c]` each, such as running ones in evaluation.
///
/// # Errors
/// Where the input is no f32 matrix, one of the vectors has another shape, or epsilon is not a positive number.
pub fn batch_norm_with(
    graph: &mut Graph,
    input: Value,
    statistics: MomentsOutputs,
    gamma: Value,
    beta: Value,
    epsilon: f32,
) -> Result<Value, GraphError> {
    let deviation = graph.apply_one(ReciprocalDeviation { epsilon }, &[statistics.variance])?;
    let scale = mul(graph, deviation, gamma)?;
    graph.apply_one(BatchNorm, &[input, statistics.mean, scale, beta])
}

impl Op for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        let is_vector = |kind: &TensorType| *kind == TensorType::f32([inputs[0].shape.columns()]);
        match inputs {
            [input, vectors @ ..] if input.shape.rank() == 2 && vectors.iter().all(is_vector) => broadcast_to(inputs, 4, 0),
            _ => Err(ShapeError::new("f32[n, c] and f32[c] three times (mean, scale, shift)", inputs)),
        }
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[Some(upstream)], &[input, mean, scale, _]) = (upstream, at.inputs.as_slice()) else { return Ok(vec![None; 4]) };
        let of_input = mul(graph, upstream, scale)?;
        let [sum, product] = sums::sums(graph, upstream, input, mean)?;
        let minus_one = graph.scalar(-1.0);
        let minus_scale = mul(graph, scale, minus_one)?;
        let of_mean = mul(graph, sum, minus_scale)?;
        Ok([of_input, of_mean, product, sum].map(Some).to_vec())
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(POINTWISE, "batch_norm"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        3 * inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        broadcast_map(inputs, &mut outputs[0], |x| (x[0] - x[1]) * x[2] + x[3]);
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let [HostTensor::F32(shape, input), HostTensor::F32(_, mean), HostTensor::F32(_, scale), HostTensor::F32(_, shift)] =
            inputs
        else {
            return false;
        };
        let ([HostTensor::F32(_, output)], columns) = (outputs, shape.columns().max(1)) else { return false };
        for (output, input) in output.chunks_exact_mut(columns).zip(input.chunks_exact(columns)) {
            let factors = mean.iter().zip(scale).zip(shift);
            for ((y, x), ((mean, scale), shift)) in output.iter_mut().zip(input).zip(factors) {
                *y = (x - mean) * scale + shift;
            }
        }
        true
    }

    fn cases(&self) -> Vec<Case> {
        let shapes = [[64, 8], [7, 13], [1, 5], [257, 1], [0, 4]];
        let vectors = |seed, columns: usize| [1, 2, 3].map(|vector| floats(seed + 10 * vector, [columns]));
        let cases = (1..).zip(shapes).map(|(seed, shape)| {
            case(format!("shape {shape:?}"), [vec![floats(seed, shape)], vectors(seed, shape[1]).to_vec()].concat())
        });
        let long = case("many rows", [vec![floats(6, [2051, 12])], vectors(6, 12).to_vec()].concat());
        cases.chain([Case { differentiable: false, ..long }]).collect()
    }
}

/// The normalisation, its deviation, and what their gradients are made of.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    let deviation = [1e-5, 0.25].map(|epsilon| Arc::new(ReciprocalDeviation { epsilon }) as Arc<dyn Op>);
    let sums = [8, 4096].map(|chunk| Arc::new(BatchNormSums { chunk }) as Arc<dyn Op>);
    let others: [Arc<dyn Op>; 2] = [Arc::new(BatchNorm), Arc::new(ReciprocalDeviationGradient)];
    others.into_iter().chain(deviation).chain(sums).collect()
}
