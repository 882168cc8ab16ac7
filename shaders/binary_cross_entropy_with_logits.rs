//! Cross-entropy of probabilities, given as logits `x`, with targets `t`, element by element, for f32 tensors of one shape:
//! `-(t log sigmoid(x) + (1 - t) log(1 - sigmoid(x)))`, computed as `max(x, 0) - t x + log(1 + e^-|x|)`.
//!
//! As PyTorch's `BCEWithLogitsLoss` with `reduction='none'`. Where the probability comes near 0 or 1 it is more accurate
//! than [`binary_cross_entropy`](crate::binary_cross_entropy()) of a [`sigmoid`](crate::sigmoid()), and does not end at 100.
//! Targets have no gradient.

use std::sync::Arc;

use wgrad_core::{Array, Case, Function, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Value};

use crate::cases::{case, noise};
use crate::elementwise::{flops_of_each, shared_type, zip_host, zip_reference};
use crate::{mul, sigmoid, sub};

/// See [`binary_cross_entropy_with_logits`].
#[derive(Clone, Copy, Debug)]
pub struct BinaryCrossEntropyWithLogits;

/// The cross-entropy of the sigmoid of each logit with its target, which is from 0 to 1, in f32 and of one shape.
///
/// # Errors
/// Where the inputs are not f32 or not of one shape.
pub fn binary_cross_entropy_with_logits(graph: &mut Graph, logit: Value, target: Value) -> Result<Value, GraphError> {
    graph.apply_one(BinaryCrossEntropyWithLogits, &[logit, target])
}

impl Op for BinaryCrossEntropyWithLogits {
    fn name(&self) -> &'static str {
        "binary_cross_entropy_with_logits"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        Ok(vec![shared_type(inputs, &["logit", "target"], &[])?])
    }

    /// `upstream * (sigmoid(logit) - target)`
    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[Some(upstream)], &[logit, target]) = (upstream, at.inputs.as_slice()) else { return Ok(vec![None; 2]) };
        let probability = sigmoid(graph, logit)?;
        let difference = sub(graph, probability, target)?;
        Ok(vec![Some(mul(graph, upstream, difference)?), None])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        let source = include_str!("binary_cross_entropy_with_logits.wgsl");
        Lowering::Pointwise(Function::new(source, "binary_cross_entropy_with_logits"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 22)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        zip_reference(inputs, outputs, loss);
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        zip_host(inputs, outputs, |x, t| loss(x.into(), t.into()) as f32)
    }

    fn cases(&self) -> Vec<Case> {
        let sizes = [vec![1], vec![255], vec![257], vec![7, 13], vec![0]];
        let logits = |shape: Vec<usize>| Array::from_fn(shape, |index| 6.0 * noise(1, index));
        let targets = |shape: Vec<usize>| Array::from_fn(shape, |index| 0.5 + 0.5 * noise(2, index));
        let sized = sizes.map(|shape| case(format!("shape {shape:?}"), [logits(shape.clone()), targets(shape)]));
        let extremes = Case { differentiable: false, ..case("extremes", extremes()) };
        sized.into_iter().chain([extremes]).collect()
    }
}

fn loss(x: f64, t: f64) -> f64 {
    let positive = if x < 0.0 { 0.0 } else { x };
    positive - t * x + (-x.abs()).exp().ln_1p()
}

/// Logits from huge to tiny, each with a target of 0, 1/4 and 1.
fn extremes() -> [Array; 2] {
    let logits = [0.0, 1e-4, -1e-4, 20.0, -20.0, 88.0, -88.0, 100.0, -100.0, 1e30, -1e30];
    let logit = Array::from_fn([3 * logits.len()], |index| logits[index / 3]);
    [logit, Array::from_fn([3 * logits.len()], |index| [0.0, 0.25, 1.0][index % 3])]
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(BinaryCrossEntropyWithLogits)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_known_values() {
        let softplus_of_one = 1.313_261_687_518_222_8;
        for (x, t, wanted) in [
            (0.0, 0.3, std::f64::consts::LN_2),
            (1.0, 0.0, softplus_of_one),
            (-1.0, 1.0, softplus_of_one),
            (1e30, 1.0, 0.0),
            (-1000.0, 0.25, 250.0),
        ] {
            assert!((loss(x, t) - wanted).abs() < 1e-15 * wanted.max(1.0), "{x}, {t}: {}", loss(x, t));
        }
    }

    #[test]
    fn only_the_logit_has_a_gradient() {
        let mut graph = Graph::new();
        let [x, t, upstream] = [0, 1, 2].map(|_| graph.input("x", TensorType::f32([5])));
        let cost = binary_cross_entropy_with_logits(&mut graph, x, t).unwrap();
        let node = graph.node(cost.node).clone();
        let gradients = BinaryCrossEntropyWithLogits.gradient(&mut graph, &node, &[Some(upstream)]).unwrap();
        let product = graph.node(gradients[0].unwrap().node);
        assert_eq!((product.name(), product.inputs[0], gradients[1]), ("mul", upstream, None));
    }
}
