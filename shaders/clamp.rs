//! Bounds of each element of an f32 tensor of any shape: at least a minimum and at most a maximum.
//!
//! The derivative is 1 between the bounds, and 0 at them and outside, as in PyTorch 2.15.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, ShapeError, Value};

use crate::elementwise::check_attribute;
use crate::unary::{Reads, Unary, UnaryFunction, unary_examples};

/// See [`clamp`].
#[derive(Clone, Copy, Debug)]
pub struct Clamp {
    /// The smallest result: finite.
    pub minimum: f32,
    /// The largest result: finite, and at least the minimum.
    pub maximum: f32,
}

/// Each element of an f32 tensor, or the bound that it lies beyond.
///
/// # Errors
/// Where the input is not f32, or the bounds are not finite or in the wrong order.
pub fn clamp(graph: &mut Graph, input: Value, minimum: f32, maximum: f32) -> Result<Value, GraphError> {
    graph.apply_one(Unary(Clamp { minimum, maximum }), &[input])
}

impl UnaryFunction for Clamp {
    const NAME: &'static str = "clamp";
    const GRADIENT: &'static str = "clamp_gradient";
    const FUNCTION: &'static str = "clamp_between";
    const SOURCE: &'static str = include_str!("clamp.wgsl");
    const READS: Reads = Reads::Input;
    const FLOPS: [u64; 2] = [2, 2];

    fn check(&self) -> Result<(), ShapeError> {
        let Self { minimum, maximum } = *self;
        let holds = minimum.is_finite() && maximum.is_finite() && minimum <= maximum;
        check_attribute(holds, "finite bounds, of which the first is not above the second", format!("{minimum} and {maximum}"))
    }

    fn constants(&self) -> Vec<f32> {
        vec![self.minimum, self.maximum]
    }

    fn value(&self, x: f64) -> f64 {
        if x < self.minimum.into() {
            return self.minimum.into();
        }
        if x > self.maximum.into() { self.maximum.into() } else { x }
    }

    fn gradient(&self, upstream: f64, x: f64) -> f64 {
        if x > self.minimum.into() && x < self.maximum.into() { upstream } else { 0.0 }
    }

    /// The bounds and their neighbours, and what is far from both.
    fn extremes(&self) -> Vec<f64> {
        let around = |bound: f32| [bound.next_down(), bound, bound.next_up()];
        [around(self.minimum), around(self.maximum), [0.0, 1e30, -1e30]].as_flattened().iter().map(|&x| x.into()).collect()
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    unary_examples(Clamp { minimum: -0.4, maximum: 0.6 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unary::tests::assert_known;
    use wgrad_core::TensorType;

    #[test]
    fn agrees_with_known_values() {
        let known = [(-1.5, -1.0, 0.0), (-1.0, -1.0, 0.0), (0.5, 0.5, 1.0), (2.0, 2.0, 0.0), (1e30, 2.0, 0.0)];
        assert_known(Clamp { minimum: -1.0, maximum: 2.0 }, &known);
    }

    #[test]
    fn refuses_bounds_that_nothing_lies_between() {
        for [minimum, maximum] in [[1.0, 0.5], [f32::NEG_INFINITY, 0.0], [0.0, f32::NAN]] {
            let error = Unary(Clamp { minimum, maximum }).infer(&[TensorType::f32([1])]).unwrap_err();
            assert_eq!(error.got, format!("{minimum} and {maximum}"));
        }
    }
}
