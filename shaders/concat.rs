//! Tensors behind one another along an axis: [`torch.cat`].
//!
//! Along the first axis each is stored where it belongs by whoever computes it, and nothing is copied. Other axes are
//! brought to the front, which is a copy of each tensor.
//!
//! [`torch.cat`]: https://docs.pytorch.org/docs/stable/generated/torch.cat.html

use std::any::Any;
use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lowering, Node, Op, Shape, ShapeError, TensorType, Tolerance, Value,
};

use crate::cases::{case, floats, integers};
use crate::slice::copy_elements;
use crate::{Reshape, Split, narrow, permute, reshape, split};

/// The operation of [`concat()`] along the first axis.
#[derive(Clone, Copy, Debug)]
pub struct Concat;

/// Puts `values`, of f32 or u32 and of shapes that agree but along `axis`, behind one another along `axis`.
///
/// Values that stand behind one another in a tensor already are shown there: all parts of a split are the tensor that
/// was split, and some neighbours of an earlier concatenation are a part of it. Views of rows are views of the
/// rows put together.
///
/// # Errors
/// Where there are no values, or they have no such axis, or their other extents or types differ.
pub fn concat(graph: &mut Graph, values: &[Value], axis: usize) -> Result<Value, GraphError> {
    if let Some(whole) = split_from(graph, values, axis) {
        return Ok(whole);
    }
    if axis == 0
        && let Some(view) = row_view(graph, values)
    {
        return view.of_whole(graph);
    }
    if axis == 0 {
        return match concatenated(graph, values) {
            Some((whole, start, length)) => narrow(graph, whole, 0, start, length),
            None => graph.apply_one(Concat, values),
        };
    }
    let rank = values.first().map_or(0, |&value| graph.kind(value).shape.rank());
    if axis >= rank {
        let kinds: Vec<TensorType> = values.iter().map(|&value| graph.kind(value).clone()).collect();
        let source = ShapeError::new(format!("one or more tensors with an axis {axis}"), &kinds);
        return Err(GraphError::Shape { scope: String::new(), operation: "concat".to_owned(), source });
    }
    let to_front: Vec<usize> = [axis].into_iter().chain((0..rank).filter(|&other| other != axis)).collect();
    let back: Vec<usize> = (1..=axis).chain([0]).chain(axis + 1..rank).collect();
    let turned: Vec<Value> = values.iter().map(|&value| permute(graph, value, &to_front)).collect::<Result<_, _>>()?;
    let whole = concat(graph, &turned, 0)?;
    permute(graph, whole, &back)
}

/// Puts `values`, of f32 or u32 and all of one shape, behind one another along a new first axis.
///
/// # Errors
/// Where there are no values, or their types differ.
pub fn stack(graph: &mut Graph, values: &[Value]) -> Result<Value, GraphError> {
    let shape = values.first().map(|&value| graph.kind(value).shape.dims().to_vec()).unwrap_or_default();
    let mut rows = values.to_vec();
    if shape.is_empty() {
        rows = values.iter().map(|&value| reshape(graph, value, [1])).collect::<Result<_, _>>()?;
    }
    let whole = concat(graph, &rows, 0)?;
    reshape(graph, whole, [&[values.len()], &shape[..]].concat())
}

/// The tensor that these values are all parts of, in their order.
fn split_from(graph: &Graph, values: &[Value], axis: usize) -> Option<Value> {
    let node = graph.node(values.first()?.node);
    let split: &dyn Any = node.op()?;
    let is_cut = split.downcast_ref::<Split>().is_some_and(|split| split.axis == axis);
    let parts = (0..node.outputs.len()).map(|output| node.output(output));
    (is_cut && parts.eq(values.iter().copied())).then(|| node.inputs[0])
}

/// Values that show tensors row by row, all in one way.
struct RowView {
    originals: Vec<Value>,
    way: Way,
}

/// A reshape of each row to a shape, or one part of each row that is split.
#[derive(PartialEq)]
enum Way {
    Reshape { from: Vec<usize>, to: Vec<usize> },
    Part { axis: usize, extents: Vec<usize>, output: usize },
}

