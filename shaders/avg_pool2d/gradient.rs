//! The gradient of the mean over windows of images.

use std::collections::BTreeSet;
use std::sync::Arc;

use wgrad_core::{Array, Case, HostTensor, Kernel, Lanes, LoadHook, Lowering, Op, ShapeError, TensorType, Tolerance};

use super::{AvgPool2d, attributes};
use crate::cases::{floats, tolerance_of_sum};
use crate::pooling::Pooling;

/// The gradient of [`avg_pool2d`](super::avg_pool2d())'s input, of the upstream gradient `[n, oh, ow, c]`.
#[derive(Clone, Copy, Debug)]
pub struct AvgPool2dGradient {
    /// The windows.
    pub of: AvgPool2d,
    /// Height and width of the input.
    pub pixels: [usize; 2],
}

impl AvgPool2dGradient {
    fn pooling(&self, upstream: &TensorType) -> Option<Pooling> {
        Pooling::of_gradient(self.of.axes, self.pixels, upstream)
    }
}

impl Op for AvgPool2dGradient {
    fn name(&self) -> &'static str {
        "avg_pool2d_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [upstream] = inputs
            && let Some(pooling) = self.pooling(upstream)
        {
            return Ok(vec![pooling.input()]);
        }
        let [h, w] = self.pixels;
        let wanted = format!("the upstream gradient f32 of windows of {:?} of images of {h} x {w} pixels", self.of.axes);
        Err(ShapeError::new(wanted, inputs))
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let Some(pooling) = self.pooling(&inputs[0]) else { return Lowering::Kernels(Vec::new()) };
        let function = Some(("avg_pool2d_load_upstream", Lanes::Four));
        Lowering::Kernels(vec![Kernel {
            loads: vec![LoadHook { variable: "avg_pool2d_upstream", function, row: None }],
            ..self.of.kernel(&pooling, include_str!("gradient.wgsl"), "avg_pool2d_gradient", &pooling.input())
        }])
    }

    /// As many additions as the mean's.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        self.pooling(&inputs[0]).map_or(0, |pooling| self.of.flops(&[pooling.input()]))
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let Some(pooling) = self.pooling(&inputs[0].kind) else { return };
        pooling.for_each_shown(|shown| {
            let places = self.of.places(shown.places, pooling.pixels) as f64;
            for channel in 0..pooling.channels {
                outputs[0].data[shown.input + channel] += inputs[0].data[shown.output + channel] / places;
            }
        });
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let (HostTensor::F32(_, upstream), [HostTensor::F32(_, output)]) = (inputs[0], outputs) else { return false };
        let Some(pooling) = self.pooling(&inputs[0].kind()) else { return false };
        pooling.for_each_shown(|shown| {
            let factor = 1.0 / self.of.places(shown.places, pooling.pixels) as f32;
            let [from, to] = [shown.output, shown.input].map(|start| start..start + pooling.channels);
            output[to].iter_mut().zip(&upstream[from]).for_each(|(sum, upstream)| *sum += factor * upstream);
        });
        true
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(self.pooling(&inputs[0]).map_or(1, |pooling| self.of.most_places(&pooling)))
    }

    fn cases(&self) -> Vec<Case> {
        let is_own = |case: &Case| self.pooling(&case.inputs[0].kind).is_some();
        let cases = self.of.cases_of(|pooling| vec![floats(2, pooling.output().shape)]);
        cases.into_iter().filter(is_own).map(|case| Case { differentiable: false, ..case }).collect()
    }
}

/// Of each pooling, with the images of each of its cases.
pub(super) fn examples() -> Vec<Arc<dyn Op>> {
    let of = |of: AvgPool2d| {
        let cases = of.cases_of(|pooling| vec![Array::zeros(pooling.input())]);
        let pixels = |case: &Case| case.inputs[0].kind.shape.dims().first_chunk().map(|&[_, h, w]| [h, w]);
        let sizes: BTreeSet<_> = cases.iter().filter_map(pixels).collect();
        sizes.into_iter().map(move |pixels| Arc::new(AvgPool2dGradient { of, pixels }) as Arc<dyn Op>)
    };
    attributes().into_iter().flat_map(of).collect()
}
