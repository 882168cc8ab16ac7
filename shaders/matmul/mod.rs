//! Matrix products: `C[m, n] = op(A)[m, k] op(B)[k, n]`, either operand transposed, as [`torch.matmul`] has them, of two
//! matrices or of as many pairs as the axes before the last two have. Operands are f32, or f16 with sums and results in f32.
//!
//! A transposed operand is read where it lies; nothing is copied, in the gradients neither. A gradient that sums over
//! many more examples than it has elements is divided into products over some of the examples each.
//!
//! [`torch.matmul`]: https://docs.pytorch.org/docs/stable/generated/torch.matmul.html

pub(crate) mod candidates;
pub(crate) mod partition;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView3, ArrayViewMut3};
use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lowering, Node, Op, Shape, ShapeError, TensorType, Tolerance, Value,
};

use crate::cases::{case, floats, halves, tolerance_of_sum};
use crate::cast;

/// The operation of [`matmul()`].
#[derive(Clone, Copy, Debug)]
pub struct Matmul {
    /// Whether the left operand is stored as `[k, m]`.
    pub transpose_lhs: bool,
    /// Whether the right operand is stored as `[n, k]`.
    pub transpose_rhs: bool,
}

/// Multiplies `lhs`, `[..., m, k]` or, transposed, `[..., k, m]`, by `rhs`, `[..., k, n]` or, transposed, `[..., n, k]`,
/// both of f32 or both of f16: f32 `[..., m, n]`, a product for each index along the first axes, which both have alike.
///
/// Elements of f16 are widened when they are loaded, and summed up in f32. Gradients of products of f16 are products of
/// f16 too, of the upstream gradient rounded to it, and come in f32.
///
/// # Errors
/// Where an operand has fewer than two axes, they are not both of f32 or of f16, or their inner extents or first axes differ.
pub fn matmul(graph: &mut Graph, lhs: Value, rhs: Value, transpose_lhs: bool, transpose_rhs: bool) -> Result<Value, GraphError> {
    graph.apply_one(Matmul { transpose_lhs, transpose_rhs }, &[lhs, rhs])
}

/// The extents of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extents {
    /// How many products of matrices there are.
    pub batch: usize,
    pub m: usize,
    pub n: usize,
    pub k: usize,
}

/// The axes before the last two, and those.
fn matrices(shape: &Shape) -> Option<(&[usize], [usize; 2])> {
    let (batch, &[rows, columns]) = shape.dims().split_last_chunk::<2>()?;
    Some((batch, [rows, columns]))
}

/// The rows and columns of a matrix as it enters the product.
fn entering([rows, columns]: [usize; 2], transposed: bool) -> [usize; 2] {
    if transposed { [columns, rows] } else { [rows, columns] }
}

impl Matmul {
    /// The extents of the products of two tensors; none where they do not go together.
    fn extents(&self, lhs: &Shape, rhs: &Shape) -> Option<Extents> {
        let ((batch, lhs), (rhs_batch, rhs)) = (matrices(lhs)?, matrices(rhs)?);
        let ([m, k], [inner, n]) = (entering(lhs, self.transpose_lhs), entering(rhs, self.transpose_rhs));
        (k == inner && batch == rhs_batch).then_some(Extents { batch: batch.iter().product(), m, n, k })
    }

    /// The extents for inputs that [`Op::infer`] has accepted.
    fn checked_extents(&self, inputs: &[TensorType]) -> Extents {
        let extents = self.extents(&inputs[0].shape, &inputs[1].shape);
        extents.unwrap_or(Extents { batch: 0, m: 0, n: 0, k: 0 })
    }

    /// What is wrong with inputs that have no product.
    fn mismatch(&self, inputs: &[TensorType]) -> ShapeError {
        let lhs = if self.transpose_lhs { "[..., k, m]" } else { "[..., m, k]" };
        let rhs = if self.transpose_rhs { "[..., n, k]" } else { "[..., k, n]" };
        let mut error = ShapeError::new(format!("matrices f32{lhs} and f32{rhs}, or both of f16"), inputs);
        if let [lhs, rhs] = inputs
            && let (Some((batch, lhs)), Some((rhs_batch, rhs))) = (matrices(&lhs.shape), matrices(&rhs.shape))
        {
            let ([_, k], [inner, _]) = (entering(lhs, self.transpose_lhs), entering(rhs, self.transpose_rhs));
            error.got += &match batch == rhs_batch {
                true => format!(" with inner extents {k} and {inner}"),
                false => format!(" with first axes {batch:?} and {rhs_batch:?}"),
            };
        }
        error
    }
}

