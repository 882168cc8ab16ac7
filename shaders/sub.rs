//! Difference of two f32 tensors, element by element: `left - right`, with NumPy's broadcasting.

use std::sync::Arc;

use wgrad_core::{Array, Case, Function, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Value};

use crate::broadcasting::{
    broadcast_cases, broadcast_elements, broadcast_host, broadcast_reference, broadcast_type, sum_to_input,
};
use crate::mul;

/// See [`sub`].
#[derive(Clone, Copy, Debug)]
pub struct Sub;

/// The difference of two f32 tensors whose shapes broadcast.
///
/// # Errors
/// Where an input is not f32, or the shapes do not go together.
pub fn sub(graph: &mut Graph, left: Value, right: Value) -> Result<Value, GraphError> {
    graph.apply_one(Sub, &[left, right])
}

impl Op for Sub {
    fn name(&self) -> &'static str {
        "sub"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        broadcast_type(inputs)
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[Some(upstream)], &[left, right]) = (upstream, at.inputs.as_slice()) else { return Ok(vec![None; 2]) };
        let minus_one = graph.scalar(-1.0);
        let left = sum_to_input(graph, upstream, left)?;
        let right = sum_to_input(graph, upstream, right)?;
        Ok(vec![Some(left), Some(mul(graph, right, minus_one)?)])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(include_str!("sub.wgsl"), "sub"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        broadcast_elements(inputs)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        broadcast_reference(inputs, outputs, |left, right| left - right);
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        broadcast_host(inputs, outputs, |left, right| left - right)
    }

    fn cases(&self) -> Vec<Case> {
        broadcast_cases()
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Sub)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn takes_the_right_from_the_left() {
        let (left, right) = (Array::from_fn([3], |index| index as f64), Array::from_fn([], |_| 5.0));
        assert_eq!(reference(&Sub, &[left, right])[0].data, [-5.0, -4.0, -3.0]);
    }
}
