//! Rectified linear unit: `max(x, 0)`, element by element, for f32 tensors of any shape.
//!
//! The derivative at 0 is 0, as in PyTorch. It is taken from the output, so that the input need not be kept.

use std::sync::Arc;

use wgrad_core::{Array, Case, Function, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Value};

use crate::elementwise::{
    activation_cases, activation_gradient_cases, flops_of_each, map_host, map_reference, shared_type, zip_host, zip_reference,
};

/// See [`relu`].
#[derive(Clone, Copy, Debug)]
pub struct Relu;

/// The gradient of [`relu`]: the upstream gradient where the output is positive, else 0.
#[derive(Clone, Copy, Debug)]
pub struct ReluGradient;

/// `max(x, 0)` of each element of an f32 tensor.
///
/// # Errors
/// Where the input is not f32.
pub fn relu(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Relu, &[input])
}

impl Op for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        Ok(vec![shared_type(inputs, &["input"], &[])?])
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let &[Some(upstream)] = upstream else { return Ok(vec![None]) };
        Ok(vec![Some(graph.apply_one(ReluGradient, &[upstream, at.output(0)])?)])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(include_str!("relu.wgsl"), "relu"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 1)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        map_reference(inputs, outputs, |x| if x <= 0.0 { 0.0 } else { x });
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        map_host(inputs, outputs, |x| if x <= 0.0 { 0.0 } else { x })
    }

    fn cases(&self) -> Vec<Case> {
        activation_cases()
    }
}

impl Op for ReluGradient {
    fn name(&self) -> &'static str {
        "relu_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        Ok(vec![shared_type(inputs, &["upstream", "output"], &[])?])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(include_str!("relu.wgsl"), "relu_gradient"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 1)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        zip_reference(inputs, outputs, |upstream, output| if output > 0.0 { upstream } else { 0.0 });
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        zip_host(inputs, outputs, |upstream, output| if output > 0.0 { upstream } else { 0.0 })
    }

    fn cases(&self) -> Vec<Case> {
        activation_gradient_cases(&[0.0, -0.0, 1e-30, 1e30])
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Relu), Arc::new(ReluGradient)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn keeps_positive_numbers_and_nan() {
        let input = Array::from_fn([4], |index| [-1.5, 0.0, 2.5, f64::NAN][index]);
        let output = &reference(&Relu, &[input])[0].data;
        assert_eq!(output[..3], [0.0, 0.0, 2.5]);
        assert!(output[3].is_nan());
    }

    #[test]
    fn the_gradient_at_zero_is_zero() {
        let upstream = Array::from_fn([3], |_| 3.0);
        let output = Array::from_fn([3], |index| [0.0, -0.0, 1e-6][index]);
        assert_eq!(reference(&ReluGradient, &[upstream, output])[0].data, [0.0, 0.0, 3.0]);
    }

    #[test]
    fn the_gradient_reads_the_output() {
        let mut graph = Graph::new();
        let [input, upstream] = [0, 1].map(|_| graph.input("x", TensorType::f32([5])));
        let output = relu(&mut graph, input).unwrap();
        let node = graph.node(output.node).clone();
        let gradients = Relu.gradient(&mut graph, &node, &[Some(upstream)]).unwrap();
        assert_eq!(graph.node(gradients[0].unwrap().node).inputs, [upstream, output]);
        assert_eq!(Relu.gradient(&mut graph, &node, &[None]).unwrap(), [None]);
    }

    #[test]
    fn errors_name_the_inputs() {
        let error = ReluGradient.infer(&[TensorType::f32([2]), TensorType::f32([3])]).unwrap_err();
        assert_eq!(error.to_string(), "wanted f32 of one shape (upstream, output), got f32[2], f32[3]");
        let [tensor, pair] = [vec![4], vec![2]].map(TensorType::f32);
        let error = shared_type(&[tensor.clone(), pair], &["parameter"], &["scale"]).unwrap_err();
        assert_eq!(error.to_string(), "wanted f32 of one shape (parameter) and single f32 numbers (scale), got f32[4], f32[2]");
        assert_eq!(shared_type(&[tensor.clone(), TensorType::f32([1])], &["parameter"], &["scale"]), Ok(tensor));
        assert!(Relu.infer(&[TensorType::u32([2])]).is_err());
        assert!(Relu.infer(&[]).is_err());
    }
}
