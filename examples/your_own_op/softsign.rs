//! Softsign, `x / (1 + |x|)`, as an operation and as a layer.

use wgrad::ops::{Reads, Unary, UnaryFunction};
use wgrad::{Error, Layer, Var};

/// `x / (1 + |x|)` of each element. Its derivative is `(1 - |y|)^2` for the output `y`.
#[derive(Clone, Copy, Debug)]
pub struct Softsign;

impl UnaryFunction for Softsign {
    const NAME: &'static str = "softsign";
    const GRADIENT: &'static str = "softsign_gradient";
    const SOURCE: &'static str = include_str!("softsign.wgsl");
    const READS: Reads = Reads::Output;
    const FLOPS: [u64; 2] = [3, 4];

    fn value(&self, x: f64) -> f64 {
        x / (1.0 + x.abs())
    }

    fn gradient(&self, upstream: f64, y: f64) -> f64 {
        upstream * (1.0 - y.abs()).powi(2)
    }
}

impl Layer for Softsign {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        Ok(input.apply(Unary(Softsign), []))
    }
}
