//! Negation, element by element, for f32 tensors of any shape.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, Value};

use crate::unary::{Reads, Unary, UnaryFunction, unary_examples};

/// See [`neg`].
#[derive(Clone, Copy, Debug)]
pub struct Neg;

/// `-x` of each element of an f32 tensor.
///
/// # Errors
/// Where the input is not f32.
pub fn neg(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Unary(Neg), &[input])
}

impl UnaryFunction for Neg {
    const NAME: &'static str = "neg";
    const GRADIENT: &'static str = "neg_gradient";
    const SOURCE: &'static str = include_str!("neg.wgsl");
    const READS: Reads = Reads::Nothing;
    const FLOPS: [u64; 2] = [1, 1];

    fn value(&self, x: f64) -> f64 {
        -x
    }

    fn gradient(&self, upstream: f64, _: f64) -> f64 {
        -upstream
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    unary_examples(Neg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unary::tests::assert_known;

    #[test]
    fn agrees_with_known_values() {
        let known = [(-3.0, 3.0, -1.0), (0.0, 0.0, -1.0)];
        assert_known(Neg, &known);
    }
}
