//! Square root, element by element, for f32 tensors of any shape.
//!
//! The gradient is taken from the output, and the derivative ends at that of the smallest normal f32, 4.6e18, since WGSL has
//! no infinity. What comes of negative numbers, NaN mostly, depends on the adapter.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, Value};

use crate::unary::{Reads, Unary, UnaryFunction, unary_examples};

/// See [`sqrt`].
#[derive(Clone, Copy, Debug)]
pub struct Sqrt;

/// The square root of each element of an f32 tensor; of negative numbers there is none.
///
/// # Errors
/// Where the input is not f32.
pub fn sqrt(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Unary(Sqrt), &[input])
}

impl UnaryFunction for Sqrt {
    const NAME: &'static str = "sqrt";
    const GRADIENT: &'static str = "sqrt_gradient";
    const FUNCTION: &'static str = "sqrt_positive";
    const SOURCE: &'static str = include_str!("sqrt.wgsl");
    const READS: Reads = Reads::Output;
    const FLOPS: [u64; 2] = [1, 3];

    fn value(&self, x: f64) -> f64 {
        x.sqrt()
    }

    fn gradient(&self, upstream: f64, y: f64) -> f64 {
        let smallest = f64::from(f32::MIN_POSITIVE).sqrt();
        0.5 * upstream / if y < smallest { smallest } else { y }
    }

    fn argument(&self, noise: f64) -> f64 {
        4.0 * noise.abs()
    }

    /// Not below zero.
    fn extremes(&self) -> Vec<f64> {
        vec![0.0, 1e-30, 1e-4, 0.999, 1.0, 1.001, 100.0, 1e30]
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    unary_examples(Sqrt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unary::tests::assert_known;

    #[test]
    fn agrees_with_known_values() {
        let known = [(4.0, 2.0, 0.25), (0.0, 0.0, 0.5 / f64::from(f32::MIN_POSITIVE).sqrt())];
        assert_known(Sqrt, &known);
    }
}
