//! Hyperbolic tangent, element by element, for f32 tensors of any shape.
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

/// See [`tanh`].
#[derive(Clone, Copy, Debug)]
pub struct Tanh;

/// The gradient of [`tanh`]: `upstream * (1 - y^2)` for the output `y`.
#[derive(Clone, Copy, Debug)]
pub struct TanhGradient;

/// The hyperbolic tangent of each element of an f32 tensor.
///
/// # Errors
/// Where the input is not f32.
pub fn tanh(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Tanh, &[input])
}

impl Op for Tanh {
    fn name(&self) -> &'static str {
        "tanh"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        Ok(vec![shared_type(inputs, &["input"], &[])?])
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let &[Some(upstream)] = upstream else { return Ok(vec![None]) };
        Ok(vec![Some(graph.apply_one(TanhGradient, &[upstream, at.output(0)])?)])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(include_str!("tanh.wgsl"), "tanh_activation"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 5)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        map_reference(inputs, outputs, f64::tanh);
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        map_host(inputs, outputs, f32::tanh)
    }

    fn tolerance(&self, _: &[TensorType]) -> Tolerance {
        activation_tolerance()
    }

    fn cases(&self) -> Vec<Case> {
        activation_cases()
    }
}

impl Op for TanhGradient {
    fn name(&self) -> &'static str {
        "tanh_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        Ok(vec![shared_type(inputs, &["upstream", "output"], &[])?])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(include_str!("tanh.wgsl"), "tanh_gradient"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 4)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        zip_reference(inputs, outputs, |upstream, y| upstream * (1.0 - y * y));
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        zip_host(inputs, outputs, |upstream, y| upstream * (1.0 - y * y))
    }

    fn cases(&self) -> Vec<Case> {
        activation_gradient_cases(&[0.0, 1.0, -1.0, 1e-30])
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Tanh), Arc::new(TanhGradient)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn agrees_with_known_values() {
        let input = Array::from_fn([4], |index| [0.0, 0.5, -1.0, 1e30][index]);
        let output = &reference(&Tanh, &[input])[0].data;
        let wanted = [0.0, 0.462_117_157_260_010, -0.761_594_155_955_765, 1.0];
        assert!(output.iter().zip(wanted).all(|(got, wanted)| (got - wanted).abs() < 1e-14), "{output:?}");
    }

    #[test]
    fn the_gradient_is_steepest_in_the_middle() {
        let (upstream, output) = (Array::from_fn([3], |_| 2.0), Array::from_fn([3], |index| [0.0, 0.5, -1.0][index]));
        assert_eq!(reference(&TanhGradient, &[upstream, output])[0].data, [2.0, 1.5, 0.0]);
    }
}
