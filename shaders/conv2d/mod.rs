//! Convolution of images, channels last, as [`torch.nn.functional.conv2d`] without groups and bias:
//!
//! ```text
//! y[n, i, j, o] = sum over (ki, kj, c) of x[n, i s - p + ki d, j s - p + kj d, c] w[o, ki, kj, c]
//! ```
//!
//! with stride `s`, padding `p` and dilation `d`, where `x` is 0 outside the image. PyTorch's axes are in another order:
//! images `[n, c, h, w]` and weights `[o, c, kh, kw]`.
//!
//! It is a product of matrices, and so are its gradients: windows of the images times weights. The kernels are those of
//! [`matmul`](crate::matmul()), which see the images through [`Windows`]; nothing is copied. A bias is an `add` behind it,
//! which the kernels' store takes in.
//!
//! [`torch.nn.functional.conv2d`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html

mod host;
mod input_gradient;
mod product;
#[cfg(test)]
mod tests;
mod weight_gradient;

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lowering, Node, Op, Shape, ShapeError, TensorType, Tolerance, Value, View,
    WindowAxis, Windows,
};

use crate::cases::{case, floats, tolerance_of_sum};
use crate::matmul::{Extents, Matmul, partition};

pub use input_gradient::Conv2dInputGradient;
pub use weight_gradient::Conv2dWeightGradient;

/// The operation of [`conv2d()`]. Each pair is of the height and the width.
#[derive(Clone, Copy, Debug)]
pub struct Conv2d {
    /// From one window to the next, 1 or more.
    pub stride: [usize; 2],
    /// Zeros around the image, on each side.
    pub padding: [usize; 2],
    /// From one element of the kernel to the next, 1 or more.
    pub dilation: [usize; 2],
}

/// Convolves `input`, f32 `[n, h, w, c]`, with `weight`, f32 `[o, kh, kw, c]`: `[n, oh, ow, o]`, where
/// `oh = (h + 2 padding - dilation (kh - 1) - 1) / stride + 1`, rounded down, and `ow` likewise. Each pair is of the
/// height and the width.
///
/// # Errors
/// Where the input or the weight is not of such a type, a stride or dilation is 0, the kernel is empty, or it reaches
/// beyond the padded image.
pub fn conv2d(
    graph: &mut Graph,
    input: Value,
    weight: Value,
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
) -> Result<Value, GraphError> {
    graph.apply_one(Conv2d { stride, padding, dilation }, &[input, weight])
}

/// All extents of a convolution.
#[derive(Clone, Copy, Debug)]
struct Geometry {
    images: usize,
    /// Height and width of the input.
    pixels: [usize; 2],
    channels: usize,
    /// Height and width of the output.
    windows: [usize; 2],
    /// Height and width of the kernel.
    taps: [usize; 2],
    filters: usize,
}

impl Geometry {
    /// The elements of a window.
    fn depth(&self) -> usize {
        self.taps[0] * self.taps[1] * self.channels
    }

    /// The windows of all images.
    fn rows(&self) -> usize {
        self.images * self.windows[0] * self.windows[1]
    }

    fn input(&self) -> [usize; 4] {
        [self.images, self.pixels[0], self.pixels[1], self.channels]
    }

    fn output(&self) -> [usize; 4] {
        [self.images, self.windows[0], self.windows[1], self.filters]
    }

    fn flops(&self) -> u64 {
        2 * self.rows() as u64 * self.depth() as u64 * self.filters as u64
    }
}

impl Conv2d {
    /// The extents for an input and a weight; none where they do not go together.
    fn geometry(&self, input: &Shape, weight: &Shape) -> Option<Geometry> {
        let (&[images, h, w, channels], &[filters, kh, kw, weight_channels]) = (input.dims(), weight.dims()) else {
            return None;
        };
        let windows = [self.windows(0, h, kh)?, self.windows(1, w, kw)?];
        let geometry = Geometry { images, pixels: [h, w], channels, windows, taps: [kh, kw], filters };
        (channels == weight_channels && channels > 0).then_some(geometry)
    }

    /// How many windows there are along an axis; none where there is no place for one.
    fn windows(&self, axis: usize, pixels: usize, taps: usize) -> Option<usize> {
        let [stride, padding, dilation] = [self.stride, self.padding, self.dilation].map(|pair| pair[axis]);
        let reach = taps.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
        let places = padding.checked_mul(2)?.checked_add(pixels)?.checked_sub(reach)?;
        (dilation > 0).then(|| places.checked_div(stride))?.map(|last| last + 1)
    }

