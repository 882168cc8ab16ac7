//! Sum of two f32 tensors, element by element: `left + right`, with NumPy's broadcasting.

use std::sync::Arc;

use wgrad_core::{Array, Case, Function, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Value};

use crate::broadcasting::{
    broadcast_cases, broadcast_elements, broadcast_host, broadcast_reference, broadcast_type, sum_to_input,
};

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
