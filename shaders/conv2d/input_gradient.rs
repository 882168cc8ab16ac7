//! The gradient of a convolution's input: each pixel sums, over the windows that show it, the upstream gradient times
//! the weights that it met there.

use std::collections::BTreeSet;
use std::sync::Arc;

use wgrad_core::{Array, Case, DType, HostTensor, Lowering, Op, Shape, ShapeError, TensorType, Tolerance, View};

use super::{Conv2d, Geometry, attributes, host, product};
use crate::cases::{floats, tolerance_of_sum};
use crate::matmul::{Extents, Matmul};

/// The gradient of [`conv2d`](super::conv2d())'s input `[n, h, w, c]`, of the upstream gradient `[n, oh, ow, o]` and the
/// weight `[o, kh, kw, c]`.
#[derive(Clone, Copy, Debug)]
pub struct Conv2dInputGradient {
    /// The convolution.
    pub of: Conv2d,
    /// Height and width of the input.
    pub pixels: [usize; 2],
}

impl Conv2dInputGradient {
    fn geometry(&self, upstream: &Shape, weight: &Shape) -> Option<Geometry> {
        let (&[images, ..], &[.., channels]) = (upstream.dims(), weight.dims()) else { return None };
        let input = Shape::from([images, self.pixels[0], self.pixels[1], channels]);
        self.of.geometry(&input, weight).filter(|geometry| upstream.dims() == geometry.output())
    }
}

impl Op for Conv2dInputGradient {
    fn name(&self) -> &'static str {
        "conv2d_input_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [upstream, weight] = inputs
            && [upstream, weight].iter().all(|kind| kind.dtype == DType::F32)
            && let Some(geometry) = self.geometry(&upstream.shape, &weight.shape)
        {
            return Ok(vec![TensorType::f32(geometry.input())]);
        }
        let [h, w] = self.pixels;
        let wanted = format!("the upstream gradient and the weight of {:?} of images of {h} x {w} pixels", self.of);
        Err(ShapeError::new(wanted, inputs))
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let extents = self.geometry(&inputs[0].shape, &inputs[1].shape).map(|geometry| Extents {
            batch: 1,
            m: geometry.images * geometry.pixels[0] * geometry.pixels[1],
            n: geometry.channels,
            k: geometry.taps[0] * geometry.taps[1] * geometry.filters,
        });
        product::lowering(Matmul { transpose_lhs: false, transpose_rhs: false }, extents)
    }

    /// The weights are seen with the filters behind the taps.
    fn operand_view(&self, inputs: &[TensorType], input: usize) -> Option<(View, Shape)> {
        let geometry = self.geometry(&inputs[0].shape, &inputs[1].shape)?;
        let Geometry { images, channels, filters, taps, .. } = geometry;
        Some(match input {
            0 => product::windows(self.of.output_windows(&geometry), images, filters),
            _ => {
                let strides = vec![channels, geometry.depth(), 1];
                (View::Strided { offset: 0, strides }, Shape::from([taps[0] * taps[1], filters, channels]))
            }
        })
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        self.geometry(&inputs[0].shape, &inputs[1].shape).map_or(0, |geometry| geometry.flops())
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let Some(geometry) = self.geometry(&inputs[0].kind.shape, &inputs[1].kind.shape) else { return };
        self.of.for_each_product(&geometry, |output, weight, input| {
            outputs[0].data[input] += inputs[0].data[output] * inputs[1].data[weight];
        });
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, upstream), HostTensor::F32(weights, weight)], [HostTensor::F32(_, output)]) =
            (inputs, outputs)
        else {
            return false;
        };
        self.geometry(shape, weights).is_some_and(|geometry| {
            let windows = self.of.output_windows(&geometry);
            let images = host::Images { data: upstream, channels: geometry.filters, windows };
            host::windows_times(&images, &filters_behind_taps(weight, &geometry), (geometry.channels, false), output)
        })
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(inputs[1].shape.rows())
    }

    fn cases(&self) -> Vec<Case> {
        let tensors = |geometry: &Geometry| {
            let [kh, kw] = geometry.taps;
            vec![floats(3, geometry.output()), floats(4, [geometry.filters, kh, kw, geometry.channels])]
        };
        let is_own = |case: &Case| self.geometry(&case.inputs[0].kind.shape, &case.inputs[1].kind.shape).is_some();
        let [h, w] = self.pixels;
        self.of.gradient_cases(tensors, is_own, ([2, h, w, 12], [20, h.min(3), w.min(3)]))
    }
}

/// The weights `[o, kh, kw, c]` as `[kh, kw, o, c]`.
fn filters_behind_taps(weight: &[f32], geometry: &Geometry) -> Vec<f32> {
    let Geometry { channels, filters, taps, .. } = *geometry;
    let pixel = |tap: usize, filter: usize| &weight[filter * geometry.depth() + tap * channels..][..channels];
    (0..taps[0] * taps[1]).flat_map(|tap| (0..filters).flat_map(move |filter| pixel(tap, filter))).copied().collect()
}

/// Of each convolution, with the images of each of its cases.
pub(super) fn examples() -> Vec<Arc<dyn Op>> {
    let of = |of: Conv2d| {
        let pixels = |case: &Case| case.inputs[0].kind.shape.dims().first_chunk().map(|&[_, h, w]| [h, w]);
        let sizes: BTreeSet<_> = of.cases().iter().filter_map(pixels).collect();
        sizes.into_iter().map(move |pixels| Arc::new(Conv2dInputGradient { of, pixels }) as Arc<dyn Op>)
    };
    attributes().into_iter().flat_map(of).collect()
}
