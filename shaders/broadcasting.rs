//! What operations of tensors that broadcast have in common.

use wgrad_core::{Array, Case, DType, Graph, GraphError, HostTensor, Shape, ShapeError, TensorType, Value};

use crate::cases::{case, floats};
use crate::sum_to;

/// The type of what two f32 tensors make together.
pub(crate) fn broadcast_type(inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
    match inputs {
        [left, right] if left.dtype == DType::F32 && right.dtype == DType::F32 => left.shape.broadcast(&right.shape),
        _ => None,
    }
    .map(|shape| vec![TensorType::f32(shape)])
    .ok_or_else(|| ShapeError::new("two f32 tensors whose shapes broadcast", inputs))
}

/// How many elements two tensors make together.
pub(crate) fn broadcast_elements(inputs: &[TensorType]) -> u64 {
    broadcast_type(inputs).iter().flatten().map(|kind| kind.shape.elements() as u64).sum()
}

/// Sums a gradient of the output to the shape of `input`, which may have been broadcast.
pub(crate) fn sum_to_input(graph: &mut Graph, gradient: Value, input: Value) -> Result<Value, GraphError> {
    let shape = graph.kind(input).shape.clone();
    sum_to(graph, gradient, &shape)
}

/// Combines two broadcast inputs, one element at a time.
pub(crate) fn broadcast_reference(inputs: &[Array], outputs: &mut [Array], combine: impl Fn(f64, f64) -> f64) {
    let ([left, right], [output]) = (inputs, outputs) else { return };
    for (index, element) in output.data.iter_mut().enumerate() {
        let at = |input: &Array| input.data[input.broadcast_index(&output.kind.shape, index)];
        *element = combine(at(left), at(right));
    }
}

/// The type of one input, to which all others broadcast.
pub(crate) fn broadcast_to(inputs: &[TensorType], count: usize, full: usize) -> Result<Vec<TensorType>, ShapeError> {
    let fits = |kind: &TensorType, to: &Shape| kind.dtype == DType::F32 && kind.shape.broadcast(to).as_ref() == Some(to);
    match inputs.get(full) {
        Some(to) if inputs.len() == count && inputs.iter().all(|kind| fits(kind, &to.shape)) => Ok(vec![to.clone()]),
        _ => Err(ShapeError::new(format!("{count} tensors of f32 that broadcast to the one at {full}"), inputs)),
    }
}

/// Computes each element from those of the inputs that are shown there.
pub(crate) fn broadcast_map(inputs: &[Array], output: &mut Array, map: impl Fn(&[f64]) -> f64) {
    for (index, element) in output.data.iter_mut().enumerate() {
        let at = |input: &Array| input.data[input.broadcast_index(&output.kind.shape, index)];
        *element = map(&inputs.iter().map(at).collect::<Vec<_>>());
    }
}

/// Combines a left input of the output's shape with a right one that is a single number, a column with one number for
/// each row, or repeats along the first axes such as a bias; declines other broadcasts.
pub(crate) fn broadcast_host(inputs: &[&HostTensor], outputs: &mut [HostTensor], combine: impl Fn(f32, f32) -> f32) -> bool {
    let ([HostTensor::F32(_, left), HostTensor::F32(small, right)], [HostTensor::F32(shape, output)]) = (inputs, outputs) else {
        return false;
    };
    let is_column = shape.dims().split_last().is_some_and(|(_, rows)| small.dims() == [rows, &[1]].concat());
    let is_constant = is_column || right.len() == 1;
    if left.len() != output.len() || !(is_constant || shape.dims().ends_with(small.dims())) {
        return false;
    }
    let columns = if is_constant { output.len() / right.len().max(1) } else { right.len() }.max(1);
    for (row, (output, left)) in output.chunks_exact_mut(columns).zip(left.chunks_exact(columns)).enumerate() {
        let elements = output.iter_mut().zip(left);
        if is_constant {
            elements.for_each(|(output, &left)| *output = combine(left, right[row]));
        } else {
            elements.zip(right).for_each(|((output, &left), &right)| *output = combine(left, right));
        }
    }
    true
}

/// Two inputs of sizes and broadcasts that are awkward.
pub(crate) fn broadcast_cases() -> Vec<Case> {
    let mut cases: Vec<Case> =
        [1, 255, 257].map(|elements| case(format!("{elements} elements"), [floats(1, [elements]), floats(2, [elements])])).into();
    cases.extend([
        case("rows of 13", [floats(3, [7, 13]), floats(4, [7, 13])]),
        case("bias", [floats(5, [7, 13]), floats(6, [13])]),
        case("bias, rows of 16", [floats(5, [9, 16]), floats(6, [16])]),
        case("scalar", [floats(7, [7, 13]), floats(8, [])]),
        case("scalar on the left", [floats(9, []), floats(10, [7, 13])]),
        case("column", [floats(11, [7, 13]), floats(12, [7, 1])]),
        case("column and row", [floats(13, [7, 1]), floats(14, [1, 13])]),
        case("empty", [floats(15, [0]), floats(16, [0])]),
    ]);
    cases
}
