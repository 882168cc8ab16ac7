//! Sum of two f32 tensors, element by element: `left + right`, with NumPy's broadcasting.

use std::sync::Arc;

use wgrad_core::{Graph, GraphError, Op, Value};

use crate::binary::{Binary, BinaryFunction, BinaryValues};

/// See [`add`].
#[derive(Clone, Copy, Debug)]
pub struct Add;

/// The sum of two f32 tensors whose shapes broadcast.
///
/// # Errors
/// Where an input is not f32, or the shapes do not go together.
pub fn add(graph: &mut Graph, left: Value, right: Value) -> Result<Value, GraphError> {
    graph.apply_one(Binary(Add), &[left, right])
}

impl BinaryFunction for Add {
    const NAME: &'static str = "add";
    const SOURCE: &'static str = include_str!("add.wgsl");

    fn value(&self, left: f64, right: f64) -> f64 {
        left + right
    }

    fn gradient(&self, _: &mut Graph, upstream: Value, _: BinaryValues) -> Result<[Option<Value>; 2], GraphError> {
        Ok([Some(upstream); 2])
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Binary(Add))]
}
