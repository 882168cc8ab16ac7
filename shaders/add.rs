//! Sum of two f32 tensors, element by element: `left + right`, with NumPy's broadcasting.
//!
//! What [`sub`](crate::sub) and [`mul`](crate::mul) share with it stands here too.

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Function, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Value,
};

use crate::cases::{case, floats};
use crate::sum_to;

/// See [`add`].
#[derive(Clone, Copy, Debug)]
pub struct Add;

/// The sum of two f32 tensors whose shapes broadcast.
///
/// # Errors
/// Where an input is not f32, or the shapes do not go together.
pub fn add(graph: &mut Graph, left: Value, right: Value) -> Result<Value, GraphError> {
    graph.apply_one(Add, &[left, right])
}

impl Op for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        broadcast_type(inputs)
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let &[Some(upstream)] = upstream else { return Ok(vec![None; 2]) };
        at.inputs.iter().map(|&input| sum_to_input(graph, upstream, input).map(Some)).collect()
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(include_str!("add.wgsl"), "add"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        broadcast_elements(inputs)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        broadcast_reference(inputs, outputs, |left, right| left + right);
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        broadcast_host(inputs, outputs, |left, right| left + right)
    }

    fn cases(&self) -> Vec<Case> {
        broadcast_cases()
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Add)]
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn repeats_axes_of_extent_one() {
        let column = Array::from_fn([2, 1], |index| index as f64 * 10.0);
        let row = Array::from_fn([3], |index| index as f64);
        let sum = &reference(&Add, &[column, row])[0];
        assert_eq!((sum.kind.clone(), sum.data.as_slice()), (TensorType::f32([2, 3]), &[0.0, 1.0, 2.0, 10.0, 11.0, 12.0][..]));
    }

    #[test]
    fn refuses_shapes_and_types_that_do_not_go_together() {
        let wrong = Add.infer(&[TensorType::f32([64, 10]), TensorType::f32([64])]).unwrap_err();
        assert_eq!(wrong.to_string(), "wanted two f32 tensors whose shapes broadcast, got f32[64, 10], f32[64]");
        assert!(Add.infer(&[TensorType::f32([2]), TensorType::u32([2])]).is_err());
        assert!(Add.infer(&[TensorType::f32([2])]).is_err());
    }

    /// All cases but those where the left input is repeated, or the right one along its last axis.
    #[test]
    fn the_fast_path_takes_equal_shapes_biases_columns_and_scalars() {
        let mut taken = Vec::new();
        for case in Add.cases() {
            let wanted = reference(&Add, &case.inputs);
            let inputs: Vec<HostTensor> = case.inputs.iter().map(HostTensor::from_array).collect();
            let mut got = vec![HostTensor::zeros(&wanted[0].kind)];
            if Add.host(&inputs.iter().collect::<Vec<_>>(), &mut got) {
                assert_eq!(got[0], HostTensor::from_array(&wanted[0]), "{}", case.label);
                taken.push(case.label);
            }
        }
        let sizes = ["1 elements", "255 elements", "257 elements", "rows of 13"];
        let broadcasts = ["bias", "bias, rows of 16", "scalar", "column", "empty"];
        assert_eq!(taken, [sizes.as_slice(), &broadcasts].concat());
    }

    #[test]
    fn gradients_sum_over_repeated_axes() {
        let mut graph = Graph::new();
        let [left, right] = [vec![4, 3], vec![3]].map(|shape| graph.input("x", TensorType::f32(shape)));
        let sum = add(&mut graph, left, right).unwrap();
        let node = graph.node(sum.node).clone();
        let gradients = Add.gradient(&mut graph, &node, &[Some(sum)]).unwrap();
        assert_eq!(gradients[0], Some(sum));
        assert_eq!(gradients[1].map(|value| graph.kind(value).clone()), Some(TensorType::f32([3])));
    }
}
