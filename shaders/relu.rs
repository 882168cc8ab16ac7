//! Rectified linear unit: `max(x, 0)`, element by element, for f32 tensors of any shape.
//!
//! The derivative at 0 is 0, as in PyTorch. It is taken from the output, so that the input need not be kept.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, Value};

use crate::unary::{Reads, Unary, UnaryFunction, unary_examples};

/// See [`relu`].
#[derive(Clone, Copy, Debug)]
pub struct Relu;

/// `max(x, 0)` of each element of an f32 tensor.
///
/// # Errors
/// Where the input is not f32.
pub fn relu(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Unary(Relu), &[input])
}

impl UnaryFunction for Relu {
    const NAME: &'static str = "relu";
    const GRADIENT: &'static str = "relu_gradient";
    const SOURCE: &'static str = include_str!("relu.wgsl");
    const READS: Reads = Reads::Output;
    const FLOPS: [u64; 2] = [1, 1];

    fn value(&self, x: f64) -> f64 {
        if x <= 0.0 { 0.0 } else { x }
    }

    fn gradient(&self, upstream: f64, y: f64) -> f64 {
        if y > 0.0 { upstream } else { 0.0 }
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    unary_examples(Relu)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unary::tests::values_and_slopes;

    #[test]
    fn keeps_positive_numbers_and_nan() {
        let values = values_and_slopes(Relu, &[-1.5, 0.0, -0.0, 2.5]);
        assert_eq!(values, [(0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (2.5, 1.0)]);
        assert!(Relu.value(f64::NAN).is_nan());
    }
}
