//! The gradient of a convolution's weight: each weight sums, over all windows, the upstream gradient times the pixel
//! that it met there. There are many windows and few weights, so that the sum is made in parts.

use std::sync::Arc;

use wgrad_core::{Array, Case, DType, HostTensor, Lowering, Op, Shape, ShapeError, TensorType, Tolerance, View};

use super::{Conv2d, Geometry, attributes, host, product};
use crate::cases::{floats, tolerance_of_sum};
use crate::matmul::{Extents, Matmul};

/// Parts `[parts, o, kh * kw * c]` of the gradient of [`conv2d`](super::conv2d())'s weight, which are to be added up, of
/// the upstream gradient `[n, oh, ow, o]` and the input `[n, h, w, c]`.
#[derive(Clone, Copy, Debug)]
pub struct Conv2dWeightGradient {
    /// The convolution.
    pub of: Conv2d,
    /// Height and width of the kernel.
    pub taps: [usize; 2],
    /// Parts of equal size that the windows of all images are divided into.
    pub parts: usize,
}

impl Conv2dWeightGradient {
    fn geometry(&self, upstream: &Shape, input: &Shape) -> Option<Geometry> {
        let (&[.., filters], &[.., channels]) = (upstream.dims(), input.dims()) else { return None };
        let weight = Shape::from([filters, self.taps[0], self.taps[1], channels]);
        let geometry = self.of.geometry(input, &weight)?;
        let divides = self.parts > 0 && geometry.rows().is_multiple_of(self.parts);
        (divides && upstream.dims() == geometry.output()).then_some(geometry)
    }
}

impl Op for Conv2dWeightGradient {
    fn name(&self) -> &'static str {
        "conv2d_weight_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [upstream, input] = inputs
            && [upstream, input].iter().all(|kind| kind.dtype == DType::F32)
            && let Some(geometry) = self.geometry(&upstream.shape, &input.shape)
        {
            return Ok(vec![TensorType::f32([self.parts, geometry.filters, geometry.depth()])]);
        }
        let ([kh, kw], parts) = (self.taps, self.parts);
        let of = format!("{:?} with a kernel of {kh} x {kw}", self.of);
        Err(ShapeError::new(format!("the upstream gradient and the input of {of}, in {parts} equal parts"), inputs))
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let extents = self.geometry(&inputs[0].shape, &inputs[1].shape).map(|geometry| Extents {
            batch: self.parts,
            m: geometry.filters,
            n: geometry.depth(),
            k: geometry.rows() / self.parts,
        });
        product::lowering(Matmul { transpose_lhs: true, transpose_rhs: false }, extents)
    }

    fn operand_view(&self, inputs: &[TensorType], input: usize) -> Option<(View, Shape)> {
        let geometry = self.geometry(&inputs[0].shape, &inputs[1].shape)?;
        (input == 1).then(|| product::windows(self.of.input_windows(&geometry), geometry.images, geometry.channels))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        self.geometry(&inputs[0].shape, &inputs[1].shape).map_or(0, |geometry| geometry.flops())
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let Some(geometry) = self.geometry(&inputs[0].kind.shape, &inputs[1].kind.shape) else { return };
        let (weights, rows) = (geometry.filters * geometry.depth(), geometry.rows() / self.parts);
        self.of.for_each_product(&geometry, |output, weight, input| {
            let part = output / geometry.filters / rows;
            outputs[0].data[part * weights + weight] += inputs[0].data[output] * inputs[1].data[input];
        });
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(upstreams, upstream), HostTensor::F32(shape, input)], [HostTensor::F32(_, output)]) =
            (inputs, outputs)
        else {
            return false;
        };
        self.geometry(upstreams, shape).is_some_and(|geometry| {
            let images = host::Images { data: input, channels: geometry.channels, windows: self.of.input_windows(&geometry) };
            let rows = geometry.rows() / self.parts;
            let weights = geometry.filters * geometry.depth();
            output
                .chunks_exact_mut(weights.max(1))
                .enumerate()
                .all(|(part, output)| host::transposed_times_windows(upstream, &images, part * rows..(part + 1) * rows, output))
        })
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(inputs[0].shape.rows() / self.parts)
    }

    fn cases(&self) -> Vec<Case> {
        let tensors = |geometry: &Geometry| vec![floats(5, geometry.output()), floats(6, geometry.input())];
        let is_own = |case: &Case| self.geometry(&case.inputs[0].kind.shape, &case.inputs[1].kind.shape).is_some();
        // As many images as parts, so that the windows of all can be divided.
        let [kh, kw] = self.taps;
        self.of.gradient_cases(tensors, is_own, ([self.parts, kh + 4, kw + 4, 12], [20, kh, kw]))
    }
}

/// Of each convolution, with kernels of two sizes, whole and in two parts.
pub(super) fn examples() -> Vec<Arc<dyn Op>> {
    let of = |of| {
        let kernels = [([3, 3], 1), ([3, 3], 2), ([5, 7], 1)];
        kernels.map(|(taps, parts)| Arc::new(Conv2dWeightGradient { of, taps, parts }) as Arc<dyn Op>)
    };
    let all = attributes().into_iter().flat_map(of);
    all.filter(|op| !op.cases().is_empty()).collect()
}
