//! Sums of f32 tensors over any axes: [`torch.sum`].
//!
//! The operation sums over one axis. Others are reshaped to that, several runs of axes are several operations, and a
//! long sum with few results is made in two stages.
//!
//! [`torch.sum`]: https://docs.pytorch.org/docs/stable/generated/torch.sum.html

mod kernels;
mod parts;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lowering, Node, Op, Shape, ShapeError, TensorType, Tolerance, Value,
};

use crate::axes::{all_axes, reduce_axes};
use crate::cases::{case, floats, tolerance_of_sum};
use crate::columnwise::chunk;
use crate::{broadcast, reshape};

/// The sum over one axis, which is gone from the result: the last one of a vector or matrix, or the one before the
/// last of a matrix or of a tensor of three axes.
#[derive(Clone, Debug)]
pub struct Sum {
    /// The axis.
    pub axis: usize,
}

/// Sums all elements of `input`, an f32 tensor of any shape, to a scalar: 0 where there are none.
///
/// # Errors
/// Where the input is not of f32.
pub fn sum(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    let axes = all_axes(graph, input);
    sum_axes(graph, input, &axes, false)
}

/// Sums `input`, an f32 tensor of any shape, over these axes, in any order. With `keep` they stay, with extent 1.
///
/// Without axes, unlike in PyTorch, nothing is summed.
///
/// # Errors
/// Where the input is not of f32, or an axis is named twice or is none of the input's.
pub fn sum_axes(graph: &mut Graph, input: Value, axes: &[usize], keep: bool) -> Result<Value, GraphError> {
    reduce_axes(graph, input, axes, keep, "sum", |graph, value, step| sum_axis(graph, value, step.axis))
}

/// Sums `value`, an f32 tensor, over the axes along which a tensor of `shape` was repeated to get `value`'s shape: what
/// gradients of broadcast inputs are made of. A value that has this shape is returned as it is.
///
/// # Errors
/// Where `shape` does not broadcast to `value`'s shape.
pub fn sum_to(graph: &mut Graph, value: Value, shape: &Shape) -> Result<Value, GraphError> {
    let from = graph.kind(value).shape.clone();
    if from == *shape {
        return Ok(value);
    }
    if from.broadcast(shape).as_ref() != Some(&from) {
        let source = ShapeError { wanted: format!("a shape that broadcasts to {from}"), got: shape.to_string() };
        return Err(GraphError::Shape { scope: String::new(), operation: "sum_to".to_owned(), source });
    }
    let missing = from.rank() - shape.rank();
    let is_repeated = |axis: &usize| *axis < missing || shape.dims()[axis - missing] != from.dims()[*axis];
    let axes: Vec<usize> = (0..from.rank()).filter(is_repeated).collect();
    let total = sum_axes(graph, value, &axes, false)?;
    reshape(graph, total, shape.clone())
}

/// The sum over an axis that [`Sum`] takes, in two stages where that pays.
fn sum_axis(graph: &mut Graph, input: Value, axis: usize) -> Result<Value, GraphError> {
    let [rows, columns @ ..] = graph.kind(input).shape.dims() else { return graph.apply_one(Sum { axis }, &[input]) };
    match chunk(*rows, columns.iter().product()).filter(|_| axis == 0) {
        Some(chunk) => parts::sum_in_parts(graph, input, chunk),
        None => graph.apply_one(Sum { axis }, &[input]),
    }
}

impl Sum {
    /// The extents of all axes before the summed one, of that one, and of those behind it.
    fn extents(&self, shape: &Shape) -> [usize; 3] {
        let (before, rest) = shape.dims().split_at(self.axis);
        [before.iter().product(), rest[0], rest[1..].iter().product()]
    }
}

