//! Quotient of two f32 tensors, element by element: `left / right`, with NumPy's broadcasting.
//!
//! Division by zero has no result: what comes of it, infinity or NaN mostly, depends on the adapter.

use std::sync::Arc;

use wgrad_core::{Array, Case, Graph, GraphError, Op, Value};

use crate::binary::{Binary, BinaryFunction, BinaryValues};
use crate::cases::case;
use crate::{mul, neg};

/// See [`div`].
#[derive(Clone, Copy, Debug)]
pub struct Div;

/// The quotient, element by element, of two f32 tensors whose shapes broadcast.
///
/// # Errors
/// Where an input is not f32, or the shapes do not go together.
pub fn div(graph: &mut Graph, left: Value, right: Value) -> Result<Value, GraphError> {
    graph.apply_one(Binary(Div), &[left, right])
}

impl BinaryFunction for Div {
    const NAME: &'static str = "div";
    const SOURCE: &'static str = include_str!("div.wgsl");

    fn value(&self, left: f64, right: f64) -> f64 {
        left / right
    }

    /// `upstream / right`, and that times `-left / right`.
    fn gradient(&self, graph: &mut Graph, upstream: Value, at: BinaryValues) -> Result<[Option<Value>; 2], GraphError> {
        let left = div(graph, upstream, at.right)?;
        let product = mul(graph, left, at.output)?;
        Ok([Some(left), Some(neg(graph, product)?)])
    }

    fn extremes(&self) -> Vec<Case> {
        let left = Array::from_fn([5], |index| [0.0, 1.0, -1.0, 1e30, 1e-30][index]);
        let right = Array::from_fn([5], |index| [-1.0, 3.0, 1e30, 1e30, 1e-30][index]);
        vec![Case { differentiable: false, ..case("huge and tiny numbers", [left, right]) }]
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Binary(Div))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divides_the_left_by_the_right() {
        assert_eq!(Div.value(2.0, -8.0), -0.25);
    }
}
