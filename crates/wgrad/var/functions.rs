//! Products, shapes, rows and dropout.

use wgrad_core::Shape;
use wgrad_shaders as ops;

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// The product of matrices, `[m, k]` and `[k, n]`.
    pub fn matmul(&self, other: &Var) -> Var {
        self.zip(other, |graph, left, right| ops::matmul(graph, left, right, false, false))
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

    /// Each element 0 with probability `rate`, else divided by `1 - rate`; others in each step. In evaluation nothing
    /// changes.
    pub fn dropout(&self, rate: f32) -> Var {
        let Some(step) = self.trace.step() else { return self.clone() };
        let (seed, stream) = (self.trace.seed(), self.trace.stream());
        self.zip(&step, |graph, x, step| ops::dropout(graph, x, step, rate, seed, stream))
    }
}
