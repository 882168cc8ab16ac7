//! The gradient of softmax and of its logarithm, from the output.

use wgrad_core::{Array, Case, HostTensor, Literal, Lowering, Op, ShapeError, TensorType, Tolerance};

use crate::cases::{case, floats, tolerance_of_sum};
use crate::elementwise::shared_type;
use crate::rowwise::{RowKernels, load_four, store_four};
use crate::sum::sum_of;

/// The gradient of softmax of the rows of f32 tensors, for the upstream gradient `g` and the output `y`:
/// `y[j] * (g[j] - sum over i of g[i] * y[i])`; or, for its logarithm, `g[j] - exp(y[j]) * sum over i of g[i]`.
#[derive(Clone, Copy, Debug)]
pub struct SoftmaxGradient {
    /// Whether it is that of the logarithm.
    pub log: bool,
}

impl Op for SoftmaxGradient {
    fn name(&self) -> &'static str {
        "softmax_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        Ok(vec![shared_type(inputs, &["upstream", "output"], &[])?])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let kernels = RowKernels {
            source: include_str!("gradient.wgsl"),
            entry: "softmax_gradient",
            serial: "softmax_gradient_serial",
            serial_rows: 1,
            constants: ["softmax_gradient_strands", "softmax_gradient_rows"],
            stores_rows: false,
        };
        let loads = vec![
            load_four("softmax_gradient_upstream", "softmax_gradient_load_upstream"),
            load_four("softmax_gradient_output", "softmax_gradient_load_output"),
        ];
        let stores = vec![store_four("softmax_gradient_input", "softmax_gradient_store")];
        let mut kernels = kernels.kernels(&inputs[0].shape, loads, stores);
        kernels.iter_mut().for_each(|kernel| kernel.constants.push(("softmax_gradient_log", Literal::Bool(self.log))));
        Lowering::Kernels(kernels)
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        4 * inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let columns = inputs[0].kind.shape.columns().max(1);
        let rows = inputs[0].data.chunks_exact(columns).zip(inputs[1].data.chunks_exact(columns));
        for ((upstream, output), result) in rows.zip(outputs[0].data.chunks_exact_mut(columns)) {
            let pairs = upstream.iter().zip(output);
            let sum: f64 = pairs.clone().map(|(g, y)| if self.log { *g } else { g * y }).sum();
            for (result, (g, y)) in result.iter_mut().zip(pairs) {
                *result = if self.log { g - y.exp() * sum } else { y * (g - sum) };
            }
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, upstream), HostTensor::F32(_, output)], [HostTensor::F32(_, result)]) = (inputs, outputs)
        else {
            return false;
        };
        let columns = shape.columns().max(1);
        let rows = upstream.chunks_exact(columns).zip(output.chunks_exact(columns));
        for ((upstream, output), result) in rows.zip(result.chunks_exact_mut(columns)) {
            let pairs = upstream.iter().zip(output);
            if self.log {
                let sum = sum_of(upstream);
                result.iter_mut().zip(pairs).for_each(|(result, (g, y))| *result = g - y.exp() * sum);
            } else {
                result.iter_mut().zip(pairs.clone()).for_each(|(product, (g, y))| *product = g * y);
                let sum = sum_of(result);
                result.iter_mut().zip(pairs).for_each(|(result, (g, y))| *result = y * (g - sum));
            }
        }
        true
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(inputs[0].shape.columns())
    }

    /// Outputs are below 0 for the logarithm, else above; they need not add up to 1.
    fn cases(&self) -> Vec<Case> {
        let output = |seed, shape: &[usize]| {
            let mut output = floats(seed, shape.to_vec());
            let sign = if self.log { -1.0 } else { 1.0 };
            output.data.iter_mut().for_each(|y| *y = sign * y.abs());
            output
        };
        let shapes: [&[usize]; 7] = [&[64, 10], &[7, 8], &[9, 13], &[257, 1], &[255], &[3, 5, 66], &[2, 1029]];
        let seeded = (1..).zip(shapes);
        let cases = seeded
            .map(|(seed, shape)| case(format!("shape {shape:?}"), [floats(seed, shape.to_vec()), output(seed + 20, shape)]));
        cases.map(|case| Case { differentiable: false, ..case }).collect()
    }
}
