//! Maximum over windows of images, channels last, each channel by itself: [`torch.nn.functional.max_pool2d`].
//!
//! What lies outside the image does not count. The gradient goes to the first of equal maxima, row by row, as in
//! PyTorch, and a NaN is the maximum of its window; for the gradient the place of each maximum is kept.
//!
//! [`torch.nn.functional.max_pool2d`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.max_pool2d.html

mod gradient;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Kernel, Lanes, Literal, LoadHook, Lowering, Node, Op, ShapeError,
    StoreHook, TensorType, Tolerance, Value,
};

use crate::cases::{case, floats, grid};
use crate::pooling::{PoolAxis, Pooling};

pub use gradient::MaxPool2dGradient;

/// The operation of [`max_pool2d()`]. Each pair is of the height and the width. A second output, u32, says which place
/// of each window its maximum has, counted row by row.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2d {
    /// Places of a window.
    pub kernel: [usize; 2],
    /// From one window to the next, 1 or more.
    pub stride: [usize; 2],
    /// Places around the image on each side, half a kernel at most.
    pub padding: [usize; 2],
}

/// Invocations of a workgroup.
const WORKGROUP_SIZE: usize = 64;

/// The largest of each window of `input`, f32 `[n, h, w, c]`: `[n, oh, ow, c]`, where
/// `oh = (h + 2 padding - kernel) / stride + 1`, rounded down, and `ow` likewise. Each pair is of the height and the
/// width.
///
/// # Errors
/// Where the input is not f32 with four axes, the kernel or a stride is 0, the padding is more than half the kernel, or
/// the kernel reaches beyond the padded image.
pub fn max_pool2d(
    graph: &mut Graph,
    input: Value,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
) -> Result<Value, GraphError> {
    Ok(graph.apply(MaxPool2d { kernel, stride, padding }, &[input])?[0])
}

impl MaxPool2d {
    fn axes(&self) -> [PoolAxis; 2] {
        PoolAxis::sliding(self.kernel, self.stride, self.padding)
    }

    /// The place in its window of a pixel that it shows.
    fn tap(&self, [(i, y), (j, x)]: [(usize, usize); 2]) -> usize {
        let place = |axis: usize, window: usize, pixel: usize| pixel + self.padding[axis] - window * self.stride[axis];
        place(0, i, y) * self.kernel[1] + place(1, j, x)
    }

    fn constants(&self, pooling: &Pooling) -> Vec<(&'static str, Literal)> {
        let numbers = [
            ("max_pool2d_blocks", pooling.channels.div_ceil(4).max(1)),
            ("max_pool2d_pixels_y", pooling.pixels[0]),
            ("max_pool2d_pixels_x", pooling.pixels[1]),
            ("max_pool2d_windows_y", pooling.windows[0]),
            ("max_pool2d_windows_x", pooling.windows[1]),
            ("max_pool2d_kernel_y", self.kernel[0]),
            ("max_pool2d_kernel_x", self.kernel[1]),
            ("max_pool2d_stride_y", self.stride[0]),
            ("max_pool2d_stride_x", self.stride[1]),
            ("max_pool2d_padding_y", self.padding[0]),
            ("max_pool2d_padding_x", self.padding[1]),
        ];
        numbers.map(|(name, number)| (name, Literal::U32(number as u32))).to_vec()
    }

    /// A kernel of four channels of each pixel of `output` for each invocation.
    fn kernel(&self, pooling: &Pooling, source: &'static str, entry: &'static str, output: &TensorType) -> Kernel {
        Kernel {
            candidate: entry,
            source,
            entry,
            class: None,
            cooperative: None,
            dims: vec![output.shape.rows() as u32],
            constants: self.constants(pooling),
            workgroups: grid(Pooling::blocks(output).div_ceil(WORKGROUP_SIZE)),
            rounds: (self.kernel[0] * self.kernel[1]) as u64,
            loads: Vec::new(),
            stores: Vec::new(),
            sums: Vec::new(),
        }
    }

    fn cases_of(&self, tensors: impl Fn(&Pooling) -> Vec<Array>) -> Vec<Case> {
        let sizes = [
            ("one channel", [2, 5, 7, 1]),
            ("three channels", [1, 6, 5, 3]),
            ("whole groups of channels", [2, 7, 7, 8]),
            ("one window", [1, 3, 3, 257]),
            ("no images", [0, 5, 5, 4]),
        ];
        let small = sizes.into_iter().filter_map(|(label, shape)| {
            let pooling = Pooling::of(self.axes(), &TensorType::f32(shape))?;
            Some(case(label, tensors(&pooling)))
        });
        small.collect()
    }
}

