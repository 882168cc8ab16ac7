//! Functions of each element.

use wgrad_shaders as ops;

use crate::var::Var;

macro_rules! functions {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {
        /// Functions of each element.
        impl Var {
            $(
                $(#[doc = $doc])*
                pub fn $name(&self) -> Var {
                    self.map(ops::$name)
                }
            )*
        }
    };
}

functions! {
    /// `max(x, 0)`.
    relu;
    /// `1 / (1 + e^-x)`.
    sigmoid;
    /// The hyperbolic tangent.
    tanh;
    /// `x` times the normal distribution's share below `x`: PyTorch's exact `gelu`.
    gelu;
    /// `x / (1 + e^-x)`.
    silu;
    /// `log(1 + e^x)`.
    softplus;
    /// 1 where `x >= 0`, else 0. Its gradient is 0 everywhere.
    step;
    /// `e^x`, between 0 and the largest f32: it does not become infinite, so that no adapter makes NaN of it.
    exp;
    /// The natural logarithm; of 0, and of what is too small for an adapter, -87.3, so that all that depends on it is finite.
    log;
    /// The square root.
    sqrt;
    /// `x * x`.
    square;
    /// The magnitude. Its derivative at 0 is 0.
    abs;
}

macro_rules! comparisons {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {
        /// Functions of two tensors that broadcast.
        impl Var {
            $(
                $(#[doc = $doc])*
                pub fn $name(&self, other: &Var) -> Var {
                    self.zip(other, ops::$name)
                }
            )*
        }
    };
}

comparisons! {
    /// The larger of two; equal ones share the gradient.
    maximum;
    /// The smaller of two; equal ones share the gradient.
    minimum;
    /// 1 where this is greater than `other`, else 0.
    greater;
    /// 1 where this is at least `other`, else 0.
    greater_equal;
    /// 1 where both are equal, else 0.
    equal;
}

impl Var {
    /// `x` where it is positive, else `slope * x`.
    pub fn leaky_relu(&self, slope: f32) -> Var {
        self.map(|graph, x| ops::leaky_relu(graph, x, slope))
    }

    /// `x` where it is positive, else `alpha * (e^x - 1)`.
    pub fn elu(&self, alpha: f32) -> Var {
        self.map(|graph, x| ops::elu(graph, x, alpha))
    }

    /// `x` to the power of `exponent`.
    pub fn powf(&self, exponent: f32) -> Var {
        self.map(|graph, x| ops::power(graph, x, exponent))
    }

    /// `x`, but not below `minimum` nor above `maximum`.
    pub fn clamp(&self, minimum: f32, maximum: f32) -> Var {
        self.map(|graph, x| ops::clamp(graph, x, minimum, maximum))
    }

    /// `chosen` where this is not 0, else `other`, as PyTorch's `where`.
    pub fn select(&self, chosen: &Var, other: &Var) -> Var {
        self.with([self, chosen, other], |graph, [condition, chosen, other]| ops::select(graph, condition, chosen, other))
    }
}
