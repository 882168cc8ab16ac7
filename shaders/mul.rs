//! Product of two f32 tensors, element by element: `left * right`, with NumPy's broadcasting.
//!
//! A tensor is scaled by its product with a scalar.

use std::sync::Arc;

use wgrad_core::{Array, Case, Function, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Value};

use crate::broadcasting::{
    broadcast_cases, broadcast_elements, broadcast_host, broadcast_reference, broadcast_type, sum_to_input,
};

/// See [`mul`].
#[derive(Clone, Copy, Debug)]
pub struct Mul;

/// The product, element by element, of two f32 tensors whose shapes broadcast.
///
/// # Errors
/// Where an input is not f32, or the shapes do not go together.
pub fn mul(graph: &mut Graph, left: Value, right: Value) -> Result<Value, GraphError> {
    graph.apply_one(Mul, &[left, right])
}

impl Op for Mul {
    fn name(&self) -> &'static str {
        "mul"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        broadcast_type(inputs)
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[Some(upstream)], &[left, right]) = (upstream, at.inputs.as_slice()) else { return Ok(vec![None; 2]) };
        let mut times = |factor, input| {
            let product = mul(graph, upstream, factor)?;
            sum_to_input(graph, product, input).map(Some)
        };
        Ok(vec![times(right, left)?, times(left, right)?])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(include_str!("mul.wgsl"), "mul"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        broadcast_elements(inputs)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        broadcast_reference(inputs, outputs, |left, right| left * right);
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        broadcast_host(inputs, outputs, |left, right| left * right)
    }

    fn cases(&self) -> Vec<Case> {
        broadcast_cases()
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Mul)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn scales_by_a_scalar() {
        let (left, right) = (Array::from_fn([3], |index| index as f64), Array::from_fn([], |_| -2.0));
        assert_eq!(reference(&Mul, &[left, right])[0].data, [0.0, -2.0, -4.0]);
    }

    #[test]
    fn gradients_are_upstream_times_the_other_input() {
        let mut graph = Graph::new();
        let [left, right, upstream] = [vec![4, 3], vec![], vec![4, 3]].map(|shape| graph.input("x", TensorType::f32(shape)));
        let product = mul(&mut graph, left, right).unwrap();
        let node = graph.node(product.node).clone();
        let gradients = Mul.gradient(&mut graph, &node, &[Some(upstream)]).unwrap();
        let shapes: Vec<_> = gradients.iter().flatten().map(|&value| graph.kind(value).shape.clone()).collect();
        assert_eq!(shapes, [vec![4, 3], vec![]].map(Into::into));
        let first = graph.node(gradients[0].unwrap().node);
        assert_eq!((first.name(), first.inputs.as_slice()), ("mul", &[upstream, right][..]));
    }
}
