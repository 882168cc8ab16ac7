//! Layer normalisation without its scale and shift, along the last axis: each row less its mean and divided by its
//! standard deviation, as [`torch.nn.LayerNorm`] does it.
//!
//! ```text
//! y[j] = (x[j] - mean x) * r,    r = 1 / sqrt(variance x + epsilon)
//! ```
//!
//! The variance is the biased one. Scale and shift are a product and a sum with vectors behind it, which move into the
//! kernel that is here.
//!
//! [`torch.nn.LayerNorm`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html

mod gradient;

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lanes, Literal, Lowering, Node, Op, ShapeError, StoreHook, TensorType,
    Tolerance, Value,
};

use crate::cases::{case, floats, noise, tolerance_of_sum};
use crate::rowwise::{RowKernels, load_four, store_four};
use crate::sum::sum_of;

pub use gradient::LayerNormGradient;

/// The operation of [`layer_norm()`]. Its second output is each row's reciprocal deviation, a vector, which the gradient
/// needs and through which nothing is differentiated.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm {
    /// What is added to the variance.
    pub epsilon: f32,
}

/// Normalises each row of `input`, f32 `[..., c]`, to mean 0 and variance 1. `epsilon`, above 0, is added to the
/// variance.
///
/// # Errors
/// Where the input is not of f32, is a scalar or has no columns, or epsilon is not a positive number.
pub fn layer_norm(graph: &mut Graph, input: Value, epsilon: f32) -> Result<Value, GraphError> {
    graph.apply_one(LayerNorm { epsilon }, &[input])
}

impl Op for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return Err(ShapeError { wanted: "a finite epsilon above 0".to_owned(), got: self.epsilon.to_string() });
        }
        if let [input] = inputs
            && let (DType::F32, [.., columns]) = (input.dtype, input.shape.dims())
            && *columns > 0
        {
            return Ok(vec![input.clone(), TensorType::f32([input.shape.rows()])]);
        }
        Err(ShapeError::new("f32[..., c] of 1 column or more", inputs))
    }

    /// Only the normalised rows can be differentiated.
    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let &[Some(upstream), _] = upstream else { return Ok(vec![None]) };
        Ok(vec![Some(graph.apply_one(LayerNormGradient, &[upstream, at.output(0), at.output(1)])?)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let kernels = RowKernels {
            source: include_str!("forward.wgsl"),
            entry: "layer_norm",
            serial: "layer_norm_serial",
            serial_rows: 1,
            constants: ["layer_norm_strands", "layer_norm_rows"],
            stores_rows: false,
        };
        let load = load_four("layer_norm_input", "layer_norm_load");
        let stores = vec![
            store_four("layer_norm_output", "layer_norm_store"),
            StoreHook { variable: "layer_norm_scale", function: Some(("layer_norm_store_scale", Lanes::One)) },
        ];
        let mut kernels = kernels.kernels(&inputs[0].shape, vec![load], stores);
        kernels.iter_mut().for_each(|kernel| kernel.constants.push(("layer_norm_epsilon", Literal::F32(self.epsilon))));
        Lowering::Kernels(kernels)
    }

    /// Two additions, three subtractions and two products for each element.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        7 * inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let columns = inputs[0].kind.shape.columns();
        let [normalized, scales] = outputs else { return };
        let rows = inputs[0].data.chunks_exact(columns).zip(normalized.data.chunks_exact_mut(columns));
        for ((row, output), scale) in rows.zip(&mut scales.data) {
            let mean = row.iter().sum::<f64>() / columns as f64;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / columns as f64;
            *scale = 1.0 / (variance + f64::from(self.epsilon)).sqrt();
            output.iter_mut().zip(row).for_each(|(y, x)| *y = (x - mean) * *scale);
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, input)], [HostTensor::F32(_, output), HostTensor::F32(_, scales)]) = (inputs, outputs)
        else {
            return false;
        };
        let columns = shape.columns();
        for ((row, output), scale) in input.chunks_exact(columns).zip(output.chunks_exact_mut(columns)).zip(scales) {
            *scale = host_row(row, output, self.epsilon);
        }
        true
    }

    /// Rounding of the sums changes the deviation, by which everything is divided, in proportion.
    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        let Tolerance { absolute, .. } = tolerance_of_sum(inputs[0].shape.columns());
        Tolerance { absolute, relative: absolute }
    }

    fn cases(&self) -> Vec<Case> {
        let far = Array::from_fn([5, 66], |index| 1000.0 + noise(9, index));
        let special = [
            case("a mean far from zero", [far]),
            case("equal elements", [Array::from_fn([3, 7], |_| 2.5)]),
            case("elements of 1e15", [Array::from_fn([3, 8], |index| 1e15 * noise(10, index))]),
            case("a long row", [floats(8, [3, 1029])]),
        ];
        let shapes: [&[usize]; 8] = [&[64, 10], &[7, 8], &[9, 13], &[257, 1], &[255], &[3, 5, 66], &[5, 1, 8], &[0, 4]];
        let cases = (1..).zip(shapes).map(|(seed, shape)| case(format!("shape {shape:?}"), [floats(seed, shape.to_vec())]));
        cases.chain(special.map(|case| Case { differentiable: false, ..case })).collect()
    }
}

