//! Product of two f32 tensors, element by element: `left * right`, with NumPy's broadcasting.
//!
//! A tensor is scaled by its product with a scalar.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, Value};

use crate::binary::{Binary, BinaryFunction, BinaryValues};

/// See [`mul`].
#[derive(Clone, Copy, Debug)]
pub struct Mul;

/// The product, element by element, of two f32 tensors whose shapes broadcast.
///
/// # Errors
/// Where an input is not f32, or the shapes do not go together.
pub fn mul(graph: &mut Graph, left: Value, right: Value) -> Result<Value, GraphError> {
    graph.apply_one(Binary(Mul), &[left, right])
}

impl BinaryFunction for Mul {
    const NAME: &'static str = "mul";
    const SOURCE: &'static str = include_str!("mul.wgsl");

    fn value(&self, left: f64, right: f64) -> f64 {
        left * right
    }

    fn gradient(&self, graph: &mut Graph, upstream: Value, at: BinaryValues) -> Result<[Option<Value>; 2], GraphError> {
        Ok([Some(mul(graph, upstream, at.right)?), Some(mul(graph, upstream, at.left)?)])
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Binary(Mul))]
}

#[cfg(test)]
mod tests {
    use wgrad_core::TensorType;

    use super::*;

    #[test]
    fn gradients_are_upstream_times_the_other_input() {
        let mut graph = Graph::new();
        let [left, right, upstream] = [vec![4, 3], vec![], vec![4, 3]].map(|shape| graph.input("x", TensorType::f32(shape)));
        let product = mul(&mut graph, left, right).unwrap();
        let node = graph.node(product.node).clone();
        let gradients = Binary(Mul).gradient(&mut graph, &node, &[Some(upstream)]).unwrap();
        let shapes: Vec<_> = gradients.iter().flatten().map(|&value| graph.kind(value).shape.clone()).collect();
        assert_eq!(shapes, [vec![4, 3], vec![]].map(Into::into));
        let first = graph.node(gradients[0].unwrap().node);
        assert_eq!((first.name(), first.inputs.as_slice()), ("mul", &[upstream, right][..]));
    }
}
