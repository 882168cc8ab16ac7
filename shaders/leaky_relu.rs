//! Leaky rectified linear unit: `x` where `x > 0`, else `slope * x`, element by element, for f32 tensors of any shape.
//!
//! The derivative at 0 is the slope, as in PyTorch. It is taken from the output, which has the input's sign since the
//! slope is not negative, so that the input need not be kept.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, ShapeError, Value};

use crate::elementwise::check_attribute;
use crate::unary::{Reads, Unary, UnaryFunction, unary_examples};

/// See [`leaky_relu`].
#[derive(Clone, Copy, Debug)]
pub struct LeakyRelu {
    /// The derivative for negative inputs: at least 0.
    pub slope: f32,
}

/// `x` where `x > 0`, else `slope * x`, of each element of an f32 tensor.
///
/// # Errors
/// Where the input is not f32, or the slope is negative or not finite.
pub fn leaky_relu(graph: &mut Graph, input: Value, slope: f32) -> Result<Value, GraphError> {
    graph.apply_one(Unary(LeakyRelu { slope }), &[input])
}

impl UnaryFunction for LeakyRelu {
    const NAME: &'static str = "leaky_relu";
    const GRADIENT: &'static str = "leaky_relu_gradient";
    const SOURCE: &'static str = include_str!("leaky_relu.wgsl");
    const READS: Reads = Reads::Output;
    const FLOPS: [u64; 2] = [2, 2];

    fn check(&self) -> Result<(), ShapeError> {
        check_attribute(self.slope.is_finite() && self.slope >= 0.0, "a finite slope of at least 0", self.slope)
    }

    fn constants(&self) -> Vec<f32> {
        vec![self.slope]
    }

    fn value(&self, x: f64) -> f64 {
        if x > 0.0 { x } else { f64::from(self.slope) * x }
    }

    fn gradient(&self, upstream: f64, y: f64) -> f64 {
        if y > 0.0 { upstream } else { f64::from(self.slope) * upstream }
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    unary_examples(LeakyRelu { slope: 0.01 })
}

#[cfg(test)]
mod tests {
    use wgrad_core::TensorType;

    use super::*;
    use crate::unary::tests::values_and_slopes;

    #[test]
    fn scales_what_is_not_positive() {
        let values = values_and_slopes(LeakyRelu { slope: 0.25 }, &[-2.0, 0.0, 2.0]);
        assert_eq!(values, [(-0.5, 0.25), (0.0, 0.25), (2.0, 1.0)]);
    }

    #[test]
    fn refuses_slopes_that_hide_the_sign() {
        for slope in [-0.1, f32::NAN, f32::INFINITY] {
            let error = Unary(LeakyRelu { slope }).infer(&[TensorType::f32([1])]).unwrap_err();
            assert_eq!(error.got, slope.to_string());
        }
        assert!(Unary(LeakyRelu { slope: 0.0 }).infer(&[TensorType::f32([1])]).is_ok());
    }
}
