//! Choice between two f32 tensors, element by element: the first where a condition is not 0, else the second, with NumPy's
//! broadcasting of all three.
//!
//! What is not chosen leaves no trace, not even NaN. The condition has no gradient.

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Function, Graph, GraphError, HostTensor, Lowering, Node, Op, Shape, ShapeError, TensorType, Value,
};

use crate::broadcasting::sum_to_input;
use crate::cases::{case, floats};

/// The operation of [`select()`].
#[derive(Clone, Copy, Debug)]
pub struct Select;

/// `chosen` where `condition` is not 0, else `other`, for f32 tensors whose shapes broadcast.
///
/// # Errors
/// Where an input is not f32, or the shapes do not go together.
pub fn select(graph: &mut Graph, condition: Value, chosen: Value, other: Value) -> Result<Value, GraphError> {
    graph.apply_one(Select, &[condition, chosen, other])
}

impl Op for Select {
    fn name(&self) -> &'static str {
        "select"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        let shape = match inputs {
            [_, _, _] if inputs.iter().all(|input| input.dtype == DType::F32) => {
                inputs.iter().try_fold(Shape::default(), |shape, input| shape.broadcast(&input.shape))
            }
            _ => None,
        };
        let wanted = "three f32 tensors (condition, chosen, other) whose shapes broadcast";
        shape.map(|shape| vec![TensorType::f32(shape)]).ok_or_else(|| ShapeError::new(wanted, inputs))
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[Some(upstream)], &[condition, chosen, other]) = (upstream, at.inputs.as_slice()) else { return Ok(vec![None; 3]) };
        let zero = graph.scalar(0.0);
        let to_chosen = select(graph, condition, upstream, zero)?;
        let to_other = select(graph, condition, zero, upstream)?;
        Ok(vec![None, Some(sum_to_input(graph, to_chosen, chosen)?), Some(sum_to_input(graph, to_other, other)?)])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(include_str!("select.wgsl"), "select_element"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        self.infer(inputs).iter().flatten().map(|kind| kind.shape.elements() as u64).sum()
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let ([condition, chosen, other], [output]) = (inputs, outputs) else { return };
        for (index, element) in output.data.iter_mut().enumerate() {
            let at = |input: &Array| input.data[input.broadcast_index(&output.kind.shape, index)];
            *element = if at(condition) != 0.0 { at(chosen) } else { at(other) };
        }
    }

    /// Inputs that are single numbers or of the output's shape.
    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let &[HostTensor::F32(_, condition), HostTensor::F32(_, chosen), HostTensor::F32(_, other)] = inputs else {
            return false;
        };
        let [HostTensor::F32(_, output)] = outputs else { return false };
        if [condition, chosen, other].iter().any(|input| input.len() != 1 && input.len() != output.len()) {
            return false;
        }
        for (index, element) in output.iter_mut().enumerate() {
            let at = |input: &[f32]| input[if input.len() == 1 { 0 } else { index }];
            *element = if at(condition) != 0.0 { at(chosen) } else { at(other) };
        }
        true
    }

    fn cases(&self) -> Vec<Case> {
        let conditions =
            |shape: Shape| Array::from_fn(shape, |index| if index % 3 == 0 { 0.0 } else { index as f64 / 2.0 - 7.25 });
        let choice = |label: &str, shapes: [Vec<usize>; 3]| {
            let [condition, chosen, other] = shapes;
            case(label, [conditions(condition.into()), floats(1, chosen), floats(2, other)])
        };
        let same = |shape: &[usize]| [shape.to_vec(), shape.to_vec(), shape.to_vec()];
        let mut hidden = choice("NaN that is not chosen", same(&[8]));
        hidden.inputs[1] = Array::from_fn([8], |index| if index % 3 == 0 { f64::NAN } else { 1.0 });
        vec![
            choice("1 element", same(&[1])),
            choice("255 elements", same(&[255])),
            choice("257 elements", same(&[257])),
            choice("rows of 13", same(&[7, 13])),
            choice("numbers", [vec![7, 13], vec![], vec![]]),
            choice("a number and a tensor", [vec![7, 12], vec![], vec![7, 12]]),
            choice("a mask for each row", [vec![7, 1], vec![7, 13], vec![13]]),
            choice("empty", same(&[0])),
            Case { differentiable: false, ..hidden },
        ]
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Select)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn chooses_where_the_condition_is_not_zero() {
        let condition = Array::from_fn([4], |index| [1.0, 0.0, -0.0, -2.0][index]);
        let [chosen, other] = [5.0, 7.0].map(|number| Array::from_fn([], |_| number));
        assert_eq!(reference(&Select, &[condition, chosen, other])[0].data, [5.0, 7.0, 7.0, 5.0]);
    }

    #[test]
    fn refuses_shapes_that_do_not_go_together() {
        let [two, three] = [vec![2], vec![3]].map(TensorType::f32);
        let error = Select.infer(&[two.clone(), three, two.clone()]).unwrap_err();
        assert!(error.to_string().contains("(condition, chosen, other)"), "{error}");
        assert!(Select.infer(&[two.clone(), two]).is_err());
    }

    #[test]
    fn gradients_have_the_shapes_of_the_inputs() {
        let mut graph = Graph::new();
        let [condition, chosen, other] = [vec![4, 3], vec![3], vec![]].map(|shape| graph.input("x", TensorType::f32(shape)));
        let output = select(&mut graph, condition, chosen, other).unwrap();
        let node = graph.node(output.node).clone();
        let gradients = Select.gradient(&mut graph, &node, &[Some(output)]).unwrap();
        let shapes = gradients.iter().map(|gradient| gradient.map(|value| graph.kind(value).shape.clone()));
        assert_eq!(shapes.collect::<Vec<_>>(), [None, Some([3].into()), Some(Shape::default())]);
    }
}