impl Op for MaxPool2d {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [input] = inputs
            && let Some(pooling) = Pooling::of(self.axes(), input)
        {
            let output = pooling.output();
            return Ok(vec![output.clone(), TensorType { dtype: DType::U32, ..output }]);
        }
        Err(ShapeError::new(format!("images f32[n, h, w, c] with a place for {self:?}"), inputs))
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let [Some(upstream), ..] = *upstream else { return Ok(vec![None]) };
        let &[_, h, w, _] = graph.kind(at.inputs[0]).shape.dims() else { return Ok(vec![None]) };
        let gradient = MaxPool2dGradient { of: *self, pixels: [h, w] };
        Ok(vec![Some(graph.apply_one(gradient, &[upstream, at.output(1)])?)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let Some(pooling) = Pooling::of(self.axes(), &inputs[0]) else { return Lowering::Kernels(Vec::new()) };
        let store = |variable, function| StoreHook { variable, function: Some((function, Lanes::Four)) };
        Lowering::Kernels(vec![Kernel {
            loads: vec![LoadHook { variable: "max_pool2d_input", function: Some(("max_pool2d_load", Lanes::Four)), row: None }],
            stores: vec![store("max_pool2d_output", "max_pool2d_store"), store("max_pool2d_taps", "max_pool2d_store_taps")],
            ..self.kernel(&pooling, include_str!("forward.wgsl"), "max_pool2d", &pooling.output())
        }])
    }

    /// A comparison for each place.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        let places = self.kernel[0] * self.kernel[1];
        Pooling::of(self.axes(), &inputs[0]).map_or(0, |pooling| (pooling.output().shape.elements() * places) as u64)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let (Some(pooling), [largest, taps]) = (Pooling::of(self.axes(), &inputs[0].kind), outputs) else { return };
        largest.data.fill(f64::NEG_INFINITY);
        taps.data.fill(f64::NAN);
        pooling.for_each_shown(|shown| {
            for channel in 0..pooling.channels {
                let (value, at) = (inputs[0].data[shown.input + channel], shown.output + channel);
                if taps.data[at].is_nan() || value > largest.data[at] || value.is_nan() {
                    (largest.data[at], taps.data[at]) = (value, self.tap(shown.places) as f64);
                }
            }
        });
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let (HostTensor::F32(_, input), [HostTensor::F32(_, largest), HostTensor::U32(_, taps)]) = (inputs[0], outputs) else {
            return false;
        };
        let Some(pooling) = Pooling::of(self.axes(), &inputs[0].kind()) else { return false };
        taps.fill(u32::MAX);
        pooling.for_each_shown(|shown| {
            let tap = self.tap(shown.places) as u32;
            let [to, from] = [shown.output, shown.input].map(|start| start..start + pooling.channels);
            for ((largest, at), &value) in largest[to.clone()].iter_mut().zip(&mut taps[to]).zip(&input[from]) {
                if *at == u32::MAX || value > *largest || value.is_nan() {
                    (*largest, *at) = (value, tap);
                }
            }
        });
        true
    }

    fn tolerance(&self, _inputs: &[TensorType]) -> Tolerance {
        Tolerance { absolute: 0.0, relative: 0.0 }
    }

    fn cases(&self) -> Vec<Case> {
        let mut cases = self.cases_of(|pooling| vec![floats(1, pooling.input().shape)]);
        let ties = Array::from_fn([1, 5, 5, 6], |index| [-1e30, -2.0, -1e30, 7.0, 7.0][index % 5]);
        if Pooling::of(self.axes(), &ties.kind).is_some() {
            cases.push(Case { differentiable: false, ..case("equal maxima", [ties]) });
        }
        cases
    }
}

/// Windows side by side, overlapping in a padded image, and with gaps between them and extents that differ.
fn attributes() -> [MaxPool2d; 3] {
    [
        MaxPool2d { kernel: [2, 2], stride: [2, 2], padding: [0, 0] },
        MaxPool2d { kernel: [3, 3], stride: [2, 1], padding: [1, 1] },
        MaxPool2d { kernel: [1, 3], stride: [3, 4], padding: [0, 1] },
    ]
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    let pools = attributes().map(|op| Arc::new(op) as Arc<dyn Op>);
    [pools.to_vec(), gradient::examples()].concat()
}
