//! The larger of each two elements of two f32 tensors, with NumPy's broadcasting.
//!
//! NaN on either side gives NaN. Where both are equal, each gets half of the gradient, as in PyTorch.

use std::sync::Arc;

use wgrad_core::{Case, Graph, GraphError, Op, Value};

use crate::binary::{Binary, BinaryFunction, BinaryValues, ties};
use crate::greater;

/// See [`maximum`].
#[derive(Clone, Copy, Debug)]
pub struct Maximum;

/// The larger of each two elements of two f32 tensors whose shapes broadcast.
///
/// # Errors
/// Where an input is not f32, or the shapes do not go together.
pub fn maximum(graph: &mut Graph, left: Value, right: Value) -> Result<Value, GraphError> {
    graph.apply_one(Binary(Maximum), &[left, right])
}

impl BinaryFunction for Maximum {
    const NAME: &'static str = "maximum";
    const SOURCE: &'static str = include_str!("maximum.wgsl");

    fn value(&self, left: f64, right: f64) -> f64 {
        if left > right || left.is_nan() { left } else { right }
    }

    fn gradient(&self, graph: &mut Graph, upstream: Value, at: BinaryValues) -> Result<[Option<Value>; 2], GraphError> {
        let lost = [greater(graph, at.right, at.left)?, greater(graph, at.left, at.right)?];
        Ok(at.share_of_winner(graph, upstream, lost)?.map(Some))
    }

    fn extremes(&self) -> Vec<Case> {
        vec![ties()]
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Binary(Maximum))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_nan_from_either_side() {
        assert_eq!([Maximum.value(-1.0, 2.0), Maximum.value(2.0, -1.0)], [2.0; 2]);
        assert!(Maximum.value(f64::NAN, 1.0).is_nan() && Maximum.value(1.0, f64::NAN).is_nan());
    }
}