impl Op for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [input] = inputs
            && input.dtype == DType::F32
            && matches!((input.shape.rank(), self.axis), (1 | 2, 0) | (2 | 3, 1))
        {
            let dims = input.shape.dims();
            return Ok(vec![TensorType::f32([&dims[..self.axis], &dims[self.axis + 1..]].concat())]);
        }
        Err(ShapeError::new(format!("f32 of one to three axes, to sum over axis {} of them", self.axis), inputs))
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let [Some(upstream)] = *upstream else { return Ok(vec![None]) };
        let shape = graph.kind(at.inputs[0]).shape.clone();
        if self.axis == 0 {
            return Ok(vec![Some(broadcast(graph, upstream, shape)?)]);
        }
        let mut kept = shape.dims().to_vec();
        kept[self.axis] = 1;
        let upstream = reshape(graph, upstream, kept)?;
        Ok(vec![Some(broadcast(graph, upstream, shape)?)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let shape = &inputs[0].shape;
        Lowering::Kernels(kernels::kernels(shape, self.axis, shape.dims()[self.axis]))
    }

    fn sums_axis(&self) -> Option<usize> {
        Some(self.axis)
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let [_, extent, inner] = self.extents(&inputs[0].kind.shape);
        for (index, element) in inputs[0].data.iter().enumerate() {
            outputs[0].data[index / (extent * inner) * inner + index % inner] += element;
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, input)], [HostTensor::F32(_, output)]) = (inputs, outputs) else { return false };
        let [_, extent, inner] = self.extents(shape);
        let sums = output.chunks_mut(inner.max(1));
        for (sums, terms) in sums.zip(input.chunks_exact((extent * inner).max(1))) {
            match sums {
                [sum] => *sum = sum_of(terms),
                sums => accumulate_rows(terms, sums),
            }
        }
        true
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(inputs[0].shape.dims()[self.axis])
    }

    fn cases(&self) -> Vec<Case> {
        let shapes: Vec<Shape> = match self.axis {
            0 => vec![
                [1].into(),
                [255].into(),
                [257].into(),
                [0].into(),
                [1, 1].into(),
                [64, 8].into(),
                [7, 13].into(),
                [1, 257].into(),
                [255, 1].into(),
                [33, 34].into(),
                [0, 5].into(),
            ],
            _ => vec![
                [1, 1].into(),
                [8, 64].into(),
                [7, 13].into(),
                [257, 1].into(),
                [1, 255].into(),
                [17, 66].into(),
                [5, 0].into(),
                [3, 5, 8].into(),
                [2, 33, 7].into(),
                [37, 2, 1].into(),
                [4, 0, 3].into(),
            ],
        };
        let seeded = (1..).zip(shapes);
        let small = seeded.map(|(seed, shape)| case(shape.to_string(), [floats(seed, shape)]));
        let large: Vec<Shape> =
            if self.axis == 0 { vec![[5000].into(), [2049, 12].into()] } else { vec![[12, 2049].into(), [3, 515, 12].into()] };
        let large = large.into_iter().map(|shape| case(format!("long, {shape}"), [floats(20, shape)]));
        small.chain(large.map(|case| Case { differentiable: false, ..case })).collect()
    }
}

/// The sum of neighbours, in sixteen strands that the processor's vector units add up at once.
pub(crate) fn sum_of(terms: &[f32]) -> f32 {
    const STRANDS: usize = 16;
    let blocks = terms.chunks_exact(STRANDS);
    let rest: f32 = blocks.remainder().iter().sum();
    let mut totals = [0.0_f32; STRANDS];
    for block in blocks {
        totals.iter_mut().zip(block).for_each(|(total, term)| *total += term);
    }
    totals.iter().sum::<f32>() + rest
}

/// Adds each row of a matrix to `sums`.
fn accumulate_rows(matrix: &[f32], sums: &mut [f32]) {
    for row in matrix.chunks_exact(sums.len().max(1)) {
        sums.iter_mut().zip(row).for_each(|(sum, element)| *sum += element);
    }
}

/// Both axes, and sums in parts.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    let whole = [0, 1].map(|axis| Arc::new(Sum { axis }) as Arc<dyn Op>);
    whole.into_iter().chain(parts::examples()).collect()
}
