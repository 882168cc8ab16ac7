//! Softmax cross-entropy with its gradient and hits in one pass:
//!
//! ```text
//! loss[row]              = log(sum over j of exp(x[row, j])) - x[row, t[row]]
//! logits_gradient[row, j] = softmax(x[row])[j] - (1 if j == t[row] else 0)
//! hit[row]               = 1 if t[row] is the first j of the largest x[row, j], else 0
//! ```
//!
//! for logits `x` and labels `t`. The losses are those of [`torch.nn.CrossEntropyLoss`] with `reduction='none'`. The
//! exponents are taken relative to the row's largest logit, so that nothing overflows.
//!
//! [`torch.nn.CrossEntropyLoss`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Kernel, Lanes, LoadHook, Lowering, Node, Op, ShapeError, StoreHook,
    TensorType, Tolerance, Value,
};

use crate::cases::{case, floats, grid, integers, tolerance_of_sum};
use crate::{mul, reshape};

/// The operation of [`cross_entropy()`].
#[derive(Clone, Debug)]
pub struct CrossEntropy;

/// What [`cross_entropy()`] makes of logits and labels.
#[derive(Clone, Copy, Debug)]
pub struct CrossEntropyOutputs {
    /// Each example's loss, f32 `[b]`: the only one that can be differentiated.
    pub losses: Value,
    /// The gradient of each example's loss with respect to its logits, f32 `[b, c]`.
    pub logits_gradient: Value,
    /// 1 for each example whose label has the largest logit, else 0, f32 `[b]`.
    pub hits: Value,
}

/// Rows that a workgroup handles.
const ROWS: usize = 64;

/// Compares `logits`, f32 `[b, c]`, with `labels`, u32 or u8 `[b]`, each below `c`.
///
/// A label that is `c` or more gives a loss that means nothing, and no hit.
///
/// # Errors
/// Where the logits are no f32 matrix with columns, or the labels are no vector of integers, one for each row.
pub fn cross_entropy(graph: &mut Graph, logits: Value, labels: Value) -> Result<CrossEntropyOutputs, GraphError> {
    let losses = graph.apply_one(CrossEntropy, &[logits, labels])?;
    let output = |output| Value { output, ..losses };
    Ok(CrossEntropyOutputs { losses, logits_gradient: output(1), hits: output(2) })
}

impl Op for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [logits, labels] = inputs
            && let (DType::F32, [rows, classes]) = (logits.dtype, logits.shape.dims())
            && let (DType::U32 | DType::U8, [count]) = (labels.dtype, labels.shape.dims())
            && rows == count
            && *classes > 0
        {
            let vector = TensorType::f32([*rows]);
            return Ok(vec![vector.clone(), logits.clone(), vector]);
        }
        Err(ShapeError::new("logits f32[b, c] of 1 class or more and labels u32[b] or u8[b]", inputs))
    }

    /// Only the losses can be differentiated: no gradient flows back from the other two outputs.
    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let [Some(upstream), ..] = *upstream else { return Ok(vec![None; 2]) };
        let rows = graph.kind(upstream).shape.elements();
        let upstream = reshape(graph, upstream, [rows, 1])?;
        Ok(vec![Some(mul(graph, at.output(1), upstream)?), None])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let shape = &inputs[0].shape;
        let load = |variable, function| LoadHook { variable, function: Some(function), row: None };
        let store = |variable, function| StoreHook { variable, function: Some(function) };
        Lowering::Kernels(vec![Kernel {
            candidate: "cross_entropy",
            source: include_str!("cross_entropy.wgsl"),
            entry: "cross_entropy",
            class: None,
            cooperative: None,
            dims: vec![shape.rows() as u32, shape.columns() as u32],
            constants: Vec::new(),
            workgroups: grid(shape.rows().div_ceil(ROWS)),
            rounds: (3 * shape.columns().div_ceil(4)) as u64,
            loads: vec![
                load("cross_entropy_logits", ("cross_entropy_load_logits", Lanes::Four)),
                load("cross_entropy_labels", ("cross_entropy_load_label", Lanes::One)),
            ],
            stores: vec![
                store("cross_entropy_losses", ("cross_entropy_store_loss", Lanes::One)),
                store("cross_entropy_logits_gradient", ("cross_entropy_store_logits_gradient", Lanes::Four)),
                store("cross_entropy_hits", ("cross_entropy_store_hit", Lanes::One)),
            ],
            sums: Vec::new(),
        }])
    }

    /// Two exponentials, three subtractions, a comparison, an addition and a division for each logit; a logarithm, a
    /// subtraction and a comparison for each row.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        let shape = &inputs[0].shape;
        (8 * shape.elements() + 3 * shape.rows()) as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let columns = inputs[0].kind.shape.columns();
        let [losses, gradients, hits] = outputs else { return };
        for (row, logits) in inputs[0].data.chunks_exact(columns).enumerate() {
            let label = inputs[1].data[row] as usize;
            let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
            let label_logit = logits.get(label).map_or(0.0, |logit| logit - largest);
            losses.data[row] = sum.ln() - label_logit;
            let first = logits.iter().position(|&logit| logit == largest);
            hits.data[row] = if first == Some(label) { 1.0 } else { 0.0 };
            for (column, logit) in logits.iter().enumerate() {
                let one_hot = if column == label { 1.0 } else { 0.0 };
                gradients.data[row * columns + column] = (logit - largest).exp() / sum - one_hot;
            }
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, logits), labels], [HostTensor::F32(_, losses), HostTensor::F32(_, gradients), hits]) =
            (inputs, outputs)
        else {
            return false;
        };
        let (HostTensor::F32(_, hits), columns) = (hits, shape.columns()) else { return false };
        let rows = logits.chunks_exact(columns).zip(gradients.chunks_exact_mut(columns));
        for (row, ((logits, gradient), (loss, hit))) in rows.zip(losses.iter_mut().zip(hits)).enumerate() {
            let Some(label) = host_label(labels, row) else { return false };
            (*loss, *hit) = host_row(logits, label, gradient);
        }
        true
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(inputs[0].shape.columns())
    }

    fn cases(&self) -> Vec<Case> {
        let labels = |dtype, rows: usize, columns: u32| integers(dtype, [rows], move |index| (index as u32 * 7 + 1) % columns);
        let random =
            |seed, rows: usize, columns: usize, dtype| [floats(seed, [rows, columns]), labels(dtype, rows, columns as u32)];
        let special = |label, columns: usize, logit: fn(usize) -> f64| Case {
            differentiable: false,
            ..case(label, [Array::from_fn([5, columns], logit), labels(DType::U32, 5, columns as u32)])
        };
        vec![
            case("digits", random(1, 64, 10, DType::U8)),
            case("whole blocks of four", random(2, 7, 8, DType::U32)),
            case("one class", random(3, 3, 1, DType::U32)),
            case("one row of many classes", random(4, 1, 257, DType::U32)),
            case("more rows than a workgroup", random(5, 65, 3, DType::U8)),
            case("no rows", random(6, 0, 10, DType::U32)),
            special("equal logits", 6, |_| 0.5),
            special("two largest logits", 9, |index| if index % 4 == 1 { 2.0 } else { -1.0 }),
            special("logits of 100", 7, |index| if index % 3 == 0 { 100.0 } else { -100.0 }),
            special("logits of 1e30", 5, |index| if index % 2 == 0 { 1e30 } else { -1e30 }),
        ]
    }
}

