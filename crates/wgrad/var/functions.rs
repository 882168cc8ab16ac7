//! Products, shapes, rows and dropout.

use wgrad_core::Shape;
use wgrad_shaders as ops;

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// The product of matrices, `[m, k]` and `[k, n]`, or of batches of them, `[..., m, k]` and `[..., k, n]`.
    pub fn matmul(&self, other: &Var) -> Var {
        self.zip(other, |graph, left, right| ops::matmul(graph, left, right, false, false))
    }

    /// The product with `other` transposed: `[m, k]` and `[n, k]`, or batches of them.
    pub(crate) fn matmul_transposed(&self, other: &Var) -> Var {
        self.zip(other, |graph, left, right| ops::matmul(graph, left, right, false, true))
    }

    /// The axes in another order: axis `i` is axis `axes[i]` of this.
    pub fn permute(&self, axes: &[usize]) -> Var {
        self.map(|graph, x| ops::permute(graph, x, axes))
    }

    /// Two axes exchanged.
    pub fn transpose(&self, first: usize, second: usize) -> Var {
        self.map(|graph, x| ops::transpose(graph, x, first, second))
    }

    /// A matrix with its axes exchanged.
    pub fn t(&self) -> Var {
        self.transpose(0, 1)
    }

    /// `length` elements along an axis, from `start` on.
    pub fn narrow(&self, axis: usize, start: usize, length: usize) -> Var {
        self.map(|graph, x| ops::narrow(graph, x, axis, start, length))
    }

    /// What lies at `index` along an axis, which disappears.
    pub fn pick(&self, axis: usize, index: usize) -> Var {
        let mut shape = self.shape().dims().to_vec();
        if axis < shape.len() {
            shape.remove(axis);
        }
        self.narrow(axis, index, 1).reshape(shape)
    }

    /// Parts of so many equal extents along an axis.
    pub fn chunk<const N: usize>(&self, axis: usize) -> [Var; N] {
        let extent = self.shape().dims().get(axis).copied().unwrap_or_default();
        self.with_several([self], |graph, [x]| {
            let parts = ops::split(graph, x, axis, &[extent / N; N])?;
            Ok(std::array::from_fn(|index| parts[index]))
        })
    }

    /// Variables behind one another along an axis.
    pub fn concat<const N: usize>(parts: [&Var; N], axis: usize) -> Var {
        parts[0].with(parts, |graph, parts| ops::concat(graph, &parts, axis))
    }

    /// The elements, in their order, in another shape.
    pub fn reshape(&self, shape: impl Into<Shape>) -> Var {
        let shape = shape.into();
        self.map(|graph, x| ops::reshape(graph, x, shape))
    }

    /// All axes from `first` on as one.
    pub fn flatten(&self, first: usize) -> Var {
        let shape = self.shape();
        match shape.dims().split_at_checked(first) {
            Some((kept, rest)) if !rest.is_empty() => self.reshape([kept, &[rest.iter().product()]].concat()),
            _ => self.failed(Error::mismatch("flatten", format!("more than {first} axes"), shape)),
        }
    }

    /// The rows along the first axis that `indices`, a vector of u32, names.
    pub fn rows(&self, indices: &Var) -> Var {
        self.zip(indices, ops::gather_rows)
    }

    /// `e^x` of each element of an axis, divided by their sum.
    pub fn softmax(&self, axis: usize) -> Var {
        self.along_last(axis, |last| last.map(ops::softmax))
    }

    /// The logarithm of [`Var::softmax`], without loss of precision.
    pub fn log_softmax(&self, axis: usize) -> Var {
        self.along_last(axis, |last| last.map(ops::log_softmax))
    }

    /// A function along the last axis, applied along another one.
    fn along_last(&self, axis: usize, function: impl FnOnce(&Var) -> Var) -> Var {
        match self.shape().rank().checked_sub(1) {
            Some(last) if axis != last => function(&self.transpose(axis, last)).transpose(axis, last),
            _ => function(self),
        }
    }

    /// Each element 0 with probability `rate`, else divided by `1 - rate`; others in each step. In evaluation nothing
    /// changes.
    pub fn dropout(&self, rate: f32) -> Var {
        let Some(step) = self.trace.step() else { return self.clone() };
        let (seed, stream) = (self.trace.seed(), self.trace.stream());
        self.zip(&step, |graph, x, step| ops::dropout(graph, x, step, rate, seed, stream))
    }
}
