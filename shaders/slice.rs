//! A contiguous part of a flat tensor, shown in a shape: how a parameter lies in the arena of all parameters.

use std::ops::Range;
use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lowering, Node, Op, Shape, ShapeError, TensorType, Tolerance, Value, View,
};

use crate::cases::{case, floats, integers};
use crate::{gather_rows, pack, pack_layout};

/// The operation of [`slice()`].
#[derive(Clone, Debug)]
pub struct Slice {
    /// The first element shown.
    pub offset: usize,
    /// The output's shape.
    pub shape: Shape,
}

/// Shows the elements of `input`, a vector of any element type, from `offset` on, in `shape`.
///
/// # Errors
/// Where `input` is no vector or ends before the part does.
pub fn slice(graph: &mut Graph, input: Value, offset: usize, shape: impl Into<Shape>) -> Result<Value, GraphError> {
    graph.apply_one(Slice { offset, shape: shape.into() }, &[input])
}

impl Slice {
    /// The input's elements that are shown; none where their indices overflow.
    fn range(&self) -> Option<Range<usize>> {
        Some(self.offset..self.offset.checked_add(self.shape.elements())?)
    }
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let ([input], Some(range)) = (inputs, self.range())
            && input.shape.rank() == 1
            && range.end <= input.shape.elements()
        {
            return Ok(vec![TensorType::new(input.dtype, self.shape.clone())]);
        }
        let wanted = format!("a vector with {} elements ({}) from element {} on", self.shape.elements(), self.shape, self.offset);
        Err(ShapeError::new(wanted, inputs))
    }

    /// Gathers each element from the upstream gradient with a zero behind it: unlike a pack of zeros around the
    /// upstream gradient, this puts no condition on the offset.
    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let [Some(upstream)] = *upstream else { return Ok(vec![None]) };
        let elements = graph.kind(at.inputs[0]).shape.elements();
        let zero = graph.scalar(0.0);
        let padded = pack(graph, &[upstream, zero])?;
        let zero_at = pack_layout(&[self.shape.clone(), Shape::default()]).offsets[1];
        let end = self.offset + self.shape.elements();
        let from = |index: usize| if (self.offset..end).contains(&index) { index - self.offset } else { zero_at };
        let indices = (0..elements).map(|index| from(index) as u32).collect();
        let indices = graph.constant(HostTensor::U32([elements].into(), indices))?;
        Ok(vec![Some(gather_rows(graph, padded, indices)?)])
    }

    fn lowering(&self, _inputs: &[TensorType]) -> Lowering {
        Lowering::View(vec![View::Strided { offset: self.offset, strides: self.shape.strides() }])
    }

    fn flops(&self, _inputs: &[TensorType]) -> u64 {
        0
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        for (index, element) in outputs[0].data.iter_mut().enumerate() {
            *element = inputs[0].data[self.offset + index];
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        self.range().is_some_and(|range| copy_elements(inputs[0], range, &mut outputs[0], 0))
    }

    fn tolerance(&self, _inputs: &[TensorType]) -> Tolerance {
        Tolerance { absolute: 0.0, relative: 0.0 }
    }

    fn cases(&self) -> Vec<Case> {
        let end = self.offset + self.shape.elements();
        let bytes = integers(DType::U8, [end + 1], |index| index as u32 % 251);
        vec![
            case("to the end", [floats(1, [end])]),
            case("with elements behind it", [floats(2, [end + 5])]),
            Case { differentiable: false, ..case("bytes", [bytes]) },
        ]
    }
}

/// Offsets that are and are no multiple of 4, and an empty part.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    let slices: [(usize, Shape); 4] = [(0, [3, 4].into()), (8, [5].into()), (7, [3, 5].into()), (3, [0].into())];
    slices.map(|(offset, shape)| Arc::new(Slice { offset, shape }) as Arc<dyn Op>).to_vec()
}

/// Copies elements of `input` to `output` from the element `at` on. Says whether their types agree.
pub(crate) fn copy_elements(input: &HostTensor, range: Range<usize>, output: &mut HostTensor, at: usize) -> bool {
    let target = at..at + range.len();
    match (input, output) {
        (HostTensor::F32(_, from), HostTensor::F32(_, to)) => to[target].copy_from_slice(&from[range]),
        (HostTensor::F16(_, from), HostTensor::F16(_, to)) => to[target].copy_from_slice(&from[range]),
        (HostTensor::U32(_, from), HostTensor::U32(_, to)) => to[target].copy_from_slice(&from[range]),
        (HostTensor::U8(_, from), HostTensor::U8(_, to)) => to[target].copy_from_slice(&from[range]),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use wgrad_core::Source;
    use wgrad_core::graph::Kind;

    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    #[test]
    fn shows_the_elements_from_the_offset_on() {
        let input = Array::from_fn([9], |index| index as f64);
        let output = &reference(&Slice { offset: 3, shape: [2, 2].into() }, &[input])[0];
        assert_eq!((output.kind.clone(), &output.data[..]), (TensorType::f32([2, 2]), &[3.0, 4.0, 5.0, 6.0][..]));
        examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
    }

    #[test]
    fn gradient_is_zero_outside_the_part() {
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32([6]));
        let part = slice(&mut graph, input, 3, [2]).unwrap();
        let upstream = graph.input("upstream", graph.kind(part).clone());
        let node = graph.node(part.node).clone();
        let gradient = node.op().unwrap().gradient(&mut graph, &node, &[Some(upstream)]).unwrap()[0].unwrap();
        assert_eq!(graph.kind(gradient), &TensorType::f32([6]));
        let [padded, indices] = graph.node(gradient.node).inputs[..] else { panic!("no gather") };
        assert_eq!(graph.node(padded.node).inputs[0], upstream);
        let Kind::Source(Source::Constant(indices)) = &graph.node(indices.node).kind else { panic!("no indices") };
        assert_eq!(**indices, HostTensor::U32([6].into(), vec![4, 4, 4, 0, 1, 4]));
    }

    #[test]
    fn refuses_what_is_not_inside_a_vector() {
        let op = Slice { offset: 4, shape: [2, 2].into() };
        let error = op.infer(&[TensorType::f32([7])]).unwrap_err().to_string();
        assert_eq!(error, "wanted a vector with 4 elements ([2, 2]) from element 4 on, got f32[7]");
        assert!(op.infer(&[TensorType::f32([2, 4])]).is_err());
        assert!(Slice { offset: usize::MAX, ..op }.infer(&[TensorType::f32([8])]).is_err());
    }
}
