//! A tensor's elements, in their order, shown in another shape: [`torch.reshape`].
//!
//! [`torch.reshape`]: https://docs.pytorch.org/docs/stable/generated/torch.reshape.html

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lowering, Node, Op, Shape, ShapeError, TensorType, Tolerance, Value, View,
};

use crate::cases::{case, floats, integers};
use crate::slice::copy_elements;

/// The operation of [`reshape()`].
#[derive(Clone, Debug)]
pub struct Reshape {
    /// The output's shape.
    pub shape: Shape,
}

/// Shows `input`, of any element type, in `shape`. An input that has this shape is returned as it is.
///
/// # Errors
/// Where the shapes differ in their number of elements.
pub fn reshape(graph: &mut Graph, input: Value, shape: impl Into<Shape>) -> Result<Value, GraphError> {
    let shape = shape.into();
    if graph.kind(input).shape == shape {
        return Ok(input);
    }
    graph.apply_one(Reshape { shape }, &[input])
}

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        match inputs {
            [input] if input.shape.elements() == self.shape.elements() => {
                Ok(vec![TensorType::new(input.dtype, self.shape.clone())])
            }
            _ => Err(ShapeError::new(
                format!("a tensor of {} elements for the shape {}", self.shape.elements(), self.shape),
                inputs,
            )),
        }
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let [Some(upstream)] = *upstream else { return Ok(vec![None]) };
        let shape = graph.kind(at.inputs[0]).shape.clone();
        Ok(vec![Some(reshape(graph, upstream, shape)?)])
    }

    fn lowering(&self, _inputs: &[TensorType]) -> Lowering {
        Lowering::View(vec![View::Strided { offset: 0, strides: self.shape.strides() }])
    }

    fn flops(&self, _inputs: &[TensorType]) -> u64 {
        0
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        outputs[0].data.clone_from(&inputs[0].data);
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        copy_elements(inputs[0], 0..inputs[0].len(), &mut outputs[0], 0)
    }

    fn tolerance(&self, _inputs: &[TensorType]) -> Tolerance {
        Tolerance { absolute: 0.0, relative: 0.0 }
    }

    fn cases(&self) -> Vec<Case> {
        let flat = [self.shape.elements()];
        let bytes = integers(DType::U8, flat, |index| index as u32 % 251);
        vec![
            case("from a vector", [floats(1, flat)]),
            case("from a column", [floats(2, [flat[0], 1])]),
            Case { differentiable: false, ..case("bytes", [bytes]) },
        ]
    }
}

/// Shapes whose last extent is and is no multiple of 4, a scalar and one without elements.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    let shapes: [Shape; 4] = [[6, 8].into(), [7, 1, 13].into(), Shape::default(), [0, 3].into()];
    shapes.map(|shape| Arc::new(Reshape { shape }) as Arc<dyn Op>).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    #[test]
    fn keeps_the_order_of_elements() {
        let input = Array::from_fn([2, 3], |index| index as f64);
        let output = &reference(&Reshape { shape: [3, 2].into() }, &[input])[0];
        assert_eq!(output.kind, TensorType::f32([3, 2]));
        assert_eq!(output.data, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
    }

    #[test]
    fn refuses_another_number_of_elements() {
        let error = Reshape { shape: [2, 4].into() }.infer(&[TensorType::f32([7])]).unwrap_err();
        assert_eq!(error.to_string(), "wanted a tensor of 8 elements for the shape [2, 4], got f32[7]");
    }

    #[test]
    fn leaves_out_what_changes_nothing() {
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32([2, 3]));
        assert_eq!(reshape(&mut graph, input, [2, 3]), Ok(input));
    }
}
