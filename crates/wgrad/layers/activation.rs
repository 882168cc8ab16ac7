//! Activations: functions of single elements, without parameters.

use crate::error::Error;
use crate::layers::Layer;
use crate::var::Var;

/// `max(x, 0)`.
#[derive(Clone, Copy, Debug)]
pub struct ReLU;

/// `1 / (1 + e^-x)`.
#[derive(Clone, Copy, Debug)]
pub struct Sigmoid;

/// The hyperbolic tangent.
#[derive(Clone, Copy, Debug)]
pub struct Tanh;

/// `x` where it is positive, else a small multiple of it.
#[derive(Clone, Copy, Debug)]
pub struct LeakyReLU(
    /// The slope for negative inputs: at least 0; 0.01 by default in PyTorch.
    pub f32,
);

impl Default for LeakyReLU {
    /// PyTorch's: a slope of 0.01.
    fn default() -> Self {
        Self(0.01)
    }
}

impl Layer for ReLU {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        Ok(input.relu())
    }
}

impl Layer for Sigmoid {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        Ok(input.sigmoid())
    }
}

impl Layer for Tanh {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        Ok(input.tanh())
    }
}

impl Layer for LeakyReLU {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        Ok(input.leaky_relu(self.0))
    }
}

/// `x` where it is positive, else `alpha * (e^x - 1)`.
#[derive(Clone, Copy, Debug)]
pub struct ELU(
    /// The factor for negative inputs; 1 by default in PyTorch.
    pub f32,
);

impl Default for ELU {
    /// PyTorch's: a factor of 1.
    fn default() -> Self {
        Self(1.0)
    }
}

/// The Gaussian error linear unit, exactly as PyTorch's by default.
#[derive(Clone, Copy, Debug)]
pub struct GELU;

/// `x / (1 + e^-x)`.
#[derive(Clone, Copy, Debug)]
pub struct SiLU;

/// `log(1 + e^x)`.
#[derive(Clone, Copy, Debug)]
pub struct Softplus;

/// `e^x` along the last axis, divided by its sum.
#[derive(Clone, Copy, Debug)]
pub struct Softmax;

impl Layer for ELU {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        Ok(input.elu(self.0))
    }
}

impl Layer for Softmax {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        Ok(input.softmax(-1))
    }
}

impl Layer for GELU {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        Ok(input.gelu())
    }
}

impl Layer for SiLU {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        Ok(input.silu())
    }
}

impl Layer for Softplus {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        Ok(input.softplus())
    }
}
