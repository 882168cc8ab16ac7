//! Leaky rectified linear unit: `x` where `x > 0`, else `slope * x`, element by element, for f32 tensors of any shape.
//!
//! The derivative at 0 is the slope, as in PyTorch. It is taken from the output, which has the input's sign since the
//! slope is not negative, so that the input need not be kept.

use std::sync::Arc;

use wgrad_core::{
    Array, Case, Function, Graph, GraphError, HostTensor, Literal, Lowering, Node, Op, ShapeError, TensorType, Value,
};

use crate::elementwise::{
    activation_cases, activation_gradient_cases, flops_of_each, map_host, map_reference, shared_type, zip_host, zip_reference,
};

/// See [`leaky_relu`].
#[derive(Clone, Copy, Debug)]
pub struct LeakyRelu {
    /// The derivative for negative inputs: at least 0.
    pub slope: f32,
}

/// The gradient of [`leaky_relu`]: the upstream gradient where the output is positive, else the slope times it.
#[derive(Clone, Copy, Debug)]
pub struct LeakyReluGradient {
    /// The derivative for negative inputs: at least 0.
    pub slope: f32,
}

/// `x` where `x > 0`, else `slope * x`, of each element of an f32 tensor.
///
/// # Errors
/// Where the input is not f32, or the slope is negative or not finite.
pub fn leaky_relu(graph: &mut Graph, input: Value, slope: f32) -> Result<Value, GraphError> {
    graph.apply_one(LeakyRelu { slope }, &[input])
}

impl Op for LeakyRelu {
    fn name(&self) -> &'static str {
        "leaky_relu"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        check(self.slope)?;
        Ok(vec![shared_type(inputs, &["input"], &[])?])
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let &[Some(upstream)] = upstream else { return Ok(vec![None]) };
        let gradient = LeakyReluGradient { slope: self.slope };
        Ok(vec![Some(graph.apply_one(gradient, &[upstream, at.output(0)])?)])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        let function = Function::new(include_str!("leaky_relu.wgsl"), "leaky_relu");
        Lowering::Pointwise(function.with_constants([Literal::F32(self.slope)]))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 2)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        map_reference(inputs, outputs, |x| if x > 0.0 { x } else { f64::from(self.slope) * x });
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        map_host(inputs, outputs, |x| if x > 0.0 { x } else { self.slope * x })
    }

    fn cases(&self) -> Vec<Case> {
        activation_cases()
    }
}

impl Op for LeakyReluGradient {
    fn name(&self) -> &'static str {
        "leaky_relu_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        check(self.slope)?;
        Ok(vec![shared_type(inputs, &["upstream", "output"], &[])?])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        let function = Function::new(include_str!("leaky_relu.wgsl"), "leaky_relu_gradient");
        Lowering::Pointwise(function.with_constants([Literal::F32(self.slope)]))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 2)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let factor = |output: f64| if output > 0.0 { 1.0 } else { f64::from(self.slope) };
        zip_reference(inputs, outputs, |upstream, output| upstream * factor(output));
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        zip_host(inputs, outputs, |upstream, output| if output > 0.0 { upstream } else { self.slope * upstream })
    }

    fn cases(&self) -> Vec<Case> {
        activation_gradient_cases(&[0.0, -0.0, 1e-30, -1e-30, 1e30, -1e30])
    }
}

fn check(slope: f32) -> Result<(), ShapeError> {
    if slope.is_finite() && slope >= 0.0 {
        return Ok(());
    }
    Err(ShapeError { wanted: "a finite slope of at least 0".to_owned(), got: slope.to_string() })
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(LeakyRelu { slope: 0.01 }), Arc::new(LeakyReluGradient { slope: 0.01 })]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn scales_what_is_not_positive() {
        let numbers = Array::from_fn([3], |index| [-2.0, 0.0, 2.0][index]);
        let upstream = Array::from_fn([3], |_| 3.0);
        assert_eq!(reference(&LeakyRelu { slope: 0.25 }, std::slice::from_ref(&numbers))[0].data, [-0.5, 0.0, 2.0]);
        assert_eq!(reference(&LeakyReluGradient { slope: 0.25 }, &[upstream, numbers])[0].data, [0.75, 0.75, 3.0]);
    }

    #[test]
    fn refuses_slopes_that_hide_the_sign() {
        for slope in [-0.1, f32::NAN, f32::INFINITY] {
            let error = LeakyRelu { slope }.infer(&[TensorType::f32([1])]).unwrap_err();
            assert_eq!(error.got, slope.to_string());
        }
        assert!(LeakyRelu { slope: 0.0 }.infer(&[TensorType::f32([1])]).is_ok());
    }
}
