//! Largest elements of f32 tensors over any axes: [`torch.amax`]. NaN where one of the elements is NaN.
//!
//! [`torch.amax`]: https://docs.pytorch.org/docs/stable/generated/torch.amax.html

mod gradient;
mod kernels;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lowering, Node, Op, Shape, ShapeError, TensorType, Tolerance, Value,
};

use crate::axes::{Step, all_axes, reduce_axes, reduced_elements, reduced_shape};
use crate::cases::{case, floats};

pub use gradient::{MaxGradient, MaxTies};

/// The largest elements along one axis, which is gone from the result: the last one of a vector or matrix, or the one
/// before the last of a matrix or of a tensor of three axes.
#[derive(Clone, Debug)]
pub struct Max {
    /// The axis of the first input.
    pub axis: usize,
    /// The axes of the second input, which the first is made from, over which the result is its maximum. No kernel
    /// reads that input, but it gets the gradient, so that equals share one however many operations found them.
    pub axes: Vec<usize>,
}

/// The same without a gradient, for all but the last of several runs of axes.
#[derive(Clone, Debug)]
pub(crate) struct PartialMax {
    axis: usize,
}

/// The largest element of `input`, an f32 tensor of any shape, as a scalar.
///
/// # Errors
/// Where the input is not of f32 or empty.
pub fn max(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    let axes = all_axes(graph, input);
    max_axes(graph, input, &axes, false)
}

/// The largest elements of `input`, an f32 tensor of any shape, over these axes, in any order. With `keep` they stay,
/// with extent 1. The gradient is shared evenly among equals. Without axes, unlike in PyTorch, nothing is compared.
///
/// # Errors
/// Where the input is not of f32, an axis is named twice or is none of the input's, or there is nothing to compare.
pub fn max_axes(graph: &mut Graph, input: Value, axes: &[usize], keep: bool) -> Result<Value, GraphError> {
    let kind = graph.kind(input);
    if reduced_elements(&kind.shape, axes) == 0 {
        let source = ShapeError::new(format!("elements along the axes {axes:?}"), std::slice::from_ref(kind));
        return Err(GraphError::Shape { scope: String::new(), operation: "max".to_owned(), source });
    }
    reduce_axes(graph, input, axes, keep, "max", |graph, value, Step { axis, is_last }| match is_last {
        true => graph.apply_one(Max { axis, axes: axes.to_vec() }, &[value, input]),
        false => graph.apply_one(PartialMax { axis }, &[value]),
    })
}

/// The type of the maximum over an axis; none where that axis cannot be reduced.
fn reduced_type(input: &TensorType, axis: usize) -> Option<TensorType> {
    let dims = input.shape.dims();
    let fits = input.dtype == DType::F32 && matches!((dims.len(), axis), (1 | 2, 0) | (2 | 3, 1)) && dims[axis] > 0;
    fits.then(|| TensorType::f32([&dims[..axis], &dims[axis + 1..]].concat()))
}

