//! Difference of two f32 tensors, element by element: `left - right`, with NumPy's broadcasting.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, Value};

use crate::binary::{Binary, BinaryFunction, BinaryValues};
use crate::neg;

/// See [`sub`].
#[derive(Clone, Copy, Debug)]
pub struct Sub;

/// The difference of two f32 tensors whose shapes broadcast.
///
/// # Errors
/// Where an input is not f32, or the shapes do not go together.
pub fn sub(graph: &mut Graph, left: Value, right: Value) -> Result<Value, GraphError> {
    graph.apply_one(Binary(Sub), &[left, right])
}

impl BinaryFunction for Sub {
    const NAME: &'static str = "sub";
    const SOURCE: &'static str = include_str!("sub.wgsl");

    fn value(&self, left: f64, right: f64) -> f64 {
        left - right
    }

    fn gradient(&self, graph: &mut Graph, upstream: Value, _: BinaryValues) -> Result<[Option<Value>; 2], GraphError> {
        Ok([Some(upstream), Some(neg(graph, upstream)?)])
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Binary(Sub))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_right_from_the_left() {
        assert_eq!(Sub.value(2.0, 5.0), -3.0);
    }
}
