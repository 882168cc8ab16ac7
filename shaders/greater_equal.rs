//! 1 where an element of the left f32 tensor is at least that of the right, else 0, with NumPy's broadcasting. There is no
//! gradient.

use std::sync::Arc;

use wgrad_core::{Case, Graph, GraphError, Op, Value};

use crate::binary::{Binary, BinaryFunction, ties};

/// See [`greater_equal`].
#[derive(Clone, Copy, Debug)]
pub struct GreaterEqual;

/// 1 where `left >= right`, else 0, for two f32 tensors whose shapes broadcast.
///
/// # Errors
/// Where an input is not f32, or the shapes do not go together.
pub fn greater_equal(graph: &mut Graph, left: Value, right: Value) -> Result<Value, GraphError> {
    graph.apply_one(Binary(GreaterEqual), &[left, right])
}

impl BinaryFunction for GreaterEqual {
    const NAME: &'static str = "greater_equal";
    const SOURCE: &'static str = include_str!("greater_equal.wgsl");

    fn value(&self, left: f64, right: f64) -> f64 {
        if left >= right { 1.0 } else { 0.0 }
    }

    fn extremes(&self) -> Vec<Case> {
        vec![ties()]
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Binary(GreaterEqual))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares() {
        let pairs = [(1.0, 2.0), (2.0, 2.0), (0.0, -0.0), (3.0, 2.0), (f64::NAN, f64::NAN)];
        let wanted = [0.0, 1.0, 1.0, 1.0, 0.0];
        assert_eq!(pairs.map(|(left, right)| GreaterEqual.value(left, right)), wanted);
    }
}
