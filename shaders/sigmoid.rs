//! Logistic function: `1 / (1 + e^-x)`, element by element, for f32 tensors of any shape.
//!
//! The gradient is taken from the output, so that the input need not be kept.

use std::sync::Arc;

use wgrad_core::{
    Array, Case, Function, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Tolerance, Value,
};

use crate::elementwise::{
    activation_cases, activation_gradient_cases, activation_tolerance, flops_of_each, map_host, map_reference, shared_type,
    zip_host, zip_reference,
};

/// See [`sigmoid`].
#[derive(Clone, Copy, Debug)]
pub struct Sigmoid;

/// The gradient of [`sigmoid`]: `upstream * y * (1 - y)` for the output `y`.
#[derive(Clone, Copy, Debug)]
pub struct SigmoidGradient;

/// `1 / (1 + e^-x)` of each element of an f32 tensor.
///
/// # Errors
/// Where the input is not f32.
pub fn sigmoid(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Sigmoid, &[input])
}

impl Op for Sigmoid {
    fn name(&self) -> &'static str {
        "sigmoid"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        Ok(vec![shared_type(inputs, &["input"], &[])?])
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let &[Some(upstream)] = upstream else { return Ok(vec![None]) };
        Ok(vec![Some(graph.apply_one(SigmoidGradient, &[upstream, at.output(0)])?)])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(include_str!("sigmoid.wgsl"), "sigmoid"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 4)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        map_reference(inputs, outputs, |x| 1.0 / (1.0 + (-x).exp()));
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        map_host(inputs, outputs, |x| 1.0 / (1.0 + (-x).exp()))
    }

    fn tolerance(&self, _: &[TensorType]) -> Tolerance {
        activation_tolerance()
    }

    fn cases(&self) -> Vec<Case> {
        activation_cases()
    }
}

impl Op for SigmoidGradient {
    fn name(&self) -> &'static str {
        "sigmoid_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        Ok(vec![shared_type(inputs, &["upstream", "output"], &[])?])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(include_str!("sigmoid.wgsl"), "sigmoid_gradient"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 3)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        zip_reference(inputs, outputs, |upstream, y| upstream * y * (1.0 - y));
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        zip_host(inputs, outputs, |upstream, y| upstream * y * (1.0 - y))
    }

    fn cases(&self) -> Vec<Case> {
        activation_gradient_cases(&[0.0, 1.0, 1e-30, 0.5])
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Sigmoid), Arc::new(SigmoidGradient)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn agrees_with_known_values() {
        let input = Array::from_fn([4], |index| [0.0, 2.0, -2.0, -1e30][index]);
        let output = &reference(&Sigmoid, &[input])[0].data;
        let wanted = [0.5, 0.880_797_077_977_882, 0.119_202_922_022_118, 0.0];
        assert!(output.iter().zip(wanted).all(|(got, wanted)| (got - wanted).abs() < 1e-14), "{output:?}");
    }

    #[test]
    fn the_gradient_is_steepest_in_the_middle() {
        let (upstream, output) = (Array::from_fn([3], |_| 2.0), Array::from_fn([3], |index| [0.0, 0.5, 0.75][index]));
        assert_eq!(reference(&SigmoidGradient, &[upstream, output])[0].data, [0.0, 0.5, 0.375]);
    }
}
