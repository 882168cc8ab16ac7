//! `+`, `-`, `*` and `/` of variables and numbers, which broadcast as PyTorch's do.

use std::ops::{Add, Div, Mul, Neg, Sub};

use wgrad_core::{Graph, GraphError, Value};
use wgrad_shaders as ops;

use crate::var::Var;

type Binary = fn(&mut Graph, Value, Value) -> Result<Value, GraphError>;

impl Var {
    fn with_number(&self, number: f32, operation: Binary) -> Var {
        self.zip(&self.trace.scalar(number), operation)
    }

    fn after_number(&self, number: f32, operation: Binary) -> Var {
        self.trace.scalar(number).zip(self, operation)
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $operation:path) => {
        impl $trait<&Var> for &Var {
            type Output = Var;
            fn $method(self, other: &Var) -> Var {
                self.zip(other, $operation)
            }
        }
        impl $trait<Var> for &Var {
            type Output = Var;
            fn $method(self, other: Var) -> Var {
                self.zip(&other, $operation)
            }
        }
        impl $trait<&Var> for Var {
            type Output = Var;
            fn $method(self, other: &Var) -> Var {
                self.zip(other, $operation)
            }
        }
        impl $trait<Var> for Var {
            type Output = Var;
            fn $method(self, other: Var) -> Var {
                self.zip(&other, $operation)
            }
        }
        impl $trait<f32> for &Var {
            type Output = Var;
            fn $method(self, other: f32) -> Var {
                self.with_number(other, $operation)
            }
        }
        impl $trait<f32> for Var {
            type Output = Var;
            fn $method(self, other: f32) -> Var {
                self.with_number(other, $operation)
            }
        }
        impl $trait<&Var> for f32 {
            type Output = Var;
            fn $method(self, other: &Var) -> Var {
                other.after_number(self, $operation)
            }
        }
        impl $trait<Var> for f32 {
            type Output = Var;
            fn $method(self, other: Var) -> Var {
                other.after_number(self, $operation)
            }
        }
    };
}

operator!(Add, add, ops::add);
operator!(Sub, sub, ops::sub);
operator!(Mul, mul, ops::mul);
operator!(Div, div, ops::div);

impl Neg for &Var {
    type Output = Var;
    fn neg(self) -> Var {
        self.map(ops::neg)
    }
}

impl Neg for Var {
    type Output = Var;
    fn neg(self) -> Var {
        self.map(ops::neg)
    }
}
