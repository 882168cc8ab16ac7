//! Hyperbolic tangent, element by element, for f32 tensors of any shape.
//!
//! The gradient is taken from the output, so that the input need not be kept.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, Value};

use crate::unary::{Reads, Unary, UnaryFunction, unary_examples};

/// See [`tanh`].
#[derive(Clone, Copy, Debug)]
pub struct Tanh;

/// The hyperbolic tangent of each element of an f32 tensor.
///
/// # Errors
/// Where the input is not f32.
pub fn tanh(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Unary(Tanh), &[input])
}

impl UnaryFunction for Tanh {
    const NAME: &'static str = "tanh";
    const GRADIENT: &'static str = "tanh_gradient";
    const FUNCTION: &'static str = "tanh_activation";
    const SOURCE: &'static str = include_str!("tanh.wgsl");
    const READS: Reads = Reads::Output;
    const FLOPS: [u64; 2] = [5, 4];

    fn value(&self, x: f64) -> f64 {
        x.tanh()
    }

    fn gradient(&self, upstream: f64, y: f64) -> f64 {
        upstream * (1.0 - y * y)
    }

    fn host(&self, x: f32) -> f32 {
        x.tanh()
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    unary_examples(Tanh)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unary::tests::assert_known;

    #[test]
    fn agrees_with_known_values() {
        let known = [
            (0.0, 0.0, 1.0),
            (0.5, 0.462_117_157_260_009_76, 0.786_447_732_965_927_4),
            (-1.0, -0.761_594_155_955_764_9, 0.419_974_341_614_026_1),
            (1e30, 1.0, 0.0),
        ];
        assert_known(Tanh, &known);
    }
}