impl Op for Max {
    fn name(&self) -> &'static str {
        "max"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [input, whole] = inputs
            && whole.dtype == DType::F32
            && let Some(output) = reduced_type(input, self.axis)
            && output.shape.elements() == reduced_shape(&whole.shape, &self.axes, true).elements()
        {
            return Ok(vec![output]);
        }
        let wanted = format!("f32 with elements along axis {} and what axes {:?} of were reduced to it", self.axis, self.axes);
        Err(ShapeError::new(wanted, inputs))
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let [Some(upstream)] = *upstream else { return Ok(vec![None; 2]) };
        Ok(vec![None, Some(gradient::max_gradient(graph, at, upstream, &self.axes)?)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        Lowering::Kernels(kernels::kernels(&inputs[0].shape, self.axis))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let kept = Array::zeros(TensorType::f32(reduced_shape(&inputs[1].kind.shape, &self.axes, true)));
        outputs[0].data.fill(f64::NEG_INFINITY);
        for (index, &element) in inputs[1].data.iter().enumerate() {
            let largest = &mut outputs[0].data[kept.broadcast_index(&inputs[1].kind.shape, index)];
            *largest = larger(*largest, element);
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        PartialMax { axis: self.axis }.host(&inputs[..1], outputs)
    }

    fn tolerance(&self, _inputs: &[TensorType]) -> Tolerance {
        Tolerance { absolute: 0.0, relative: 0.0 }
    }

    /// The second input is the first, in its shape or in another, but in the case of two runs of axes.
    fn cases(&self) -> Vec<Case> {
        if self.axes.len() > 1 {
            return vec![two_runs(self)];
        }
        let whole = |case: Case| Case { inputs: [&case.inputs[..], &case.inputs].concat(), ..case };
        cases(self.axis).into_iter().map(whole).collect()
    }
}

impl Op for PartialMax {
    fn name(&self) -> &'static str {
        "max"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        let output = if let [input] = inputs { reduced_type(input, self.axis) } else { None };
        output.map(|output| vec![output]).ok_or_else(|| {
            ShapeError::new(format!("f32 of one to three axes with elements along axis {} of them", self.axis), inputs)
        })
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        Lowering::Kernels(kernels::kernels(&inputs[0].shape, self.axis))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        Max { axis: self.axis, axes: vec![self.axis] }.reference(&[inputs, inputs].concat(), outputs);
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, input)], [HostTensor::F32(_, output)]) = (inputs, outputs) else { return false };
        let extent = shape.dims()[self.axis];
        let inner: usize = shape.dims()[self.axis + 1..].iter().product();
        for (largest, terms) in output.chunks_mut(inner.max(1)).zip(input.chunks_exact((extent * inner).max(1))) {
            largest.fill(f32::NEG_INFINITY);
            for row in terms.chunks_exact(inner.max(1)) {
                largest.iter_mut().zip(row).for_each(|(largest, &x)| *largest = larger_f32(*largest, x));
            }
        }
        true
    }

    fn tolerance(&self, _inputs: &[TensorType]) -> Tolerance {
        Tolerance { absolute: 0.0, relative: 0.0 }
    }

    fn cases(&self) -> Vec<Case> {
        cases(self.axis).into_iter().map(|case| Case { differentiable: false, ..case }).collect()
    }
}

/// Tensors to reduce over an axis.
fn cases(axis: usize) -> Vec<Case> {
    let shapes: Vec<Shape> = match axis {
        0 => vec![[1].into(), [257].into(), [64, 8].into(), [7, 13].into(), [1, 5].into(), [255, 1].into(), [4, 0].into()],
        _ => vec![
            [1, 1].into(),
            [9, 64].into(),
            [7, 13].into(),
            [257, 1].into(),
            [3, 1025].into(),
            [3, 5, 8].into(),
            [2, 33, 7].into(),
        ],
    };
    let seeded = (1..).zip(shapes);
    let cases = seeded.map(|(seed, shape)| case(shape.to_string(), [floats(seed, shape)]));
    let extremes = [-3e38, -1e-30, -2.0, -1e-3, -1e30, -5.0, -4.0, -4.5];
    let extremes = case("negative and extreme", [Array::from_fn([2, 4], |index| extremes[index])]);
    cases.chain([Case { differentiable: false, ..extremes }]).collect()
}

/// The larger number, or NaN where one is NaN.
fn larger(left: f64, right: f64) -> f64 {
    if right > left || right.is_nan() { right } else { left }
}

fn larger_f32(left: f32, right: f32) -> f32 {
    if right > left || right.is_nan() { right } else { left }
}

/// A maximum over the first and the last of three axes, of which the last is reduced already.
fn two_runs(op: &Max) -> Case {
    let whole = floats(9, [5, 3, 4]);
    let mut partial = [Array::zeros(TensorType::f32([15]))];
    let rows = Array { kind: TensorType::f32([15, 4]), data: whole.data.clone() };
    PartialMax { axis: 1 }.reference(&[rows], &mut partial);
    let [partial] = partial;
    case(format!("axes {:?}", op.axes), [Array { kind: TensorType::f32([5, 3]), data: partial.data }, whole])
}

/// Both axes, two runs of axes, what is not the last of them, and the operations of the gradient.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    let max = |axis, axes: &[usize]| Arc::new(Max { axis, axes: axes.to_vec() }) as Arc<dyn Op>;
    let partial = [0, 1].map(|axis| Arc::new(PartialMax { axis }) as Arc<dyn Op>);
    let whole = [max(0, &[0]), max(1, &[1]), max(0, &[0, 2])];
    let gradient: [Arc<dyn Op>; 2] = [Arc::new(MaxTies), Arc::new(MaxGradient)];
    whole.into_iter().chain(partial).chain(gradient).collect()
}
