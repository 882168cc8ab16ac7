//! Sigmoid linear unit, or swish: `x / (1 + e^-x)`, element by element, for f32 tensors of any shape.
//!
//! The derivative is `s (1 + x (1 - s))` for the sigmoid `s` of `x`.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, Tolerance, Value};

use crate::unary::{Reads, Unary, UnaryFunction, unary_examples};

/// See [`silu`].
#[derive(Clone, Copy, Debug)]
pub struct Silu;

/// `x / (1 + e^-x)` of each element of an f32 tensor.
///
/// # Errors
/// Where the input is not f32.
pub fn silu(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Unary(Silu), &[input])
}

impl UnaryFunction for Silu {
    const NAME: &'static str = "silu";
    const GRADIENT: &'static str = "silu_gradient";
    const SOURCE: &'static str = include_str!("silu.wgsl");
    const READS: Reads = Reads::Input;
    const FLOPS: [u64; 2] = [5, 9];

    fn value(&self, x: f64) -> f64 {
        x * sigmoid(x)
    }

    fn gradient(&self, upstream: f64, x: f64) -> f64 {
        upstream * sigmoid(x) * (1.0 + x * sigmoid(-x))
    }

    /// What WGSL allows its exponential.
    fn tolerance(&self) -> Tolerance {
        Tolerance { absolute: 2e-7, relative: 1e-6 }
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    unary_examples(Silu)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unary::tests::assert_known;

    #[test]
    fn agrees_with_known_values() {
        let known = [
            (0.0, 0.0, 0.5),
            (1.0, 0.731_058_578_630_004_9, 0.927_670_511_871_486_7),
            (-1.0, -0.268_941_421_369_995_1, 0.072_329_488_128_513_27),
            (1e30, 1e30, 1.0),
            (-1e30, 0.0, 0.0),
        ];
        assert_known(Silu, &known);
    }
}
