//! Cross-entropy of probabilities `p` with targets `t`, element by element, for f32 tensors of one shape:
//! `-(t * max(log p, -100) + (1 - t) * max(log(1 - p), -100))`.
//!
//! As PyTorch's `BCELoss` with `reduction='none'`: logarithms end at -100, and the gradient with respect to `p` is
//! `upstream * (p - t) / max(p * (1 - p), 1e-12)`. Targets have no gradient.

use std::sync::Arc;

use wgrad_core::{Array, Case, Function, Graph, GraphError, Lowering, Node, Op, ShapeError, TensorType, Value};

use crate::cases::{case, noise};
use crate::elementwise::{flops_of_each, shared_type, zip_reference};

/// See [`binary_cross_entropy`].
#[derive(Clone, Copy, Debug)]
pub struct BinaryCrossEntropy;

/// The gradient of [`binary_cross_entropy`] with respect to the probabilities.
#[derive(Clone, Copy, Debug)]
pub struct BinaryCrossEntropyGradient;

/// The cross-entropy of each probability with its target, both from 0 to 1, in f32 and of one shape.
///
/// # Errors
/// Where the inputs are not f32 or not of one shape.
pub fn binary_cross_entropy(graph: &mut Graph, probability: Value, target: Value) -> Result<Value, GraphError> {
    graph.apply_one(BinaryCrossEntropy, &[probability, target])
}

impl Op for BinaryCrossEntropy {
    fn name(&self) -> &'static str {
        "binary_cross_entropy"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        Ok(vec![shared_type(inputs, &["probability", "target"], &[])?])
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[Some(upstream)], &[probability, target]) = (upstream, at.inputs.as_slice()) else { return Ok(vec![None; 2]) };
        let gradient = graph.apply_one(BinaryCrossEntropyGradient, &[upstream, probability, target])?;
        Ok(vec![Some(gradient), None])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(include_str!("binary_cross_entropy.wgsl"), "binary_cross_entropy"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 8)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let log = |p: f64| p.ln().max(-100.0);
        zip_reference(inputs, outputs, |p, t| -(t * log(p) + (1.0 - t) * log(1.0 - p)));
    }

    fn cases(&self) -> Vec<Case> {
        let sizes = [vec![1], vec![255], vec![257], vec![7, 13], vec![0]];
        let mut cases: Vec<Case> = sizes
            .map(|shape| case(format!("shape {shape:?}"), [probabilities(1, shape.clone()), probabilities(2, shape)]))
            .into();
        cases.push(Case { differentiable: false, ..case("certain", certain()) });
        cases
    }
}

impl Op for BinaryCrossEntropyGradient {
    fn name(&self) -> &'static str {
        "binary_cross_entropy_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        Ok(vec![shared_type(inputs, &["upstream", "probability", "target"], &[])?])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(include_str!("binary_cross_entropy.wgsl"), "binary_cross_entropy_gradient"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 6)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let ([upstream, probability, target], [output]) = (inputs, outputs) else { return };
        let elements = upstream.data.iter().zip(&probability.data).zip(&target.data);
        for (output, ((upstream, p), t)) in output.data.iter_mut().zip(elements) {
            *output = upstream * (p - t) / (p * (1.0 - p)).max(1e-12);
        }
    }

    fn cases(&self) -> Vec<Case> {
        let with_upstream = |case: Case| {
            let upstream = Array::from_fn(case.inputs[0].kind.shape.clone(), |index| noise(3, index));
            Case { inputs: [vec![upstream], case.inputs].concat(), differentiable: false, ..case }
        };
        BinaryCrossEntropy.cases().into_iter().map(with_upstream).collect()
    }
}

/// Numbers between 0.1 and 0.9.
fn probabilities(seed: u32, shape: Vec<usize>) -> Array {
    Array::from_fn(shape, |index| 0.5 + 0.4 * noise(seed, index))
}

/// Probabilities of 0 and 1, which are right, wrong or neither.
fn certain() -> [Array; 2] {
    let probability = Array::from_fn([6], |index| (index / 3) as f64);
    [probability, Array::from_fn([6], |index| [0.0, 1.0, 0.25][index % 3])]
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(BinaryCrossEntropy), Arc::new(BinaryCrossEntropyGradient)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn certainty_costs_at_most_a_hundred() {
        assert_eq!(reference(&BinaryCrossEntropy, &certain())[0].data, [0.0, 100.0, 25.0, 100.0, 0.0, 75.0]);
    }

    #[test]
    fn a_coin_costs_the_logarithm_of_two() {
        let half = Array::from_fn([1], |_| 0.5);
        let cost = reference(&BinaryCrossEntropy, &[half.clone(), half])[0].data[0];
        assert!((cost - std::f64::consts::LN_2).abs() < 1e-15);
    }

    #[test]
    fn the_gradient_divides_by_at_least_1e_12() {
        let numbers = |values: [f64; 3]| Array::from_fn([3], |index| values[index]);
        let inputs = [numbers([2.0, 1.0, 1.0]), numbers([0.25, 0.0, 1.0]), numbers([1.0, 1.0, 1.0])];
        assert_eq!(reference(&BinaryCrossEntropyGradient, &inputs)[0].data, [-8.0, -1e12, 0.0]);
    }

    #[test]
    fn only_the_probability_has_a_gradient() {
        let mut graph = Graph::new();
        let [p, t, upstream] = [0, 1, 2].map(|_| graph.input("x", TensorType::f32([5])));
        let cost = binary_cross_entropy(&mut graph, p, t).unwrap();
        let node = graph.node(cost.node).clone();
        let gradients = BinaryCrossEntropy.gradient(&mut graph, &node, &[Some(upstream)]).unwrap();
        assert_eq!(graph.node(gradients[0].unwrap().node).inputs, [upstream, p, t]);
        assert_eq!(gradients[1], None);
    }
}