    /// The windows of the input that the output's elements are computed from.
    fn input_windows(&self, geometry: &Geometry) -> Windows {
        let axis = |axis: usize| WindowAxis {
            pixels: geometry.pixels[axis],
            windows: geometry.windows[axis],
            taps: geometry.taps[axis],
            start: -(self.padding[axis] as isize),
            stride: self.stride[axis],
            step: self.dilation[axis] as isize,
            spread: 1,
        };
        Windows { axes: [axis(0), axis(1)] }
    }

    /// The windows of the output that an element of the input has an effect on.
    fn output_windows(&self, geometry: &Geometry) -> Windows {
        let axis = |axis: usize| WindowAxis {
            pixels: geometry.windows[axis],
            windows: geometry.pixels[axis],
            taps: geometry.taps[axis],
            start: self.padding[axis] as isize,
            stride: 1,
            step: -(self.dilation[axis] as isize),
            spread: self.stride[axis],
        };
        Windows { axes: [axis(0), axis(1)] }
    }

    /// Calls `visit` with the index of an element of the output, of the weight and of the input, wherever a product of
    /// the latter two is a part of the former.
    fn for_each_product(&self, geometry: &Geometry, mut visit: impl FnMut(usize, usize, usize)) {
        let Geometry { images, pixels, channels, windows, taps, filters } = *geometry;
        let pixel = |axis: usize, window: usize, tap: usize| {
            let place = window * self.stride[axis] + tap * self.dilation[axis];
            place.checked_sub(self.padding[axis]).filter(|&pixel| pixel < pixels[axis])
        };
        for (image, i, j) in indices([images, windows[0], windows[1]]) {
            for (filter, ki, kj) in indices([filters, taps[0], taps[1]]) {
                let (Some(y), Some(x)) = (pixel(0, i, ki), pixel(1, j, kj)) else { continue };
                let output = ((image * windows[0] + i) * windows[1] + j) * filters + filter;
                for channel in 0..channels {
                    let weight = ((filter * taps[0] + ki) * taps[1] + kj) * channels + channel;
                    visit(output, weight, ((image * pixels[0] + y) * pixels[1] + x) * channels + channel);
                }
            }
        }
    }
}

/// All indices of three axes, the last fastest.
fn indices([a, b, c]: [usize; 3]) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a).flat_map(move |i| (0..b).flat_map(move |j| (0..c).map(move |k| (i, j, k))))
}

impl Op for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [input, weight] = inputs
            && [input, weight].iter().all(|kind| kind.dtype == DType::F32)
            && let Some(geometry) = self.geometry(&input.shape, &weight.shape)
        {
            return Ok(vec![TensorType::f32(geometry.output())]);
        }
        let Self { stride, padding, dilation } = self;
        let how = format!("stride {stride:?}, padding {padding:?} and dilation {dilation:?}");
        let wanted = format!("images f32[n, h, w, c] and a kernel f32[o, kh, kw, c] that fits into them with {how}");
        Err(ShapeError::new(wanted, inputs))
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[Some(upstream)], &[input, weight]) = (upstream, at.inputs.as_slice()) else {
            return Ok(vec![None; at.inputs.len()]);
        };
        let [input_shape, weight_shape] = [input, weight].map(|value| graph.kind(value).shape.clone());
        let Some(geometry) = self.geometry(&input_shape, &weight_shape) else { return Ok(vec![None; 2]) };
        let of_input = Conv2dInputGradient { of: *self, pixels: geometry.pixels };
        let input_gradient = graph.apply_one(of_input, &[upstream, weight])?;
        let parts = partition::parts(geometry.filters, geometry.depth(), geometry.rows());
        let of_weight = Conv2dWeightGradient { of: *self, taps: geometry.taps, parts };
        let products = graph.apply_one(of_weight, &[upstream, input])?;
        let weight_gradient = partition::sum_of_parts(graph, products, weight_shape)?;
        Ok(vec![Some(input_gradient), Some(weight_gradient)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let extents = self.geometry(&inputs[0].shape, &inputs[1].shape).map(|geometry| Extents {
            batch: 1,
            m: geometry.rows(),
            n: geometry.filters,
            k: geometry.depth(),
        });
        product::lowering(Matmul { transpose_lhs: false, transpose_rhs: true }, extents)
    }

    fn operand_view(&self, inputs: &[TensorType], input: usize) -> Option<(View, Shape)> {
        let geometry = self.geometry(&inputs[0].shape, &inputs[1].shape)?;
        Some(match input {
            0 => product::windows(self.input_windows(&geometry), geometry.images, geometry.channels),
            _ => product::matrix([geometry.filters, geometry.depth()]),
        })
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        self.geometry(&inputs[0].shape, &inputs[1].shape).map_or(0, |geometry| geometry.flops())
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let Some(geometry) = self.geometry(&inputs[0].kind.shape, &inputs[1].kind.shape) else { return };
        self.for_each_product(&geometry, |output, weight, input| {
            outputs[0].data[output] += inputs[0].data[input] * inputs[1].data[weight];
        });
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, input), HostTensor::F32(weights, weight)], [HostTensor::F32(_, output)]) = (inputs, outputs)
        else {
            return false;
        };
        self.geometry(shape, weights).is_some_and(|geometry| {
            let images = host::Images { data: input, channels: geometry.channels, windows: self.input_windows(&geometry) };
            host::windows_times(&images, weight, (geometry.filters, true), output)
        })
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(inputs[1].shape.elements() / inputs[1].shape.dims()[0].max(1))
    }

    fn cases(&self) -> Vec<Case> {
        let tensors = |geometry: &Geometry| {
            let [kh, kw] = geometry.taps;
            vec![floats(1, geometry.input()), floats(2, [geometry.filters, kh, kw, geometry.channels])]
        };
        self.cases_of(tensors)
    }
}

