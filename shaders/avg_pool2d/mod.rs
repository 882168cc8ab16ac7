//! Mean over windows of images, channels last, each channel by itself: [`torch.nn.functional.avg_pool2d`], in which
//! padding counts as zeros (`count_include_pad`), and [`torch.nn.functional.adaptive_avg_pool2d`].
//!
//! [`torch.nn.functional.avg_pool2d`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool2d.html
//! [`torch.nn.functional.adaptive_avg_pool2d`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool2d.html

mod gradient;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wgrad_core::{
    Array, Case, Graph, GraphError, HostTensor, Kernel, Lanes, Literal, LoadHook, Lowering, Node, Op, ShapeError, StoreHook,
    TensorType, Tolerance, Value,
};

use crate::cases::{case, floats, grid, tolerance_of_sum};
use crate::pooling::{PoolAxis, Pooling};

pub use gradient::AvgPool2dGradient;

/// The operation of [`avg_pool2d()`] and [`adaptive_avg_pool2d()`].
#[derive(Clone, Copy, Debug)]
pub struct AvgPool2d {
    /// The windows along the height and along the width, both of one kind.
    pub axes: [PoolAxis; 2],
}

/// Invocations of a workgroup.
const WORKGROUP_SIZE: usize = 64;

/// The mean of each window of `input`, f32 `[n, h, w, c]`, padding included: `[n, oh, ow, c]`, where
/// `oh = (h + 2 padding - kernel) / stride + 1`, rounded down, and `ow` likewise. Each pair is of the height and the
/// width.
///
/// # Errors
/// Where the input is not f32 with four axes, the kernel or a stride is 0, the padding is more than half the kernel, or
/// the kernel reaches beyond the padded image.
pub fn avg_pool2d(
    graph: &mut Graph,
    input: Value,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
) -> Result<Value, GraphError> {
    graph.apply_one(AvgPool2d { axes: PoolAxis::sliding(kernel, stride, padding) }, &[input])
}

/// The means of `input`, f32 `[n, h, w, c]`, over as many windows as `windows` says, along the height and the width,
/// which cover the image evenly: `[n, windows[0], windows[1], c]`. One by one, it is the mean of the image.
///
/// # Errors
/// Where the input is not f32 with four axes, has no pixels, or no windows are wanted.
pub fn adaptive_avg_pool2d(graph: &mut Graph, input: Value, windows: [usize; 2]) -> Result<Value, GraphError> {
    graph.apply_one(AvgPool2d { axes: windows.map(|windows| PoolAxis::Even { windows }) }, &[input])
}

impl AvgPool2d {
    /// Kernel, stride and padding along an axis; those of even windows are not read.
    fn sliding(&self, axis: usize) -> [usize; 3] {
        match self.axes[axis] {
            PoolAxis::Sliding { kernel, stride, padding } => [kernel, stride, padding],
            PoolAxis::Even { .. } => [1, 1, 0],
        }
    }

    /// The places of a window.
    fn places(&self, [(i, _), (j, _)]: [(usize, usize); 2], [h, w]: [usize; 2]) -> usize {
        self.axes[0].size(i, h) * self.axes[1].size(j, w)
    }

    /// The most that a window has.
    fn most_places(&self, pooling: &Pooling) -> usize {
        let most = |axis: usize| (0..pooling.windows[axis]).map(|i| self.axes[axis].size(i, pooling.pixels[axis])).max();
        most(0).unwrap_or(1) * most(1).unwrap_or(1)
    }

    fn constants(&self, pooling: &Pooling) -> Vec<(&'static str, Literal)> {
        let [[kernel_y, stride_y, padding_y], [kernel_x, stride_x, padding_x]] = [0, 1].map(|axis| self.sliding(axis));
        let numbers = [
            ("avg_pool2d_blocks", pooling.channels.div_ceil(4).max(1)),
            ("avg_pool2d_pixels_y", pooling.pixels[0]),
            ("avg_pool2d_pixels_x", pooling.pixels[1]),
            ("avg_pool2d_windows_y", pooling.windows[0]),
            ("avg_pool2d_windows_x", pooling.windows[1]),
            ("avg_pool2d_kernel_y", kernel_y),
            ("avg_pool2d_kernel_x", kernel_x),
            ("avg_pool2d_stride_y", stride_y),
            ("avg_pool2d_stride_x", stride_x),
            ("avg_pool2d_padding_y", padding_y),
            ("avg_pool2d_padding_x", padding_x),
        ];
        let is_even = matches!(self.axes[0], PoolAxis::Even { .. });
        let numbers = numbers.map(|(name, number)| (name, Literal::U32(number as u32)));
        [&[("avg_pool2d_even", Literal::Bool(is_even))], numbers.as_slice()].concat()
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
            rounds: self.most_places(pooling) as u64,
            loads: Vec::new(),
            stores: vec![StoreHook { variable: "avg_pool2d_output", function: Some(("avg_pool2d_store", Lanes::Four)) }],
            sums: Vec::new(),
        }
    }

    fn cases_of(&self, tensors: impl Fn(&Pooling) -> Vec<Array>) -> Vec<Case> {
        let sizes = [
            ("one channel", [2, 5, 7, 1]),
            ("three channels", [1, 6, 5, 3]),
            ("whole groups of channels", [2, 7, 7, 8]),
            ("small images", [1, 3, 3, 65]),
            ("no images", [0, 5, 5, 4]),
        ];
        let cases = sizes.into_iter().filter_map(|(label, shape)| {
            let pooling = Pooling::of(self.axes, &TensorType::f32(shape))?;
            Some(case(label, tensors(&pooling)))
        });
        cases.collect()
    }
}

