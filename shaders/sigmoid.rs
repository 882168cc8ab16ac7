//! Logistic function: `1 / (1 + e^-x)`, element by element, for f32 tensors of any shape.
//!
//! The gradient is taken from the output, so that the input need not be kept.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, Value};

use crate::unary::{Reads, Unary, UnaryFunction, unary_examples};

/// See [`sigmoid`].
#[derive(Clone, Copy, Debug)]
pub struct Sigmoid;

/// `1 / (1 + e^-x)` of each element of an f32 tensor.
///
/// # Errors
/// Where the input is not f32.
pub fn sigmoid(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Unary(Sigmoid), &[input])
}

impl UnaryFunction for Sigmoid {
    const NAME: &'static str = "sigmoid";
    const GRADIENT: &'static str = "sigmoid_gradient";
    const SOURCE: &'static str = include_str!("sigmoid.wgsl");
    const READS: Reads = Reads::Output;
    const FLOPS: [u64; 2] = [4, 3];

    fn value(&self, x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    fn gradient(&self, upstream: f64, y: f64) -> f64 {
        upstream * y * (1.0 - y)
    }

    fn host(&self, x: f32) -> f32 {
        1.0 / (1.0 + (-x).exp())
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    unary_examples(Sigmoid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unary::tests::assert_known;

    #[test]
    fn agrees_with_known_values() {
        let slope = 0.104_993_585_403_506_5;
        let known =
            [(0.0, 0.5, 0.25), (2.0, 0.880_797_077_977_882_4, slope), (-2.0, 0.119_202_922_022_117_57, slope), (-1e30, 0.0, 0.0)];
        assert_known(Sigmoid, &known);
    }
}