impl Conv2d {
    /// Cases of extents that are awkward, for whatever tensors are made of them: most for the plain convolution. Those
    /// that the attributes leave no place for are left out.
    fn cases_of(&self, tensors: impl Fn(&Geometry) -> Vec<Array>) -> Vec<Case> {
        const SIZES: [(&str, [usize; 4], [usize; 3], bool); 10] = [
            ("one channel", [2, 7, 6, 1], [5, 3, 3], true),
            ("four channels", [2, 5, 5, 4], [3, 3, 3], true),
            ("a flat kernel", [2, 4, 6, 2], [3, 1, 3], true),
            ("beyond whole tiles", [3, 9, 11, 12], [20, 3, 3], false),
            ("three channels", [1, 5, 8, 3], [2, 3, 2], true),
            ("one tap", [1, 4, 3, 5], [4, 1, 1], true),
            ("no images", [0, 5, 5, 2], [3, 3, 3], true),
            ("whole tiles", [4, 16, 16, 16], [32, 3, 3], false),
            ("digits", [3, 28, 28, 1], [32, 3, 3], false),
            ("a large kernel", [2, 13, 14, 8], [17, 5, 7], false),
        ];
        let sizes = if self.stride == [1, 1] { &SIZES[..] } else { &SIZES[..4] };
        let cases = sizes.iter().filter_map(|&(label, input, weight, differentiable)| {
            Some(Case { differentiable, ..case(label, tensors(&self.geometry_of(input, weight)?)) })
        });
        cases.collect()
    }

    /// The geometry of images `[n, h, w, c]` and filters `[o, kh, kw]`; none where they have no place.
    fn geometry_of(&self, input: [usize; 4], [filters, kh, kw]: [usize; 3]) -> Option<Geometry> {
        self.geometry(&Shape::from(input), &Shape::from([filters, kh, kw, input[3]]))
    }

    /// The cases of a gradient: those of the convolution that are its own, or where it has none of these, one of such images
    /// and filters as it is for.
    fn gradient_cases(
        &self,
        tensors: impl Fn(&Geometry) -> Vec<Array>,
        is_own: impl Fn(&Case) -> bool,
        otherwise: ([usize; 4], [usize; 3]),
    ) -> Vec<Case> {
        let (input, weight) = otherwise;
        let mut cases = self.cases_of(&tensors);
        cases.retain(is_own);
        if cases.is_empty() {
            cases.extend(self.geometry_of(input, weight).map(|geometry| case("of its own", tensors(&geometry))));
        }
        cases.into_iter().map(|case| Case { differentiable: false, ..case }).collect()
    }
}

/// A plain one, a strided one, one with all attributes that differ along the axes, one whose padding is wider than its
/// kernel, and one whose windows are so far apart that their places do not fit into a word.
fn attributes() -> [Conv2d; 5] {
    [
        Conv2d { stride: [1, 1], padding: [1, 1], dilation: [1, 1] },
        Conv2d { stride: [2, 2], padding: [1, 1], dilation: [1, 1] },
        Conv2d { stride: [1, 3], padding: [2, 0], dilation: [2, 1] },
        Conv2d { stride: [2, 1], padding: [3, 4], dilation: [1, 1] },
        Conv2d { stride: [40_000, 40_000], padding: [40_000, 40_000], dilation: [1, 1] },
    ]
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    let convolutions = attributes().map(|op| Arc::new(op) as Arc<dyn Op>);
    [convolutions.to_vec(), input_gradient::examples(), weight_gradient::examples()].concat()
}
