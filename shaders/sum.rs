//! Sum of all elements: `y = sum of x[i]`, a scalar, of an f32 tensor of any shape.

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Kernel, Lanes, LoadHook, Lowering, Node, Op, Shape, ShapeError, StoreHook,
    TensorType, Tolerance, Value,
};

use crate::broadcast;
use crate::cases::{case, floats, tolerance_of_sum};

/// The operation of [`sum()`].
#[derive(Clone, Debug)]
pub struct Sum;

/// Sums all elements of `input`, an f32 tensor of any shape, to a scalar: 0 where there are none.
///
/// # Errors
/// Where the input is not of f32.
pub fn sum(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Sum, &[input])
}

impl Op for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        match inputs {
            [input] if input.dtype == DType::F32 => Ok(vec![TensorType::f32([])]),
            _ => Err(ShapeError::new("a tensor of f32", inputs)),
        }
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let [Some(upstream)] = *upstream else { return Ok(vec![None]) };
        let shape = graph.kind(at.inputs[0]).shape.clone();
        Ok(vec![Some(broadcast(graph, upstream, shape)?)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let shape = &inputs[0].shape;
        Lowering::Kernels(vec![Kernel {
            candidate: "sum",
            source: include_str!("sum.wgsl"),
            entry: "sum",
            class: None,
            dims: vec![shape.rows() as u32, shape.columns() as u32],
            constants: Vec::new(),
            workgroups: [1, 1, 1],
            loads: vec![LoadHook { variable: "sum_input", function: Some(("sum_load", Lanes::Four)), row: None }],
            stores: vec![StoreHook { variable: "sum_output", function: Some(("sum_store", Lanes::One)) }],
            sums: Vec::new(),
        }])
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        outputs[0].data[0] = inputs[0].data.iter().sum();
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(_, input)], [HostTensor::F32(_, output)]) = (inputs, outputs) else { return false };
        output.fill(input.iter().copied().map(f64::from).sum::<f64>() as f32);
        true
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(inputs[0].shape.elements())
    }

    fn cases(&self) -> Vec<Case> {
        let shapes: [Shape; 8] = [
            [1].into(),
            [255].into(),
            [257].into(),
            [7, 13].into(),
            [3, 5, 8].into(),
            Shape::default(),
            [0].into(),
            [2, 0, 3].into(),
        ];
        let seeded = (1..).zip(shapes);
        let small = seeded.map(|(seed, shape)| case(shape.to_string(), [floats(seed, shape)]));
        let large = case("more than one pass", [floats(20, [1000, 33])]);
        small.chain([Case { differentiable: false, ..large }]).collect()
    }
}

/// It has no attributes.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Sum)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn adds_up_all_elements() {
        let input = Array::from_fn([3, 4], |index| index as f64);
        assert_eq!(reference(&Sum, &[input])[0], Array::from_fn([], |_| 66.0));
        let empty = Array::zeros(TensorType::f32([0, 4]));
        assert_eq!(reference(&Sum, &[empty])[0].data, [0.0]);
    }

    #[test]
    fn refuses_integers() {
        let error = Sum.infer(&[TensorType::u32([3])]).unwrap_err();
        assert_eq!(error.to_string(), "wanted a tensor of f32, got u32[3]");
    }
}
