//! Softplus: `log(1 + e^x)`, element by element, for f32 tensors of any shape.
//!
//! PyTorch's beta is 1. Its threshold of 20, above which the result is `x`, makes no difference in f32. The derivative is
//! the sigmoid of `x`.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, Tolerance, Value};

use crate::unary::{Reads, Unary, UnaryFunction, unary_examples};

/// See [`softplus`].
#[derive(Clone, Copy, Debug)]
pub struct Softplus;

/// `log(1 + e^x)` of each element of an f32 tensor.
///
/// # Errors
/// Where the input is not f32.
pub fn softplus(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Unary(Softplus), &[input])
}

impl UnaryFunction for Softplus {
    const NAME: &'static str = "softplus";
    const GRADIENT: &'static str = "softplus_gradient";
    const SOURCE: &'static str = include_str!("softplus.wgsl");
    const READS: Reads = Reads::Input;
    const FLOPS: [u64; 2] = [14, 5];

    fn value(&self, x: f64) -> f64 {
        x.max(0.0) + (-x.abs()).exp().ln_1p()
    }

    fn gradient(&self, upstream: f64, x: f64) -> f64 {
        upstream / (1.0 + (-x).exp())
    }

    /// What WGSL allows its exponential.
    fn tolerance(&self) -> Tolerance {
        Tolerance { absolute: 2e-7, relative: 1e-6 }
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    unary_examples(Softplus)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unary::tests::assert_known;

    #[test]
    fn agrees_with_known_values() {
        let known = [
            (0.0, std::f64::consts::LN_2, 0.5),
            (1.0, 1.313_261_687_518_222_8, 0.731_058_578_630_004_9),
            (-1.0, 0.313_261_687_518_222_8, 0.268_941_421_369_995_1),
            (1e30, 1e30, 1.0),
            (-1e30, 0.0, 0.0),
        ];
        assert_known(Softplus, &known);
    }
}
