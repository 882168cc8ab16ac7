//! The gradient of mean and variance.

use wgrad_core::{Array, Case, Function, Graph, GraphError, HostTensor, Literal, Lowering, Op, ShapeError, TensorType, Value};

use crate::broadcasting::{broadcast_map, broadcast_to};
use crate::cases::{case, floats};

/// `(m + 2 v (x - mean)) / n` for a matrix `x`, f32 `[n, c]`, the means of its columns, f32 `[c]`, and the upstream
/// gradients `m` of the means and `v` of the variances, f32 `[c]` or `[]`: these four inputs.
#[derive(Clone, Copy, Debug)]
pub struct MomentsGradient {
    /// The rows `n` that the moments are of. The inputs may have been reshaped since.
    pub rows: usize,
}

/// The gradient of a matrix for those of its means and its variances; none where there is neither.
pub(super) fn moments_gradient(
    graph: &mut Graph,
    input: Value,
    mean: Value,
    upstream: &[Option<Value>],
) -> Result<Option<Value>, GraphError> {
    let [of_mean, of_variance] = upstream else { return Ok(None) };
    if of_mean.or(*of_variance).is_none() {
        return Ok(None);
    }
    let mut or_zero = |gradient: Option<Value>| gradient.unwrap_or_else(|| graph.scalar(0.0));
    let (of_mean, of_variance) = (or_zero(*of_mean), or_zero(*of_variance));
    let rows = graph.kind(input).shape.rows();
    graph.apply_one(MomentsGradient { rows }, &[input, mean, of_mean, of_variance]).map(Some)
}

impl MomentsGradient {
    /// One over the number of rows.
    fn share(&self) -> f64 {
        1.0 / self.rows.max(1) as f64
    }
}

impl Op for MomentsGradient {
    fn name(&self) -> &'static str {
        "moments_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        broadcast_to(inputs, 4, 0)
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        let function = Function::new(include_str!("gradient.wgsl"), "moments_gradient");
        Lowering::Pointwise(function.with_constants([Literal::F32(self.share() as f32)]))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        5 * inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let share = self.share();
        broadcast_map(inputs, &mut outputs[0], |x| share * (x[2] + 2.0 * x[3] * (x[0] - x[1])));
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, input), HostTensor::F32(_, mean), of_mean, of_variance], [HostTensor::F32(_, output)]) =
            (inputs, outputs)
        else {
            return false;
        };
        let (columns, share) = (shape.columns().max(1), self.share() as f32);
        let (Some(of_mean), Some(of_variance)) = (column_values(of_mean, columns), column_values(of_variance, columns)) else {
            return false;
        };
        for (output, input) in output.chunks_exact_mut(columns).zip(input.chunks_exact(columns)) {
            let upstream = of_mean.iter().zip(&of_variance);
            for ((y, (x, mean)), (m, v)) in output.iter_mut().zip(input.iter().zip(mean)).zip(upstream) {
                *y = share * (m + 2.0 * v * (x - mean));
            }
        }
        true
    }

    fn cases(&self) -> Vec<Case> {
        let of = |label, rows: usize, columns: usize| {
            case(label, [floats(1, [rows, columns]), floats(2, [columns]), floats(3, [columns]), floats(4, [columns])])
        };
        let zero = [floats(5, [6, 4]), floats(6, [4]), Array::zeros(TensorType::f32([])), floats(7, [4])];
        let cases = [of("rows of 13", 7, 13), of("rows of 8", 9, 8), of("one row", 1, 5), case("no upstream of the means", zero)];
        cases.map(|case| Case { differentiable: false, ..case }).to_vec()
    }
}

/// One number for each column, of a vector of them or of a single one.
fn column_values(tensor: &HostTensor, columns: usize) -> Option<Vec<f32>> {
    match tensor {
        HostTensor::F32(_, data) if data.len() == columns => Some(data.clone()),
        HostTensor::F32(_, data) => data.first().map(|&value| vec![value; columns]),
        _ => None,
    }
}
