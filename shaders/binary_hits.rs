//! Hits of binary classification: 1 where an output and a target lie on the same side of their thresholds, else 0, element
//! by element, for f32 tensors of one shape. A threshold itself counts as above. There is no gradient.
//!
//! A probability and a target have one half as their threshold, a logit 0.

use std::sync::Arc;

use wgrad_core::{Array, Case, Function, Graph, GraphError, Literal, Lowering, Op, ShapeError, TensorType, Value};

use crate::cases::{case, floats};
use crate::elementwise::{check_attribute, flops_of_each, shared_type, zip_reference};

/// See [`binary_hits`].
#[derive(Clone, Copy, Debug)]
pub struct BinaryHits {
    /// From where on an output means yes: finite.
    pub threshold: f32,
}

/// 1 where `(probability >= 0.5) == (target >= 0.5)`, else 0, for f32 tensors of one shape. Their mean is the accuracy.
///
/// # Errors
/// Where the inputs are not f32 or not of one shape.
pub fn binary_hits(graph: &mut Graph, probability: Value, target: Value) -> Result<Value, GraphError> {
    graph.apply_one(BinaryHits { threshold: 0.5 }, &[probability, target])
}

/// 1 where `(logit >= 0) == (target >= 0.5)`, else 0, for f32 tensors of one shape. Their mean is the accuracy.
///
/// # Errors
/// Where the inputs are not f32 or not of one shape.
pub fn binary_hits_with_logits(graph: &mut Graph, logit: Value, target: Value) -> Result<Value, GraphError> {
    graph.apply_one(BinaryHits { threshold: 0.0 }, &[logit, target])
}

impl Op for BinaryHits {
    fn name(&self) -> &'static str {
        "binary_hits"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        check_attribute(self.threshold.is_finite(), "a finite threshold", self.threshold)?;
        Ok(vec![shared_type(inputs, &["output", "target"], &[])?])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        let function = Function::new(include_str!("binary_hits.wgsl"), "binary_hits");
        Lowering::Pointwise(function.with_constants([Literal::F32(self.threshold)]))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 2)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let threshold = self.threshold.into();
        zip_reference(inputs, outputs, |y, t| if (y >= threshold) == (t >= 0.5) { 1.0 } else { 0.0 });
    }

    fn cases(&self) -> Vec<Case> {
        let sizes = [vec![1], vec![255], vec![257], vec![7, 13], vec![0]];
        let mut cases: Vec<Case> =
            sizes.map(|shape| case(format!("shape {shape:?}"), [floats(1, shape.clone()), floats(2, shape)])).into();
        cases.push(case("thresholds", at_threshold(self.threshold)));
        cases.into_iter().map(|case| Case { differentiable: false, ..case }).collect()
    }
}

/// A threshold and the next number below it, with targets above and below theirs.
fn at_threshold(threshold: f32) -> [Array; 2] {
    let [at, below] = [threshold, threshold.next_down()].map(f64::from);
    [Array::from_fn([4], |index| [at, below, at, below][index]), Array::from_fn([4], |index| [1.0, 1.0, 0.0, 0.0][index])]
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(BinaryHits { threshold: 0.5 }), Arc::new(BinaryHits { threshold: 0.25 })]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn a_threshold_counts_as_above() {
        for threshold in [0.5, 0.0] {
            assert_eq!(reference(&BinaryHits { threshold }, &at_threshold(threshold))[0].data, [1.0, 0.0, 0.0, 1.0]);
        }
    }
}
