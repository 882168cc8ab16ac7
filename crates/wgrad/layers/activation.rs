//! Activations: functions of single elements, without parameters.

use crate::error::Error;
use crate::layers::Layer;
use crate::var::Var;

/// `max(x, 0)`.
#[derive(Clone, Copy, Debug)]
pub struct Relu;

/// `1 / (1 + e^-x)`.
#[derive(Clone, Copy, Debug)]
pub struct Sigmoid;

/// The hyperbolic tangent.
#[derive(Clone, Copy, Debug)]
pub struct Tanh;

/// `x` where it is positive, else a small multiple of it.
#[derive(Clone, Copy, Debug)]
pub struct LeakyRelu(
    /// The slope for negative inputs: at least 0; 0.01 by default in PyTorch.
    pub f32,
);

impl Layer for Relu {
    fn name(&self) -> &str {
        "Relu"
    }

    fn forward(&self, input: &Var) -> Result<Var, Error> {
        Ok(input.relu())
    }
}

impl Layer for Sigmoid {
    fn name(&self) -> &str {
        "Sigmoid"
    }

    fn forward(&self, input: &Var) -> Result<Var, Error> {
        Ok(input.sigmoid())
    }
}

impl Layer for Tanh {
    fn name(&self) -> &str {
        "Tanh"
    }

    fn forward(&self, input: &Var) -> Result<Var, Error> {
        Ok(input.tanh())
    }
}

impl Layer for LeakyRelu {
    fn name(&self) -> &str {
        "LeakyRelu"
    }

    fn forward(&self, input: &Var) -> Result<Var, Error> {
        Ok(input.leaky_relu(self.0))
    }
}