impl RowView {
    fn of_whole(self, graph: &mut Graph) -> Result<Value, GraphError> {
        let whole = concat(graph, &self.originals, 0)?;
        match self.way {
            Way::Reshape { to, .. } => {
                let rows = graph.kind(whole).shape.dims()[0];
                reshape(graph, whole, [&[rows], &to[..]].concat())
            }
            Way::Part { axis, extents, output } => Ok(split(graph, whole, axis, &extents)?[output]),
        }
    }
}

/// How all these values show what they are views of, if that is one way.
fn row_view(graph: &Graph, values: &[Value]) -> Option<RowView> {
    let ways: Vec<Way> = values.iter().map(|&value| way(graph, value)).collect::<Option<_>>()?;
    let is_one = ways.windows(2).all(|pair| pair[0] == pair[1]);
    let originals = values.iter().map(|value| graph.node(value.node).inputs[0]).collect();
    ways.into_iter().next().filter(|_| is_one).map(|way| RowView { originals, way })
}

fn way(graph: &Graph, value: Value) -> Option<Way> {
    let node = graph.node(value.node);
    let op: &dyn Any = node.op()?;
    let original = graph.kind(*node.inputs.first()?);
    let ([rows, from @ ..], [own, to @ ..]) = (original.shape.dims(), graph.kind(value).shape.dims()) else { return None };
    if original.dtype.bytes() < 4 || rows != own {
        return None;
    }
    match op.downcast_ref::<Split>() {
        Some(Split { axis: axis @ 1.., extents }) => {
            Some(Way::Part { axis: *axis, extents: extents.clone(), output: value.output as usize })
        }
        _ => op.is::<Reshape>().then(|| Way::Reshape { from: from.to_vec(), to: to.to_vec() }),
    }
}

/// An earlier concatenation that these values are neighbours in, with the first row and the number of rows.
fn concatenated(graph: &Graph, values: &[Value]) -> Option<(Value, usize, usize)> {
    let is_concat = |node: &Node| node.op().is_some_and(|op| (op as &dyn Any).is::<Concat>());
    let rows = |values: &[Value]| values.iter().map(|&value| graph.kind(value).shape.dims()[0]).sum();
    graph.nodes().iter().filter(|node| is_concat(node) && !values.is_empty()).find_map(|node| {
        let first = node.inputs.windows(values.len()).position(|window| window == values)?;
        Some((node.output(0), rows(&node.inputs[..first]), rows(values)))
    })
}

impl Op for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        let agrees = |input: &TensorType, first: &TensorType, row: &[usize]| {
            input.dtype == first.dtype && input.shape.dims().split_first().is_some_and(|(_, other)| other == row)
        };
        if let [first, ..] = inputs
            && first.dtype.bytes() == 4
            && let [_, row @ ..] = first.shape.dims()
            && inputs.iter().all(|input| agrees(input, first, row))
            && let Some(rows) = inputs.iter().try_fold(0_usize, |rows, input| rows.checked_add(input.shape.dims()[0]))
        {
            return Ok(vec![TensorType::new(first.dtype, [&[rows], row].concat())]);
        }
        Err(ShapeError::new("tensors of f32 or u32 whose types agree but for the extent of the first axis", inputs))
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let [Some(upstream)] = *upstream else { return Ok(vec![None; at.inputs.len()]) };
        let extents: Vec<usize> = at.inputs.iter().map(|&input| graph.kind(input).shape.dims()[0]).collect();
        Ok(split(graph, upstream, 0, &extents)?.into_iter().map(Some).collect())
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        Lowering::Pack(offsets(inputs.iter().map(|input| &input.shape)))
    }

    fn flops(&self, _inputs: &[TensorType]) -> u64 {
        0
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let elements = inputs.iter().flat_map(|input| &input.data);
        outputs[0].data.iter_mut().zip(elements).for_each(|(output, element)| *output = *element);
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let mut parts = inputs.iter().zip(offsets(inputs.iter().map(|input| input.shape())));
        parts.all(|(input, offset)| copy_elements(input, 0..input.len(), &mut outputs[0], offset))
    }

    fn tolerance(&self, _inputs: &[TensorType]) -> Tolerance {
        Tolerance { absolute: 0.0, relative: 0.0 }
    }

    fn cases(&self) -> Vec<Case> {
        let count = |rows: usize| integers(DType::U32, [rows, 3], |index| index as u32);
        vec![
            case("rows of 4", [floats(1, [2, 4]), floats(2, [3, 4])]),
            case("rows of 3", [floats(3, [7, 3]), floats(4, [1, 3]), floats(5, [2, 3])]),
            case("vectors", [floats(6, [1]), floats(7, [255]), floats(8, [257])]),
            case("matrices", [floats(9, [2, 3, 5]), floats(10, [1, 3, 5])]),
            case("one of them", [floats(11, [13, 2])]),
            case("empty ones", [floats(12, [0, 3]), floats(13, [1, 3]), floats(14, [0, 3]), floats(15, [2, 3])]),
            case("more than can be bound", (0..11).map(|seed| floats(20 + seed, [1, 5])).collect::<Vec<_>>()),
            Case { differentiable: false, ..case("integers", [count(3), count(2)]) },
        ]
    }
}

