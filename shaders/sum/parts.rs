//! Long sums in two stages: the sums of parts, and their sum.
//!
//! A sum with few results is the work of few invocations, however many terms it has. Where there are many, the first
//! stage makes the sums of many parts at once.

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lowering, Node, Op, Shape, ShapeError, TensorType, Tolerance, Value,
};

use super::kernels::kernels;
use super::{Sum, accumulate_rows, sum_of};
use crate::broadcast;
use crate::cases::{case, floats, tolerance_of_sum};

/// The sums of the parts of a vector, `[n]`, or of the rows of a matrix, `[n, c]`: `[parts]` or `[parts, c]`.
///
/// It has no gradient: [`WholeSum`] has that of both stages.
#[derive(Clone, Debug)]
pub(crate) struct PartialSums {
    /// The terms of each part, a multiple of 4; the last may have fewer.
    pub chunk: usize,
}

/// The sum of a vector or of a matrix's rows, given the sums of its parts: the first input. The second, which was
/// divided into parts, is read by no kernel, but gets the gradient.
#[derive(Clone, Debug)]
pub(crate) struct WholeSum;

/// Sums over the first axis of a vector or matrix in two stages.
pub(super) fn sum_in_parts(graph: &mut Graph, input: Value, chunk: usize) -> Result<Value, GraphError> {
    let parts = graph.apply_one(PartialSums { chunk }, &[input])?;
    graph.apply_one(WholeSum, &[parts, input])
}

/// Whether this is something that may be divided into parts.
fn is_divisible(kind: &TensorType) -> bool {
    kind.dtype == DType::F32 && matches!(kind.shape.rank(), 1 | 2)
}

impl PartialSums {
    fn output_shape(&self, shape: &Shape) -> Shape {
        let parts = shape.dims()[0].div_ceil(self.chunk);
        [&[parts], &shape.dims()[1..]].concat().into()
    }
}

impl Op for PartialSums {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        match inputs {
            [input] if is_divisible(input) => Ok(vec![TensorType::f32(self.output_shape(&input.shape))]),
            _ => Err(ShapeError::new("a vector or matrix of f32", inputs)),
        }
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        Lowering::Kernels(kernels(&inputs[0].shape, 0, self.chunk))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let columns = inputs[0].data.len() / inputs[0].kind.shape.dims()[0].max(1);
        for (index, element) in inputs[0].data.iter().enumerate() {
            outputs[0].data[index / columns / self.chunk * columns + index % columns] += element;
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, input)], [HostTensor::F32(_, output)]) = (inputs, outputs) else { return false };
        let columns = input.len() / shape.dims()[0].max(1);
        let parts = input.chunks((self.chunk * columns).max(1));
        for (sums, part) in output.chunks_mut(columns.max(1)).zip(parts) {
            match sums {
                [sum] => *sum = sum_of(part),
                sums => accumulate_rows(part, sums),
            }
        }
        true
    }

    fn tolerance(&self, _inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(self.chunk)
    }

    fn cases(&self) -> Vec<Case> {
        let lengths = [1, self.chunk, 3 * self.chunk + 1, 8 * self.chunk - 3];
        let vectors = (1..).zip(lengths).map(|(seed, length)| case(format!("{length} terms"), [floats(seed, [length])]));
        let shapes = [[3 * self.chunk + 2, 13], [2 * self.chunk, 8], [5, 257], [0, 3], [9, 0]];
        let matrices = (5..).zip(shapes).map(|(seed, shape)| case(Shape::from(shape).to_string(), [floats(seed, shape)]));
        vectors.chain(matrices).map(|case| Case { differentiable: false, ..case }).collect()
    }
}

impl Op for WholeSum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        match inputs {
            [parts, whole]
                if is_divisible(parts) && is_divisible(whole) && parts.shape.dims()[1..] == whole.shape.dims()[1..] =>
            {
                Ok(vec![TensorType::f32(whole.shape.dims()[1..].to_vec())])
            }
            _ => Err(ShapeError::new("the sums of parts, and the vector or matrix of f32 that they are of", inputs)),
        }
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let [Some(upstream)] = *upstream else { return Ok(vec![None; 2]) };
        let shape = graph.kind(at.inputs[1]).shape.clone();
        Ok(vec![None, Some(broadcast(graph, upstream, shape)?)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        Sum { axis: 0 }.lowering(&inputs[..1])
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        Sum { axis: 0 }.reference(&inputs[1..], outputs);
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        Sum { axis: 0 }.host(&inputs[..1], outputs)
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(inputs[1].shape.dims()[0])
    }

    fn cases(&self) -> Vec<Case> {
        let of = |label, whole: Array| {
            let op = PartialSums { chunk: 8 };
            let mut parts = [Array::zeros(TensorType::f32(op.output_shape(&whole.kind.shape)))];
            op.reference(std::slice::from_ref(&whole), &mut parts);
            let [mut parts] = parts;
            parts.data.iter_mut().for_each(|sum| *sum = f64::from(*sum as f32));
            case(label, [parts, whole])
        };
        vec![
            of("a vector", floats(1, [100])),
            of("a matrix", floats(2, [77, 13])),
            of("a matrix of whole blocks", floats(3, [64, 8])),
            of("one part", floats(4, [5, 3])),
            of("no rows", floats(5, [0, 3])),
        ]
    }
}

/// Parts of two lengths.
pub(super) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(PartialSums { chunk: 8 }), Arc::new(PartialSums { chunk: 256 }), Arc::new(WholeSum)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn the_last_part_is_what_is_left() {
        let input = Array::from_fn([10, 2], |index| index as f64);
        let parts = &reference(&PartialSums { chunk: 4 }, &[input])[0];
        assert_eq!(parts.kind, TensorType::f32([3, 2]));
        assert_eq!(parts.data, [12.0, 16.0, 44.0, 48.0, 34.0, 36.0]);
    }

    #[test]
    fn the_gradient_goes_to_the_whole() {
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32([50, 3]));
        let sum = sum_in_parts(&mut graph, input, 8).unwrap();
        let upstream = graph.input("upstream", TensorType::f32([3]));
        let node = graph.node(sum.node).clone();
        let gradients = WholeSum.gradient(&mut graph, &node, &[Some(upstream)]).unwrap();
        assert_eq!(gradients[0], None);
        assert_eq!(graph.kind(gradients[1].unwrap()), &TensorType::f32([50, 3]));
    }

    #[test]
    fn refuses_parts_of_something_else() {
        let error = WholeSum.infer(&[TensorType::f32([4, 3]), TensorType::f32([50, 2])]).unwrap_err();
        assert!(error.to_string().ends_with("got f32[4, 3], f32[50, 2]"), "{error}");
        assert!(PartialSums { chunk: 8 }.infer(&[TensorType::f32([])]).is_err());
    }
}
