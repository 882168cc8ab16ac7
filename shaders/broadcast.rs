//! A tensor repeated along axes of extent 1 and along missing leading axes: [`torch.broadcast_to`].
//!
//! Pointwise operations broadcast by themselves; this is for what is wanted in full, such as the gradient of a sum.
//!
//! [`torch.broadcast_to`]: https://docs.pytorch.org/docs/stable/generated/torch.broadcast_to.html

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lowering, Node, Op, Shape, ShapeError, TensorType, Tolerance, Value, View,
};

use crate::cases::{case, floats, integers};
use crate::sum_to;

/// The operation of [`broadcast()`].
#[derive(Clone, Debug)]
pub struct Broadcast {
    /// The output's shape.
    pub shape: Shape,
}

/// Repeats `input`, of any element type, so that it fills `shape`. An input that has this shape is returned as it is.
///
/// # Errors
/// Where the input's shape does not broadcast to `shape`.
pub fn broadcast(graph: &mut Graph, input: Value, shape: impl Into<Shape>) -> Result<Value, GraphError> {
    let shape = shape.into();
    if graph.kind(input).shape == shape {
        return Ok(input);
    }
    graph.apply_one(Broadcast { shape }, &[input])
}

impl Broadcast {
    /// The distance in an input of shape `from` between neighbours along each axis of the output.
    fn strides(&self, from: &Shape) -> Vec<usize> {
        let repeated = |(stride, &extent): (usize, &usize)| if extent == 1 { 0 } else { stride };
        let own = from.strides().into_iter().zip(from.dims()).map(repeated);
        vec![0; self.shape.rank().saturating_sub(from.rank())].into_iter().chain(own).collect()
    }
}

impl Op for Broadcast {
    fn name(&self) -> &'static str {
        "broadcast"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        match inputs {
            [input] if input.shape.broadcast(&self.shape).as_ref() == Some(&self.shape) => {
                Ok(vec![TensorType::new(input.dtype, self.shape.clone())])
            }
            _ => Err(ShapeError::new(format!("a tensor that broadcasts to {}", self.shape), inputs)),
        }
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let [Some(upstream)] = *upstream else { return Ok(vec![None]) };
        let shape = graph.kind(at.inputs[0]).shape.clone();
        Ok(vec![Some(sum_to(graph, upstream, &shape)?)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        Lowering::View(vec![View::Strided { offset: 0, strides: self.strides(&inputs[0].shape) }])
    }

    fn flops(&self, _inputs: &[TensorType]) -> u64 {
        0
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        for (index, element) in outputs[0].data.iter_mut().enumerate() {
            *element = inputs[0].data[inputs[0].broadcast_index(&self.shape, index)];
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let strides = self.strides(inputs[0].shape());
        match (inputs[0], &mut outputs[0]) {
            (HostTensor::F32(_, from), HostTensor::F32(_, to)) => fill(from, to, &self.shape, &strides),
            (HostTensor::F16(_, from), HostTensor::F16(_, to)) => fill(from, to, &self.shape, &strides),
            (HostTensor::U32(_, from), HostTensor::U32(_, to)) => fill(from, to, &self.shape, &strides),
            (HostTensor::U8(_, from), HostTensor::U8(_, to)) => fill(from, to, &self.shape, &strides),
            _ => return false,
        }
        true
    }

    fn tolerance(&self, _inputs: &[TensorType]) -> Tolerance {
        Tolerance { absolute: 0.0, relative: 0.0 }
    }

    fn cases(&self) -> Vec<Case> {
        let shape = &self.shape;
        let mut cases = vec![
            case("a scalar", [floats(1, [])]),
            Case { differentiable: false, ..case("a byte", [integers(DType::U8, [1], |_| 200)]) },
        ];
        if let [rows, .., columns] = *shape.dims() {
            let middle = vec![1; shape.rank() - 2];
            let column = [vec![rows], middle, vec![1]].concat();
            cases.push(case("a row", [floats(2, [columns])]));
            cases.push(case("a column", [floats(3, column)]));
        }
        cases
    }
}

/// Shapes whose last extent is and is no multiple of 4, more than two axes, and no elements.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    let shapes: [Shape; 5] = [[5, 8].into(), [7, 13].into(), [2, 3, 5].into(), [257].into(), [0, 3].into()];
    shapes.map(|shape| Arc::new(Broadcast { shape }) as Arc<dyn Op>).to_vec()
}

/// Fills an output of `shape`, row by row, with the input's elements at these strides.
fn fill<T: Copy>(input: &[T], output: &mut [T], shape: &Shape, strides: &[usize]) {
    let columns = shape.columns();
    let own = shape.strides();
    for (row, output) in output.chunks_exact_mut(columns.max(1)).enumerate() {
        let axes = own.iter().zip(shape.dims()).zip(strides);
        let start = axes.map(|((own, extent), stride)| row * columns / own % extent * stride).sum();
        match strides.last() {
            Some(1) => output.copy_from_slice(&input[start..start + columns]),
            _ => output.fill(input[start]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    #[test]
    fn repeats_rows_and_columns() {
        let op = Broadcast { shape: [2, 3].into() };
        let row = Array::from_fn([3], |index| index as f64);
        assert_eq!(reference(&op, &[row])[0].data, [0.0, 1.0, 2.0, 0.0, 1.0, 2.0]);
        let column = Array::from_fn([2, 1], |index| index as f64);
        assert_eq!(reference(&op, &[column])[0].data, [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
    }

    #[test]
    fn strides_are_zero_along_repeated_axes() {
        let op = Broadcast { shape: [4, 2, 3].into() };
        assert_eq!(op.strides(&[2, 3].into()), [0, 3, 1]);
        assert_eq!(op.strides(&[4, 1, 3].into()), [3, 0, 1]);
        assert_eq!(op.strides(&[2, 1].into()), [0, 1, 0]);
        assert_eq!(op.strides(&Shape::default()), [0, 0, 0]);
    }

    #[test]
    fn refuses_shapes_that_do_not_broadcast() {
        let op = Broadcast { shape: [2, 3].into() };
        let error = op.infer(&[TensorType::f32([2])]).unwrap_err().to_string();
        assert_eq!(error, "wanted a tensor that broadcasts to [2, 3], got f32[2]");
        assert!(op.infer(&[TensorType::f32([4, 2, 3])]).is_err());
    }
}
