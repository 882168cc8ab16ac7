//! Power with a fixed exponent: `x^exponent`, element by element, for f32 tensors of any shape.
//!
//! The derivative is `exponent * x^(exponent - 1)`, and 0 for an exponent of 0, as in PyTorch. Whole exponents from -16 to 16
//! are products, for numbers of either sign. For all others, what comes of negative numbers, NaN mostly, depends on the
//! adapter; so does a negative power of 0.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, ShapeError, Tolerance, Value};

use crate::elementwise::check_attribute;
use crate::unary::{Reads, Unary, UnaryFunction, unary_examples};

/// See [`power`].
#[derive(Clone, Copy, Debug)]
pub struct Power {
    /// A finite number.
    pub exponent: f32,
}

/// `x^exponent` of each element of an f32 tensor.
///
/// # Errors
/// Where the input is not f32, or the exponent is not finite.
pub fn power(graph: &mut Graph, input: Value, exponent: f32) -> Result<Value, GraphError> {
    graph.apply_one(Unary(Power { exponent }), &[input])
}

impl Power {
    fn is_whole(&self) -> bool {
        self.exponent.fract() == 0.0 && self.exponent.abs() <= 16.0
    }
}

impl UnaryFunction for Power {
    const NAME: &'static str = "power";
    const GRADIENT: &'static str = "power_gradient";
    const SOURCE: &'static str = include_str!("power.wgsl");
    const READS: Reads = Reads::Input;
    const FLOPS: [u64; 2] = [8, 10];

    fn check(&self) -> Result<(), ShapeError> {
        check_attribute(self.exponent.is_finite(), "a finite exponent", self.exponent)
    }

    fn constants(&self) -> Vec<f32> {
        vec![self.exponent]
    }

    fn value(&self, x: f64) -> f64 {
        x.powf(self.exponent.into())
    }

    fn gradient(&self, upstream: f64, x: f64) -> f64 {
        let exponent = f64::from(self.exponent);
        if exponent == 0.0 { 0.0 } else { upstream * exponent * x.powf(exponent - 1.0) }
    }

    fn argument(&self, noise: f64) -> f64 {
        if self.is_whole() { noise } else { 4.0 * noise.abs() }
    }

    /// Zero where the power and its derivative are finite there.
    fn extremes(&self) -> Vec<f64> {
        let zero = if self.exponent >= 1.0 { vec![0.0] } else { Vec::new() };
        [zero, vec![1e-3, 0.5, 0.999, 1.0, 1.001, 2.0, 10.0, 1e3]].concat()
    }

    /// A rounding for each factor; else what WGSL allows its logarithm and exponential.
    fn tolerance(&self) -> Tolerance {
        Tolerance { absolute: 1e-9, relative: if self.is_whole() { 1.5e-6 } else { 1e-5 } }
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    [-2.0, 0.0, 0.5, 2.5, 3.0, 7.0].into_iter().flat_map(|exponent| unary_examples(Power { exponent })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unary::tests::assert_known;
    use wgrad_core::TensorType;

    #[test]
    fn agrees_with_known_values() {
        assert_known(Power { exponent: 3.0 }, &[(-2.0, -8.0, 12.0), (0.0, 0.0, 0.0)]);
        assert_known(Power { exponent: -1.0 }, &[(-2.0, -0.5, -0.25)]);
        assert_known(Power { exponent: 0.5 }, &[(4.0, 2.0, 0.25)]);
        assert_known(Power { exponent: 0.0 }, &[(0.0, 1.0, 0.0), (-3.0, 1.0, 0.0)]);
    }

    #[test]
    fn refuses_exponents_that_are_no_numbers() {
        let error = Unary(Power { exponent: f32::NAN }).infer(&[TensorType::f32([1])]).unwrap_err();
        assert_eq!(error.to_string(), "wanted a finite exponent, got NaN");
    }
}
