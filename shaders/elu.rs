//! Exponential linear unit (Clevert, Unterthiner and Hochreiter, 2016): `x` where `x > 0`, else `alpha * (e^x - 1)`, element
//! by element, for f32 tensors of any shape.
//!
//! The derivative at 0 is alpha, as in PyTorch. It is taken from the input: in the output plus alpha, which would do too, the
//! digits of small derivatives are lost.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, ShapeError, Tolerance, Value};

use crate::elementwise::check_attribute;
use crate::unary::{Reads, Unary, UnaryFunction, unary_examples};

/// See [`elu`].
#[derive(Clone, Copy, Debug)]
pub struct Elu {
    /// What the function tends to below zero, with its sign turned.
    pub alpha: f32,
}

/// `x` where `x > 0`, else `alpha * (e^x - 1)`, of each element of an f32 tensor.
///
/// # Errors
/// Where the input is not f32, or alpha is not finite.
pub fn elu(graph: &mut Graph, input: Value, alpha: f32) -> Result<Value, GraphError> {
    graph.apply_one(Unary(Elu { alpha }), &[input])
}

impl UnaryFunction for Elu {
    const NAME: &'static str = "elu";
    const GRADIENT: &'static str = "elu_gradient";
    const SOURCE: &'static str = include_str!("elu.wgsl");
    const READS: Reads = Reads::Input;
    const FLOPS: [u64; 2] = [10, 3];

    fn check(&self) -> Result<(), ShapeError> {
        check_attribute(self.alpha.is_finite(), "a finite alpha", self.alpha)
    }

    fn constants(&self) -> Vec<f32> {
        vec![self.alpha]
    }

    fn value(&self, x: f64) -> f64 {
        if x > 0.0 { x } else { f64::from(self.alpha) * x.exp_m1() }
    }

    fn gradient(&self, upstream: f64, x: f64) -> f64 {
        if x > 0.0 { upstream } else { upstream * f64::from(self.alpha) * x.exp() }
    }

    /// What WGSL allows its exponential.
    fn tolerance(&self) -> Tolerance {
        Tolerance { absolute: 1e-9, relative: 1e-6 }
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    [1.0, 0.3, -0.5].into_iter().flat_map(|alpha| unary_examples(Elu { alpha })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unary::tests::assert_known;
    use wgrad_core::TensorType;

    #[test]
    fn agrees_with_known_values() {
        let known =
            [(2.0, 2.0, 1.0), (0.0, 0.0, 0.5), (-1.0, 0.5 * (-1.0_f64).exp_m1(), 0.5 * (-1.0_f64).exp()), (-1e30, -0.5, 0.0)];
        assert_known(Elu { alpha: 0.5 }, &known);
    }

    #[test]
    fn refuses_an_alpha_that_is_not_finite() {
        for alpha in [f32::NAN, f32::INFINITY] {
            let error = Unary(Elu { alpha }).infer(&[TensorType::f32([1])]).unwrap_err();
            assert_eq!(error.to_string(), format!("wanted a finite alpha, got {alpha}"));
        }
        assert!(Unary(Elu { alpha: -0.1 }).infer(&[TensorType::f32([1])]).is_ok());
    }
}
