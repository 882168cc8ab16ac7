//! The gradient of layer normalisation, from its outputs.

use wgrad_core::{Array, Case, DType, HostTensor, Lanes, LoadHook, Lowering, Op, ShapeError, TensorType, Tolerance};

use crate::cases::{case, floats, tolerance_of_sum};
use crate::rowwise::{RowKernels, load_four, store_four};
use crate::sum::sum_of;

/// The gradient of a normalisation of rows, for the upstream gradient `g` and the normalised rows `y`, both f32
/// `[..., c]`, and the reciprocal deviations `r` of all rows, f32 `[n]`: `r * (g[j] - mean of g - y[j] * mean of (g * y))`.
#[derive(Clone, Copy, Debug)]
pub struct LayerNormGradient;

impl Op for LayerNormGradient {
    fn name(&self) -> &'static str {
        "layer_norm_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [upstream, normalized, scale] = inputs
            && let (DType::F32, [.., _]) = (upstream.dtype, upstream.shape.dims())
            && normalized == upstream
            && *scale == TensorType::f32([upstream.shape.rows()])
        {
            return Ok(vec![upstream.clone()]);
        }
        Err(ShapeError::new("f32[..., c] twice (upstream, normalised) and f32[n] (reciprocal deviations of the rows)", inputs))
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let kernels = RowKernels {
            source: include_str!("gradient.wgsl"),
            entry: "layer_norm_gradient",
            serial: "layer_norm_gradient_serial",
            serial_rows: 1,
            constants: ["layer_norm_gradient_strands", "layer_norm_gradient_rows"],
            stores_rows: false,
        };
        let scale = ("layer_norm_gradient_load_scale", Lanes::One);
        let loads = vec![
            load_four("layer_norm_gradient_upstream", "layer_norm_gradient_load_upstream"),
            load_four("layer_norm_gradient_output", "layer_norm_gradient_load_output"),
            LoadHook { variable: "layer_norm_gradient_scale", function: Some(scale), row: None },
        ];
        let stores = vec![store_four("layer_norm_gradient_input", "layer_norm_gradient_store")];
        Lowering::Kernels(kernels.kernels(&inputs[0].shape, loads, stores))
    }

    /// Two sums with a product, and four operations to combine them, for each element.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        7 * inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let columns = inputs[0].kind.shape.columns();
        for (index, element) in outputs[0].data.iter_mut().enumerate() {
            let row = index / columns;
            let [upstream, normalized] = [0, 1].map(|input| &inputs[input].data[row * columns..][..columns]);
            let sum: f64 = upstream.iter().sum();
            let products: f64 = upstream.iter().zip(normalized).map(|(g, y)| g * y).sum();
            let means = (sum + normalized[index % columns] * products) / columns as f64;
            *element = inputs[2].data[row] * (upstream[index % columns] - means);
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, upstream), HostTensor::F32(_, normalized), HostTensor::F32(_, scales)], [output]) =
            (inputs, outputs)
        else {
            return false;
        };
        let (HostTensor::F32(_, output), columns) = (output, shape.columns().max(1)) else { return false };
        let rows = upstream.chunks_exact(columns).zip(normalized.chunks_exact(columns)).zip(scales);
        for (((upstream, normalized), scale), output) in rows.zip(output.chunks_exact_mut(columns)) {
            let pairs = upstream.iter().zip(normalized);
            output.iter_mut().zip(pairs.clone()).for_each(|(product, (g, y))| *product = g * y);
            let (sum, products) = (sum_of(upstream) / columns as f32, sum_of(output) / columns as f32);
            output.iter_mut().zip(pairs).for_each(|(output, (g, y))| *output = scale * (g - sum - y * products));
        }
        true
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(inputs[0].shape.columns())
    }

    fn cases(&self) -> Vec<Case> {
        let shapes: [&[usize]; 9] =
            [&[64, 10], &[7, 8], &[9, 13], &[257, 1], &[255], &[3, 5, 66], &[5, 1, 8], &[2, 1029], &[0, 4]];
        let cases = (1..).zip(shapes).map(|(seed, shape)| {
            let [upstream, normalized] = [0, 20].map(|offset| floats(seed + offset, shape.to_vec()));
            let rows = shape[..shape.len() - 1].iter().product();
            case(format!("shape {shape:?}"), [upstream, normalized, floats(seed + 40, [rows])])
        });
        cases.map(|case| Case { differentiable: false, ..case }).collect()
    }
}