/// Where each tensor begins.
fn offsets<'a>(shapes: impl Iterator<Item = &'a Shape>) -> Vec<usize> {
    let begin = |next: &mut usize, shape: &Shape| {
        let offset = *next;
        *next += shape.elements();
        Some(offset)
    };
    shapes.scan(0, begin).collect()
}

/// It has no attributes.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Concat)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    #[test]
    fn puts_rows_behind_one_another() {
        let inputs = [Array::from_fn([1, 2], |index| index as f64), Array::from_fn([2, 2], |index| 2.0 + index as f64)];
        assert_eq!(reference(&Concat, &inputs)[0], Array::from_fn([3, 2], |index| index as f64));
        assert_host_agrees(&Concat);
    }

    #[test]
    fn other_axes_and_new_ones_have_their_extents() {
        let mut graph = Graph::new();
        let values = [2, 3].map(|extent| graph.input("x", TensorType::f32([4, extent, 5])));
        let whole = concat(&mut graph, &values, 1).unwrap();
        assert_eq!(graph.kind(whole), &TensorType::f32([4, 5, 5]));
        let stacked = stack(&mut graph, &[values[0]; 3]).unwrap();
        assert_eq!(graph.kind(stacked), &TensorType::f32([3, 4, 2, 5]));
        let numbers = [1.0, 2.0].map(|number| graph.scalar(number));
        let stacked = stack(&mut graph, &numbers).unwrap();
        assert_eq!(graph.kind(stacked), &TensorType::f32([2]));
    }

    #[test]
    fn what_stands_together_already_is_shown_there() {
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32([6, 2]));
        let parts = split(&mut graph, input, 0, &[1, 2, 3]).unwrap();
        assert_eq!(concat(&mut graph, &parts, 0), Ok(input));
        let reversed: Vec<Value> = parts.iter().rev().copied().collect();
        let whole = concat(&mut graph, &reversed, 0).unwrap();
        assert_eq!(concat(&mut graph, &reversed, 0), Ok(whole));
        let some = concat(&mut graph, &reversed[1..], 0).unwrap();
        let node = graph.node(some.node);
        assert_eq!((node.name(), node.inputs[0], some.output), ("split", whole, 1));
        assert_eq!(graph.kind(some), &TensorType::f32([3, 2]));
    }

    #[test]
    fn refuses_rows_that_differ() {
        let error = Concat.infer(&[TensorType::f32([2, 3]), TensorType::f32([2, 4])]).unwrap_err().to_string();
        assert!(error.ends_with("got f32[2, 3], f32[2, 4]"), "{error}");
        assert!(Concat.infer(&[TensorType::f32([2]), TensorType::u32([2])]).is_err());
        assert!(Concat.infer(&[TensorType::f32([])]).is_err());
        assert!(Concat.infer(&[]).is_err());
        let mut graph = Graph::new();
        assert!(concat(&mut graph, &[], 1).is_err() && stack(&mut graph, &[]).is_err());
        let vector = graph.input("x", TensorType::f32([2]));
        assert!(concat(&mut graph, &[vector], usize::MAX).is_err());
    }
}