fn host_label(labels: &HostTensor, row: usize) -> Option<usize> {
    match labels {
        HostTensor::U32(_, labels) => labels.get(row).map(|&label| label as usize),
        HostTensor::U8(_, labels) => labels.get(row).map(|&label| label.into()),
        HostTensor::F32(..) | HostTensor::F16(..) => None,
    }
}

/// The loss and hit of one row, whose gradient is written.
fn host_row(logits: &[f32], label: usize, gradient: &mut [f32]) -> (f32, f32) {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let is_hit = logits.iter().position(|&logit| logit == largest) == Some(label);
    gradient.iter_mut().zip(logits).for_each(|(exponential, logit)| *exponential = (logit - largest).exp());
    let sum: f32 = gradient.iter().sum();
    gradient.iter_mut().for_each(|element| *element /= sum);
    let mut loss = sum.ln();
    if let (Some(logit), Some(element)) = (logits.get(label), gradient.get_mut(label)) {
        loss -= logit - largest;
        *element -= 1.0;
    }
    (loss, if is_hit { 1.0 } else { 0.0 })
}

/// It has no attributes.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(CrossEntropy)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn agrees_with_known_values() {
        let data = vec![1.0, 2.0, 3.0, 4.0, 4.0, 0.0, 4.0, 4.0, 0.0];
        let logits = Array { kind: TensorType::f32([3, 3]), data };
        let labels = integers(DType::U8, [3], |index| [2, 1, 2][index]);
        let outputs = reference(&CrossEntropy, &[logits, labels]);
        let close = |got: &[f64], wanted: &[f64]| {
            assert_eq!(got.len(), wanted.len());
            got.iter().zip(wanted).for_each(|(got, wanted)| assert!((got - wanted).abs() < 1e-7, "{got}"));
        };
        close(&outputs[0].data, &[0.407_605_96, 0.702_263_32, 4.702_263_32]);
        let of_hit = [0.090_030_57, 0.244_728_47, -0.334_759_04];
        let of_second_largest = [0.495_462_64, -0.504_537_36, 0.009_074_71];
        let of_miss = [0.495_462_64, 0.495_462_64, -0.990_925_29];
        close(&outputs[1].data, &[of_hit, of_second_largest, of_miss].concat());
        assert_eq!(outputs[2].data, [1.0, 0.0, 0.0]);
    }

    #[test]
    fn refuses_labels_that_do_not_fit() {
        let logits = TensorType::f32([4, 10]);
        let error = CrossEntropy.infer(&[logits.clone(), TensorType::u32([5])]).unwrap_err();
        assert!(error.to_string().ends_with("got f32[4, 10], u32[5]"), "{error}");
        assert!(CrossEntropy.infer(&[logits, TensorType::f32([4])]).is_err());
        assert!(CrossEntropy.infer(&[TensorType::f32([4, 0]), TensorType::u32([4])]).is_err());
    }

    #[test]
    fn gradient_scales_each_row_by_its_upstream() {
        let mut graph = Graph::new();
        let logits = graph.input("logits", TensorType::f32([4, 10]));
        let labels = graph.input("labels", TensorType::u32([4]));
        let outputs = cross_entropy(&mut graph, logits, labels).unwrap();
        let upstream = graph.input("upstream", TensorType::f32([4]));
        let node = graph.node(outputs.losses.node).clone();
        let gradients = CrossEntropy.gradient(&mut graph, &node, &[Some(upstream), None, None]).unwrap();
        let product = graph.node(gradients[0].unwrap().node);
        assert_eq!((product.name(), product.inputs[0]), ("mul", outputs.logits_gradient));
        assert_eq!(graph.kind(product.inputs[1]), &TensorType::f32([4, 1]));
        assert_eq!(gradients[1], None);
    }
}
