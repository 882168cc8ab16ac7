//! The gradient of the maximum over windows of images.

use std::collections::BTreeSet;
use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, HostTensor, Kernel, Lanes, LoadHook, Lowering, Op, ShapeError, StoreHook, TensorType, Tolerance,
};

use super::{MaxPool2d, attributes};
use crate::cases::{floats, integers, tolerance_of_sum};
use crate::pooling::Pooling;

/// The gradient of [`max_pool2d`](super::max_pool2d())'s input, of the upstream gradient and the places of the maxima in
/// their windows, u32, both `[n, oh, ow, c]`.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2dGradient {
    /// The windows.
    pub of: MaxPool2d,
    /// Height and width of the input.
    pub pixels: [usize; 2],
}

impl MaxPool2dGradient {
    fn pooling(&self, upstream: &TensorType) -> Option<Pooling> {
        Pooling::of_gradient(self.of.axes(), self.pixels, upstream)
    }
}

impl Op for MaxPool2dGradient {
    fn name(&self) -> &'static str {
        "max_pool2d_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [upstream, taps] = inputs
            && let Some(pooling) = self.pooling(upstream)
            && taps.dtype == DType::U32
            && taps.shape == upstream.shape
        {
            return Ok(vec![pooling.input()]);
        }
        let [h, w] = self.pixels;
        let wanted = format!("the upstream gradient f32 and the places u32 of {:?} of images of {h} x {w} pixels", self.of);
        Err(ShapeError::new(wanted, inputs))
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let Some(pooling) = self.pooling(&inputs[0]) else { return Lowering::Kernels(Vec::new()) };
        let load = |variable, function| LoadHook { variable, function: Some((function, Lanes::Four)), row: None };
        Lowering::Kernels(vec![Kernel {
            loads: vec![load("max_pool2d_upstream", "max_pool2d_load_upstream"), load("max_pool2d_taps", "max_pool2d_load_taps")],
            stores: vec![StoreHook { variable: "max_pool2d_output", function: Some(("max_pool2d_store", Lanes::Four)) }],
            ..self.of.kernel(&pooling, include_str!("gradient.wgsl"), "max_pool2d_gradient", &pooling.input())
        }])
    }

    /// An addition for each window.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let Some(pooling) = self.pooling(&inputs[0].kind) else { return };
        pooling.for_each_shown(|shown| {
            for channel in 0..pooling.channels {
                let from = shown.output + channel;
                if inputs[1].data[from] == self.of.tap(shown.places) as f64 {
                    outputs[0].data[shown.input + channel] += inputs[0].data[from];
                }
            }
        });
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(_, upstream), HostTensor::U32(_, taps)], [HostTensor::F32(_, output)]) = (inputs, outputs) else {
            return false;
        };
        let Some(pooling) = self.pooling(&inputs[0].kind()) else { return false };
        pooling.for_each_shown(|shown| {
            let tap = self.of.tap(shown.places) as u32;
            let [from, to] = [shown.output, shown.input].map(|start| start..start + pooling.channels);
            for ((sum, &upstream), &at) in output[to].iter_mut().zip(&upstream[from.clone()]).zip(&taps[from]) {
                *sum += if at == tap { upstream } else { 0.0 };
            }
        });
        true
    }

    fn tolerance(&self, _inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(self.of.kernel[0] * self.of.kernel[1])
    }

    fn cases(&self) -> Vec<Case> {
        let places = (self.of.kernel[0] * self.of.kernel[1]) as u32;
        let tensors = |pooling: &Pooling| {
            let shape = pooling.output().shape;
            vec![floats(2, shape.clone()), integers(DType::U32, shape, |index| index as u32 * 7 % places)]
        };
        let is_own = |case: &Case| self.pooling(&case.inputs[0].kind).is_some();
        self.of.cases_of(tensors).into_iter().filter(is_own).map(|case| Case { differentiable: false, ..case }).collect()
    }
}

/// Of each pooling, with the images of each of its cases.
pub(super) fn examples() -> Vec<Arc<dyn Op>> {
    let of = |of: MaxPool2d| {
        let cases = of.cases_of(|pooling| vec![Array::zeros(pooling.input())]);
        let pixels = |case: &Case| case.inputs[0].kind.shape.dims().first_chunk().map(|&[_, h, w]| [h, w]);
        let sizes: BTreeSet<_> = cases.iter().filter_map(pixels).collect();
        sizes.into_iter().map(move |pixels| Arc::new(MaxPool2dGradient { of, pixels }) as Arc<dyn Op>)
    };
    attributes().into_iter().flat_map(of).collect()
}
