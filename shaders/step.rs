//! Heaviside's step: 1 where `x >= 0`, else 0, element by element, for f32 tensors of any shape.
//!
//! The gradient is 0 everywhere, so that nothing before a step learns by gradients.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, Value};

use crate::unary::{Reads, Unary, UnaryFunction, unary_examples};

/// See [`step`].
#[derive(Clone, Copy, Debug)]
pub struct Step;

/// 1 where an element of an f32 tensor is at least 0, else 0.
///
/// # Errors
/// Where the input is not f32.
pub fn step(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Unary(Step), &[input])
}

impl UnaryFunction for Step {
    const NAME: &'static str = "step";
    const GRADIENT: &'static str = "step_gradient";
    const FUNCTION: &'static str = "step_at_zero";
    const SOURCE: &'static str = include_str!("step.wgsl");
    const READS: Reads = Reads::Nothing;
    const FLOPS: [u64; 2] = [1, 0];

    fn value(&self, x: f64) -> f64 {
        if x >= 0.0 { 1.0 } else { 0.0 }
    }

    fn gradient(&self, _: f64, _: f64) -> f64 {
        0.0
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    unary_examples(Step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unary::tests::assert_known;

    #[test]
    fn agrees_with_known_values() {
        let known = [(-1e-30, 0.0, 0.0), (0.0, 1.0, 0.0), (-0.0, 1.0, 0.0), (2.0, 1.0, 0.0)];
        assert_known(Step, &known);
    }
}