impl Op for Matmul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [lhs, rhs] = inputs
            && lhs.dtype == rhs.dtype
            && matches!(lhs.dtype, DType::F32 | DType::F16)
            && let Some(Extents { m, n, .. }) = self.extents(&lhs.shape, &rhs.shape)
            && let Some((batch, _)) = matrices(&lhs.shape)
        {
            return Ok(vec![TensorType::f32([batch, &[m, n]].concat())]);
        }
        Err(self.mismatch(inputs))
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[Some(upstream)], &[lhs, rhs]) = (upstream, at.inputs.as_slice()) else {
            return Ok(vec![None; at.inputs.len()]);
        };
        let upstream = cast(graph, upstream, graph.kind(lhs).dtype)?;
        let lhs_gradient = match self.transpose_lhs {
            false => matmul(graph, upstream, rhs, false, !self.transpose_rhs)?,
            true => matmul(graph, rhs, upstream, self.transpose_rhs, true)?,
        };
        let rhs_gradient = match self.transpose_rhs {
            false => partition::matmul(graph, lhs, upstream, !self.transpose_lhs, false)?,
            true => partition::matmul(graph, upstream, lhs, true, self.transpose_lhs)?,
        };
        Ok(vec![Some(lhs_gradient), Some(rhs_gradient)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let extents = self.checked_extents(inputs);
        let axis = inputs[0].shape.rank() - if self.transpose_lhs { 2 } else { 1 };
        Lowering::Kernels(match inputs[0].dtype {
            DType::F16 => candidates::candidates_of_halves(*self, extents, axis),
            _ => candidates::candidates(*self, extents, axis),
        })
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        let Extents { batch, m, n, k } = self.checked_extents(inputs);
        2 * (batch * m) as u64 * n as u64 * k as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let Extents { m, n, k, .. } = self.checked_extents(&[inputs[0].kind.clone(), inputs[1].kind.clone()]);
        let at = |rows, columns, transposed, row, column| if transposed { column * rows + row } else { row * columns + column };
        for (index, sum) in outputs[0].data.iter_mut().enumerate() {
            let (batch, row, column) = (index / (m * n), index / n % m, index % n);
            let lhs = |inner| inputs[0].data[batch * m * k + at(m, k, self.transpose_lhs, row, inner)];
            let rhs = |inner| inputs[1].data[batch * k * n + at(k, n, self.transpose_rhs, inner, column)];
            *sum = (0..k).map(|inner| lhs(inner) * rhs(inner)).sum();
        }
    }

    /// By `ndarray`, whose views are safe, single-precision kernels vectorised and threads its own.
    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let widened = [widen(inputs[0]), widen(inputs[1])];
        let (Some(lhs), Some(rhs)) = (view(&widened[0], self.transpose_lhs), view(&widened[1], self.transpose_rhs)) else {
            return false;
        };
        let (Some(shape), [HostTensor::F32(_, output)]) = (three_axes(outputs[0].shape()), outputs) else { return false };
        let Ok(mut output) = ArrayViewMut3::from_shape(shape, output) else { return false };
        for ((lhs, rhs), mut output) in lhs.outer_iter().zip(rhs.outer_iter()).zip(output.outer_iter_mut()) {
            general_mat_mul(1.0, &lhs, &rhs, 0.0, &mut output);
        }
        true
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(self.checked_extents(inputs).k)
    }

    fn cases(&self) -> Vec<Case> {
        let stored = |batch: &[usize], rows, columns, transposed| [batch, &entering([rows, columns], transposed)].concat();
        let half = |case: Case| Case { inputs: case.inputs.into_iter().map(halves).collect(), differentiable: false, ..case };
        let products = |label, batch: &[usize], m, n, k| {
            let lhs = floats(1, stored(batch, m, k, self.transpose_lhs));
            let rhs = floats(2, stored(batch, k, n, self.transpose_rhs));
            case(label, [lhs, rhs])
        };
        let product = |label, m, n, k| products(label, &[], m, n, k);
        let large = |case| Case { differentiable: false, ..case };
        let is_plain = !(self.transpose_lhs || self.transpose_rhs);
        let many = is_plain.then(|| large(products("more products than workgroups in a row", &[65_537], 1, 1, 1)));
        let mut cases = vec![
            product("single elements", 1, 1, 1),
            product("odd extents", 7, 13, 5),
            product("one row", 1, 10, 33),
            product("one column", 17, 1, 6),
            product("no rows", 0, 8, 4),
            products("three products", &[3], 5, 6, 7),
            products("axes before the matrices", &[2, 1, 2], 4, 8, 4),
            products("no products", &[0], 4, 8, 4),
            large(product("whole tiles", 128, 128, 64)),
            large(product("beyond whole tiles", 65, 67, 66)),
            large(product("a long sum", 33, 10, 257)),
            large(product("a layer of digits", 64, 256, 784)),
            large(products("whole tiles for each head", &[6], 64, 64, 64)),
            large(products("beyond whole tiles of many", &[130], 33, 17, 10)),
            half(product("halves", 16, 16, 16)),
            half(product("halves with odd extents", 7, 13, 5)),
            half(product("halves in rows of two odd words", 6, 10, 14)),
            half(product("a single half", 1, 1, 1)),
            half(products("three products of halves", &[3], 5, 7, 9)),
            half(product("whole tiles of halves", 128, 128, 64)),
            half(product("halves beyond whole tiles", 65, 67, 33)),
        ];
        cases.extend(many);
        cases
    }
}

/// A tensor's axes before the last two as one, and those; none where it has fewer than two axes.
fn three_axes(shape: &Shape) -> Option<[usize; 3]> {
    matrices(shape).map(|(batch, [rows, columns])| [batch.iter().product(), rows, columns])
}

/// A tensor of f16 as f32, any other as it is.
fn widen(tensor: &HostTensor) -> Cow<'_, HostTensor> {
    match tensor {
        HostTensor::F16(shape, data) => {
            Cow::Owned(HostTensor::F32(shape.clone(), data.iter().map(|element| element.to_f32()).collect()))
        }
        other => Cow::Borrowed(other),
    }
}

/// Matrices as they enter their products; none where they are not of f32.
fn view(tensor: &HostTensor, transposed: bool) -> Option<ArrayView3<'_, f32>> {
    let HostTensor::F32(shape, data) = tensor else { return None };
    let mut stored = ArrayView3::from_shape(three_axes(shape)?, data).ok()?;
    if transposed {
        stored.swap_axes(1, 2);
    }
    Some(stored)
}

/// All ways to transpose the operands.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    let ways = [(false, false), (false, true), (true, false), (true, true)];
    ways.map(|(transpose_lhs, transpose_rhs)| Arc::new(Matmul { transpose_lhs, transpose_rhs }) as Arc<dyn Op>).to_vec()
}
