//! Exponential function, element by element, for f32 tensors of any shape.
//!
//! It ends at the largest f32, since WGSL has no infinity. The gradient is taken from the output.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, Value};

use crate::unary::{Reads, Unary, UnaryFunction, unary_examples};

/// See [`exp`].
#[derive(Clone, Copy, Debug)]
pub struct Exp;

/// `e^x` of each element of an f32 tensor; above 88.72 the largest f32.
///
/// # Errors
/// Where the input is not f32.
pub fn exp(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Unary(Exp), &[input])
}

impl UnaryFunction for Exp {
    const NAME: &'static str = "exp";
    const GRADIENT: &'static str = "exp_gradient";
    const FUNCTION: &'static str = "exp_saturated";
    const SOURCE: &'static str = include_str!("exp.wgsl");
    const READS: Reads = Reads::Output;
    const FLOPS: [u64; 2] = [10, 1];

    fn value(&self, x: f64) -> f64 {
        let power = x.exp();
        if power > f32::MAX.into() { f32::MAX.into() } else { power }
    }

    fn gradient(&self, upstream: f64, y: f64) -> f64 {
        upstream * y
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    unary_examples(Exp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unary::tests::values_and_slopes;

    #[test]
    fn ends_at_the_largest_number() {
        assert_eq!(values_and_slopes(Exp, &[0.0, -1e30, 1e30]), [(1.0, 1.0), (0.0, 0.0), (f32::MAX.into(), f32::MAX.into())]);
        assert!(Exp.value(f64::NAN).is_nan());
    }
}
