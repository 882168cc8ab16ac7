//! Product of two f32 matrices, either of them transposed: `C[m, n] = op(A)[m, k] op(B)[k, n]`, [`torch.matmul`].
//!
//! A transposed operand is read where it lies; nothing is copied, in the gradients neither.
//!
//! [`torch.matmul`]: https://docs.pytorch.org/docs/stable/generated/torch.matmul.html

mod candidates;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lowering, Node, Op, Shape, ShapeError, TensorType, Tolerance, Value,
};

use crate::cases::{case, floats, tolerance_of_sum};

/// The operation of [`matmul()`].
#[derive(Clone, Copy, Debug)]
pub struct Matmul {
    /// Whether the left operand is stored as `[k, m]`.
    pub transpose_lhs: bool,
    /// Whether the right operand is stored as `[n, k]`.
    pub transpose_rhs: bool,
}

/// Multiplies `lhs`, f32 `[m, k]` or, transposed, `[k, m]`, by `rhs`, f32 `[k, n]` or, transposed, `[n, k]`: `[m, n]`.
///
/// # Errors
/// Where an operand is no f32 matrix, or their inner extents differ.
pub fn matmul(graph: &mut Graph, lhs: Value, rhs: Value, transpose_lhs: bool, transpose_rhs: bool) -> Result<Value, GraphError> {
    graph.apply_one(Matmul { transpose_lhs, transpose_rhs }, &[lhs, rhs])
}

/// The extents of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extents {
    m: usize,
    n: usize,
    k: usize,
}

impl Matmul {
    /// The extents of the product of two matrices; none where they do not go together.
    fn extents(&self, lhs: &Shape, rhs: &Shape) -> Option<Extents> {
        let (&[lhs_rows, lhs_columns], &[rhs_rows, rhs_columns]) = (lhs.dims(), rhs.dims()) else {
            return None;
        };
        let (m, k) = if self.transpose_lhs { (lhs_columns, lhs_rows) } else { (lhs_rows, lhs_columns) };
        let (n, inner) = if self.transpose_rhs { (rhs_rows, rhs_columns) } else { (rhs_columns, rhs_rows) };
        (k == inner).then_some(Extents { m, n, k })
    }

    /// The extents for inputs that [`Op::infer`] has accepted.
    fn checked_extents(&self, inputs: &[TensorType]) -> Extents {
        let extents = self.extents(&inputs[0].shape, &inputs[1].shape);
        extents.unwrap_or(Extents { m: 0, n: 0, k: 0 })
    }

    /// What is wrong with inputs that have no product.
    fn mismatch(&self, inputs: &[TensorType]) -> ShapeError {
        let lhs = if self.transpose_lhs { "[k, m]" } else { "[m, k]" };
        let rhs = if self.transpose_rhs { "[n, k]" } else { "[k, n]" };
        let mut error = ShapeError::new(format!("matrices f32{lhs} and f32{rhs}"), inputs);
        if let [lhs, rhs] = inputs
            && let (&[lhs_rows, lhs_columns], &[rhs_rows, rhs_columns]) = (lhs.shape.dims(), rhs.shape.dims())
        {
            let lhs_inner = if self.transpose_lhs { lhs_rows } else { lhs_columns };
            let rhs_inner = if self.transpose_rhs { rhs_columns } else { rhs_rows };
            error.got += &format!(" with inner extents {lhs_inner} and {rhs_inner}");
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
            && [lhs, rhs].iter().all(|input| input.dtype == DType::F32)
            && let Some(Extents { m, n, .. }) = self.extents(&lhs.shape, &rhs.shape)
        {
            return Ok(vec![TensorType::f32([m, n])]);
        }
        Err(self.mismatch(inputs))
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[Some(upstream)], &[lhs, rhs]) = (upstream, at.inputs.as_slice()) else {
            return Ok(vec![None; at.inputs.len()]);
        };
        let lhs_gradient = match self.transpose_lhs {
            false => matmul(graph, upstream, rhs, false, !self.transpose_rhs)?,
            true => matmul(graph, rhs, upstream, self.transpose_rhs, true)?,
        };
        let rhs_gradient = match self.transpose_rhs {
            false => matmul(graph, lhs, upstream, !self.transpose_lhs, false)?,
            true => matmul(graph, upstream, lhs, true, self.transpose_lhs)?,
        };
        Ok(vec![Some(lhs_gradient), Some(rhs_gradient)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let extents = self.checked_extents(inputs);
        Lowering::Kernels(candidates::candidates(*self, extents))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        let Extents { m, n, k } = self.checked_extents(inputs);
        2 * m as u64 * n as u64 * k as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let element = |matrix: &Array, transposed: bool, row: usize, column: usize| {
            let (row, column) = if transposed { (column, row) } else { (row, column) };
            matrix.data[row * matrix.kind.shape.columns() + column]
        };
        let depth = inputs[0].kind.shape.dims()[if self.transpose_lhs { 0 } else { 1 }];
        let columns = outputs[0].kind.shape.columns();
        for (index, sum) in outputs[0].data.iter_mut().enumerate() {
            for k in 0..depth {
                *sum += element(&inputs[0], self.transpose_lhs, index / columns, k)
                    * element(&inputs[1], self.transpose_rhs, k, index % columns);
            }
        }
    }

    /// By `ndarray`, whose views are safe, single-precision kernels vectorised and threads its own.
    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let (Some(lhs), Some(rhs)) = (view(inputs[0], self.transpose_lhs), view(inputs[1], self.transpose_rhs)) else {
            return false;
        };
        let [HostTensor::F32(shape, output)] = outputs else { return false };
        let Ok(mut output) = ArrayViewMut2::from_shape((shape.rows(), shape.columns()), output) else {
            return false;
        };
        general_mat_mul(1.0, &lhs, &rhs, 0.0, &mut output);
        true
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(self.checked_extents(inputs).k)
    }

    fn cases(&self) -> Vec<Case> {
        let stored = |rows, columns, transposed| if transposed { [columns, rows] } else { [rows, columns] };
        let product = |label, m, n, k| {
            let lhs = floats(1, stored(m, k, self.transpose_lhs));
            let rhs = floats(2, stored(k, n, self.transpose_rhs));
            case(label, [lhs, rhs])
        };
        let large = |label, m, n, k| Case { differentiable: false, ..product(label, m, n, k) };
        vec![
            product("single elements", 1, 1, 1),
            product("odd extents", 7, 13, 5),
            product("one row", 1, 10, 33),
            product("one column", 17, 1, 6),
            product("no rows", 0, 8, 4),
            large("whole tiles", 128, 128, 64),
            large("beyond whole tiles", 65, 67, 66),
            large("a long sum", 33, 10, 257),
            large("a layer of digits", 64, 256, 784),
        ]
    }
}

/// A matrix as it enters the product; none where it is no matrix of f32.
fn view(tensor: &HostTensor, transposed: bool) -> Option<ArrayView2<'_, f32>> {
    let HostTensor::F32(shape, data) = tensor else { return None };
    let stored = ArrayView2::from_shape((shape.rows(), shape.columns()), data).ok()?;
    Some(if transposed { stored.reversed_axes() } else { stored })
}

/// All ways to transpose the operands.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    let ways = [(false, false), (false, true), (true, false), (true, true)];
    ways.map(|(transpose_lhs, transpose_rhs)| Arc::new(Matmul { transpose_lhs, transpose_rhs }) as Arc<dyn Op>).to_vec()
}
