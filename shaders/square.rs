//! Square, element by element, for f32 tensors of any shape.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, Value};

use crate::unary::{Reads, Unary, UnaryFunction, unary_examples};

/// See [`square`].
#[derive(Clone, Copy, Debug)]
pub struct Square;

/// `x^2` of each element of an f32 tensor.
///
/// # Errors
/// Where the input is not f32.
pub fn square(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Unary(Square), &[input])
}

impl UnaryFunction for Square {
    const NAME: &'static str = "square";
    const GRADIENT: &'static str = "square_gradient";
    const SOURCE: &'static str = include_str!("square.wgsl");
    const READS: Reads = Reads::Input;
    const FLOPS: [u64; 2] = [1, 2];

    fn value(&self, x: f64) -> f64 {
        x * x
    }

    fn gradient(&self, upstream: f64, x: f64) -> f64 {
        2.0 * upstream * x
    }

    /// Those whose squares are f32.
    fn extremes(&self) -> Vec<f64> {
        vec![0.0, -0.0, 1e-30, 1e-4, -1e-4, 1.0, -1.0, 100.0, 1e18, -1e18]
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    unary_examples(Square)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unary::tests::assert_known;

    #[test]
    fn agrees_with_known_values() {
        let known = [(-3.0, 9.0, -6.0), (0.0, 0.0, 0.0)];
        assert_known(Square, &known);
    }
}
