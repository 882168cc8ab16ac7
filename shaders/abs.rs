//! Absolute value, element by element, for f32 tensors of any shape.
//!
//! The derivative at 0 is 0, as in PyTorch.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, Value};

use crate::unary::{Reads, Unary, UnaryFunction, unary_examples};

/// See [`abs`].
#[derive(Clone, Copy, Debug)]
pub struct Abs;

/// `|x|` of each element of an f32 tensor.
///
/// # Errors
/// Where the input is not f32.
pub fn abs(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Unary(Abs), &[input])
}

impl UnaryFunction for Abs {
    const NAME: &'static str = "abs";
    const GRADIENT: &'static str = "abs_gradient";
    const FUNCTION: &'static str = "abs_value";
    const SOURCE: &'static str = include_str!("abs.wgsl");
    const READS: Reads = Reads::Input;
    const FLOPS: [u64; 2] = [1, 1];

    fn value(&self, x: f64) -> f64 {
        x.abs()
    }

    fn gradient(&self, upstream: f64, x: f64) -> f64 {
        if x == 0.0 { 0.0 } else { upstream * x.signum() }
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    unary_examples(Abs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unary::tests::assert_known;

    #[test]
    fn agrees_with_known_values() {
        let known = [(-3.0, 3.0, -1.0), (0.0, 0.0, 0.0), (2.0, 2.0, 1.0)];
        assert_known(Abs, &known);
    }
}