impl Op for AvgPool2d {
    fn name(&self) -> &'static str {
        "avg_pool2d"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        let is_one_kind = matches!(
            self.axes,
            [PoolAxis::Even { .. }, PoolAxis::Even { .. }] | [PoolAxis::Sliding { .. }, PoolAxis::Sliding { .. }]
        );
        if let [input] = inputs
            && let Some(pooling) = Pooling::of(self.axes, input).filter(|_| is_one_kind)
        {
            return Ok(vec![pooling.output()]);
        }
        Err(ShapeError::new(format!("images f32[n, h, w, c] with a place for windows of {:?}", self.axes), inputs))
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let &[Some(upstream)] = upstream else { return Ok(vec![None]) };
        let &[_, h, w, _] = graph.kind(at.inputs[0]).shape.dims() else { return Ok(vec![None]) };
        Ok(vec![Some(graph.apply_one(AvgPool2dGradient { of: *self, pixels: [h, w] }, &[upstream])?)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let Some(pooling) = Pooling::of(self.axes, &inputs[0]) else { return Lowering::Kernels(Vec::new()) };
        Lowering::Kernels(vec![Kernel {
            loads: vec![LoadHook { variable: "avg_pool2d_input", function: Some(("avg_pool2d_load", Lanes::Four)), row: None }],
            ..self.kernel(&pooling, include_str!("forward.wgsl"), "avg_pool2d", &pooling.output())
        }])
    }

    /// An addition for each place, and a division.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        Pooling::of(self.axes, &inputs[0])
            .map_or(0, |pooling| (pooling.output().shape.elements() * (self.most_places(&pooling) + 1)) as u64)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let Some(pooling) = Pooling::of(self.axes, &inputs[0].kind) else { return };
        pooling.for_each_shown(|shown| {
            let places = self.places(shown.places, pooling.pixels) as f64;
            for channel in 0..pooling.channels {
                outputs[0].data[shown.output + channel] += inputs[0].data[shown.input + channel] / places;
            }
        });
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let (HostTensor::F32(_, input), [HostTensor::F32(_, output)]) = (inputs[0], outputs) else { return false };
        let Some(pooling) = Pooling::of(self.axes, &inputs[0].kind()) else { return false };
        pooling.for_each_shown(|shown| {
            let factor = 1.0 / self.places(shown.places, pooling.pixels) as f32;
            let [to, from] = [shown.output, shown.input].map(|start| start..start + pooling.channels);
            output[to].iter_mut().zip(&input[from]).for_each(|(mean, pixel)| *mean += factor * pixel);
        });
        true
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(Pooling::of(self.axes, &inputs[0]).map_or(1, |pooling| self.most_places(&pooling)))
    }

    fn cases(&self) -> Vec<Case> {
        self.cases_of(|pooling| vec![floats(1, pooling.input().shape)])
    }
}

/// Windows side by side, overlapping in a padded image, and with gaps between them; the mean of the image, and windows
/// that do not divide it, or are more than its pixels.
fn attributes() -> [AvgPool2d; 6] {
    let sliding = |kernel, stride, padding| AvgPool2d { axes: PoolAxis::sliding(kernel, stride, padding) };
    let even = |windows: [usize; 2]| AvgPool2d { axes: windows.map(|windows| PoolAxis::Even { windows }) };
    [
        sliding([2, 2], [2, 2], [0, 0]),
        sliding([3, 3], [2, 1], [1, 1]),
        sliding([1, 3], [3, 4], [0, 1]),
        even([1, 1]),
        even([3, 2]),
        even([4, 8]),
    ]
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    let pools = attributes().map(|op| Arc::new(op) as Arc<dyn Op>);
    [pools.to_vec(), gradient::examples()].concat()
}