/// Normalises a row, and returns its reciprocal deviation.
fn host_row(row: &[f32], output: &mut [f32], epsilon: f32) -> f32 {
    let columns = row.len() as f32;
    output.iter_mut().zip(row).for_each(|(y, x)| *y = x - row[0]);
    let mean = sum_of(output) / columns;
    output.iter_mut().for_each(|y| *y -= mean);
    let squares: Vec<f32> = output.iter().map(|y| y * y).collect();
    let scale = 1.0 / (sum_of(&squares) / columns + epsilon).sqrt();
    output.iter_mut().for_each(|y| *y *= scale);
    scale
}

/// PyTorch's epsilon, and another; and the gradient.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    let forward = [1e-5, 0.25].map(|epsilon| Arc::new(LayerNorm { epsilon }) as Arc<dyn Op>);
    forward.into_iter().chain([Arc::new(LayerNormGradient) as Arc<dyn Op>]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    #[test]
    fn rows_get_mean_zero_and_variance_one() {
        let input = Array::from_fn([2, 2], |index| [1.0, 5.0, -3.0, -3.0][index]);
        let outputs = reference(&LayerNorm { epsilon: 0.25 }, &[input]);
        let scale = 1.0 / 4.25_f64.sqrt();
        assert_eq!(outputs[0].data, [-2.0 * scale, 2.0 * scale, 0.0, 0.0]);
        assert_eq!((&outputs[1].kind, outputs[1].data.as_slice()), (&TensorType::f32([2]), &[scale, 2.0][..]));
        examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
    }

    #[test]
    fn the_gradient_reads_the_outputs() {
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32([4, 5]));
        let output = layer_norm(&mut graph, input, 1e-5).unwrap();
        let node = graph.node(output.node).clone();
        let op = LayerNorm { epsilon: 1e-5 };
        let gradients = op.gradient(&mut graph, &node, &[Some(input), None]).unwrap();
        assert_eq!(graph.node(gradients[0].unwrap().node).inputs, [input, output, node.output(1)]);
        assert_eq!(op.gradient(&mut graph, &node, &[None, Some(input)]).unwrap(), [None]);
    }

    #[test]
    fn refuses_rows_without_elements_and_an_epsilon_of_zero() {
        let op = LayerNorm { epsilon: 1e-5 };
        let error = op.infer(&[TensorType::f32([3, 0])]).unwrap_err();
        assert_eq!(error.to_string(), "wanted f32[..., c] of 1 column or more, got f32[3, 0]");
        assert!(op.infer(&[TensorType::f32([])]).is_err());
        let error = LayerNorm { epsilon: 0.0 }.infer(&[TensorType::f32([3])]).unwrap_err();
        assert_eq!(error.to_string(), "wanted a finite epsilon above 0, got 0");
        assert!(LayerNormGradient.infer(&[TensorType::f32([4, 3]), TensorType::f32([4, 3]), TensorType::f32([3])]).is_err());
    }
}
