//! Gaussian error linear unit (Hendrycks and Gimpel, 2016): `x` times the normal distribution function of `x`, which is
//! `(1 + erf(x / sqrt(2))) / 2`, element by element, for f32 tensors of any shape.
//!
//! This is PyTorch's `gelu` with `approximate='none'`. The derivative is the distribution function plus `x` times the
//! density.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, Tolerance, Value};

use crate::unary::{Reads, Unary, UnaryFunction, unary_examples};

/// See [`gelu`].
#[derive(Clone, Copy, Debug)]
pub struct Gelu;

/// `x (1 + erf(x / sqrt(2))) / 2` of each element of an f32 tensor.
///
/// # Errors
/// Where the input is not f32.
pub fn gelu(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Unary(Gelu), &[input])
}

impl UnaryFunction for Gelu {
    const NAME: &'static str = "gelu";
    const GRADIENT: &'static str = "gelu_gradient";
    const SOURCE: &'static str = include_str!("gelu.wgsl");
    const READS: Reads = Reads::Input;
    const FLOPS: [u64; 2] = [26, 30];

    fn value(&self, x: f64) -> f64 {
        x * distribution(x)
    }

    fn gradient(&self, upstream: f64, x: f64) -> f64 {
        upstream * (distribution(x) + if x.abs() > 40.0 { 0.0 } else { x * density(x) })
    }

    /// What WGSL allows its exponential.
    fn tolerance(&self) -> Tolerance {
        Tolerance { absolute: 2e-7, relative: 1e-6 }
    }
}

/// The density of the normal distribution.
fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
}

/// The normal distribution function: 1/2 plus the density times `x + x^3/3 + x^5/(3 5) + x^7/(3 5 7) + ...`, whose terms
/// all have one sign.
fn distribution(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x.abs() > 9.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut term, mut sum, mut factor) = (x, x, 1.0);
    while sum + term != sum {
        factor += 2.0;
        term *= x * x / factor;
        sum += term;
    }
    0.5 + density(x) * sum
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    unary_examples(Gelu)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unary::tests::assert_known;

    #[test]
    fn agrees_with_known_values() {
        let known = [
            (0.0, 0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9, 1.083_315_470_587_686_4),
            (-1.0, -0.158_655_253_931_457_05, -0.083_315_470_587_686_38),
            (1e30, 1e30, 1.0),
            (-1e30, 0.0, 0.0),
        ];
        assert_known(Gelu, &known);
    }
}
