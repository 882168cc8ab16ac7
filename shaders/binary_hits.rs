//! Hits of binary classification: 1 where a probability and a target lie on the same side of one half, else 0, element
//! by element, for f32 tensors of one shape. One half itself counts as above. There is no gradient.

use std::sync::Arc;

use wgrad_core::{Array, Case, Function, Graph, GraphError, Lowering, Op, ShapeError, TensorType, Value};

use crate::cases::{case, floats};
use crate::elementwise::{flops_of_each, shared_type, zip_reference};

/// See [`binary_hits`].
#[derive(Clone, Copy, Debug)]
pub struct BinaryHits;

/// 1 where `(probability >= 0.5) == (target >= 0.5)`, else 0, for f32 tensors of one shape. Their mean is the accuracy.
///
/// # Errors
/// Where the inputs are not f32 or not of one shape.
pub fn binary_hits(graph: &mut Graph, probability: Value, target: Value) -> Result<Value, GraphError> {
    graph.apply_one(BinaryHits, &[probability, target])
}

impl Op for BinaryHits {
    fn name(&self) -> &'static str {
        "binary_hits"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        Ok(vec![shared_type(inputs, &["probability", "target"], &[])?])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(include_str!("binary_hits.wgsl"), "binary_hits"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 2)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        zip_reference(inputs, outputs, |p, t| if (p >= 0.5) == (t >= 0.5) { 1.0 } else { 0.0 });
    }

    fn cases(&self) -> Vec<Case> {
        let sizes = [vec![1], vec![255], vec![257], vec![7, 13], vec![0]];
        let mut cases: Vec<Case> =
            sizes.map(|shape| case(format!("shape {shape:?}"), [floats(1, shape.clone()), floats(2, shape)])).into();
        cases.push(case("halves", halves()));
        cases.into_iter().map(|case| Case { differentiable: false, ..case }).collect()
    }
}

/// One half against its neighbours.
fn halves() -> [Array; 2] {
    let below = f64::from(0.5_f32.next_down());
    [Array::from_fn([4], |index| [0.5, below, 0.5, below][index]), Array::from_fn([4], |index| [1.0, 1.0, 0.0, 0.0][index])]
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(BinaryHits)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn one_half_counts_as_above() {
        assert_eq!(reference(&BinaryHits, &halves())[0].data, [1.0, 0.0, 0.0, 1.0]);
    }
}
