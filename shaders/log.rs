//! Natural logarithm, element by element, for f32 tensors of any shape.
//!
//! Numbers from 0 to the smallest normal f32 count as that one, since adapters may flush them to zero and WGSL has no
//! infinity: the logarithm of 0 is -87.34, and its derivative 8.5e37. What comes of negative numbers, NaN mostly, depends on
//! the adapter.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, Tolerance, Value};

use crate::unary::{Reads, Unary, UnaryFunction, unary_examples};

/// See [`log`].
#[derive(Clone, Copy, Debug)]
pub struct Log;

/// The natural logarithm of each element of an f32 tensor, at least -87.34; of negative numbers there is none.
///
/// # Errors
/// Where the input is not f32.
pub fn log(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Unary(Log), &[input])
}

impl UnaryFunction for Log {
    const NAME: &'static str = "log";
    const GRADIENT: &'static str = "log_gradient";
    const FUNCTION: &'static str = "log_raised";
    const SOURCE: &'static str = include_str!("log.wgsl");
    const READS: Reads = Reads::Input;
    const FLOPS: [u64; 2] = [1, 1];

    fn value(&self, x: f64) -> f64 {
        raised(x).ln()
    }

    fn gradient(&self, upstream: f64, x: f64) -> f64 {
        upstream / raised(x)
    }

    fn argument(&self, noise: f64) -> f64 {
        4.0 * noise.abs()
    }

    /// Not below zero.
    fn extremes(&self) -> Vec<f64> {
        vec![0.0, 1e-30, 1e-4, 0.5, 0.999, 1.0, 1.001, 2.0, 100.0, 1e30]
    }

    /// WGSL allows its logarithm an error of 2^-21 near 1.
    fn tolerance(&self) -> Tolerance {
        Tolerance { absolute: 5e-7, relative: 4.0 * f64::from(f32::EPSILON) }
    }
}

/// The number, or the smallest normal f32 where it lies between 0 and that.
fn raised(x: f64) -> f64 {
    let smallest = f64::from(f32::MIN_POSITIVE);
    if (0.0..smallest).contains(&x) { smallest } else { x }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    unary_examples(Log)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unary::tests::assert_known;

    #[test]
    fn agrees_with_known_values() {
        let known = [(1.0, 0.0, 1.0), (2.0, std::f64::consts::LN_2, 0.5), (0.0, -87.336_544_750_553_1, 8.507_059_173_023_462e37)];
        assert_known(Log, &known);
    }
}
