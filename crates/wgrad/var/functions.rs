//! Products, rows, softmax and dropout.

use wgrad_core::{DType, Shape};
use wgrad_shaders as ops;

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// The product of matrices, `[m, k]` and `[k, n]`, or of batches of them, `[..., m, k]` and `[..., k, n]`, whose leading
    /// axes broadcast. As in PyTorch's `matmul`, a vector on the left is a row and one on the right a column, and the
    /// product has no axis for it.
    ///
    /// ```
    /// # use wgrad::prelude::*;
    /// let graph = Trace::on(&Device::cpu());
    /// let (batch, other) = (graph.constant(Tensor::zeros([8, 1, 3, 4])), graph.constant(Tensor::zeros([5, 4, 2])));
    /// assert_eq!(batch.matmul(&other).shape().dims(), [8, 5, 3, 2]);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn matmul(&self, other: &Var) -> Var {
        let (left, right) = (self.shape(), other.shape());
        match (left.dims(), right.dims()) {
            ([], _) | (_, []) => {
                self.failed(Error::mismatch("matmul", "tensors with an axis at least", format!("{left}, {right}")))
            }
            ([k], [_]) => self.reshape([1, *k]).matmul(other).pick(0, 0),
            ([k], _) => self.reshape([1, *k]).matmul(other).pick(-2, 0),
            (_, [k]) => self.matmul(&other.reshape([*k, 1])).pick(-1, 0),
            // One matrix on the right: all rows are those of one product.
            ([rows @ .., k], [_, columns]) if rows.len() > 1 => {
                let product = self.reshape([left.rows(), *k]).product(other);
                product.reshape([rows, &[*columns]].concat())
            }
            ([many_left @ .., m, k], [many_right @ .., l, n]) => {
                let batch = Shape::from(many_left.to_vec()).broadcast(&Shape::from(many_right.to_vec()));
                match batch {
                    Some(batch) if k == l => {
                        let repeated = |var: &Var, matrix: [usize; 2]| {
                            let shape = [batch.dims(), &matrix].concat();
                            var.map(|graph, x| ops::broadcast(graph, x, shape))
                        };
                        repeated(self, [*m, *k]).product(&repeated(other, [*l, *n]))
                    }
                    _ => self.product(other),
                }
            }
        }
    }

    /// The product of matrices, or of as many matrices on both sides.
    fn product(&self, other: &Var) -> Var {
        self.operand().zip(&other.operand(), |graph, left, right| ops::matmul(graph, left, right, false, false))
    }

    /// The product with `other` transposed: `[m, k]` and `[n, k]`, or batches of them.
    pub(crate) fn matmul_transposed(&self, other: &Var) -> Var {
        self.operand().zip(&other.operand(), |graph, left, right| ops::matmul(graph, left, right, false, true))
    }

    /// This as matrix products take it: rounded where they take f16.
    fn operand(&self) -> Var {
        let wanted = self.trace.products();
        match self.kind().dtype {
            DType::F32 => self.map(|graph, x| ops::cast(graph, x, wanted)),
            _ => self.clone(),
        }
    }

    /// The rows along the first axis that `indices`, a vector of u32, names. An index beyond the last row names the last.
    pub fn rows(&self, indices: &Var) -> Var {
        self.zip(indices, ops::gather_rows)
    }

    /// `e^x` of each element of an axis, divided by their sum. A negative axis is counted from the end. Elements of -inf
    /// become less than 2e-38; where all of an axis are -inf, the result is NaN, as in PyTorch.
    pub fn softmax(&self, axis: isize) -> Var {
        self.along_last("softmax", axis, |last| last.map(ops::softmax))
    }

    /// The logarithm of [`Var::softmax`], without loss of precision.
    pub fn log_softmax(&self, axis: isize) -> Var {
        self.along_last("log_softmax", axis, |last| last.map(ops::log_softmax))
    }

    /// A function along the last axis, applied along another one. Of no elements it makes none.
    fn along_last(&self, operation: &str, axis: isize, function: impl FnOnce(&Var) -> Var) -> Var {
        self.along(operation, &[axis], |axes| match self.shape().rank() - 1 {
            _ if self.shape().elements() == 0 => self.clone(),
            last if axes[0] == last => function(self),
            _ => function(&self.transpose(axis, -1)).transpose(axis, -1),
        })
    }

    /// Each element 0 with probability `rate`, else divided by `1 - rate`; others in each step. In evaluation nothing
    /// changes.
    pub fn dropout(&self, rate: f32) -> Var {
        let Some(step) = self.trace.step() else { return self.clone() };
        let (seed, stream) = (self.trace.seed(), self.trace.stream());
        self.zip(&step, |graph, x, step| ops::dropout(graph, x, step, rate, seed, stream))
    }
}
