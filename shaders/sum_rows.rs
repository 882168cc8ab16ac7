//! Sum of a matrix's rows: `y[column] = sum over row of x[row, column]`, the gradient of a bias.

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Kernel, Lanes, LoadHook, Lowering, Node, Op, Shape, ShapeError, StoreHook,
    TensorType, Tolerance, Value,
};

use crate::broadcast;
use crate::cases::{case, floats, grid, tolerance_of_sum};

/// The operation of [`sum_rows()`].
#[derive(Clone, Debug)]
pub struct SumRows;

/// Columns that a workgroup sums.
const COLUMNS: usize = 32;

/// Sums `input`, f32 `[r, c]`, over its first axis: `[c]`.
///
/// # Errors
/// Where the input is no f32 matrix.
pub fn sum_rows(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(SumRows, &[input])
}

impl Op for SumRows {
    fn name(&self) -> &'static str {
        "sum_rows"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        match inputs {
            [input] if input.dtype == DType::F32 && input.shape.rank() == 2 => Ok(vec![TensorType::f32([input.shape.columns()])]),
            _ => Err(ShapeError::new("a matrix of f32", inputs)),
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
            candidate: "sum_rows",
            source: include_str!("sum_rows.wgsl"),
            entry: "sum_rows",
            class: None,
            dims: vec![shape.rows() as u32, shape.columns() as u32],
            constants: Vec::new(),
            workgroups: grid(shape.columns().div_ceil(COLUMNS)),
            loads: vec![LoadHook { variable: "sum_rows_input", function: Some(("sum_rows_load", Lanes::Four)), row: None }],
            stores: vec![StoreHook { variable: "sum_rows_output", function: Some(("sum_rows_store", Lanes::Four)) }],
            sums: Vec::new(),
        }])
    }

    fn sums_axis(&self) -> Option<usize> {
        Some(0)
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let columns = inputs[0].kind.shape.columns();
        for (index, element) in inputs[0].data.iter().enumerate() {
            outputs[0].data[index % columns] += element;
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let (HostTensor::F32(shape, input), [HostTensor::F32(_, output)]) = (inputs[0], outputs) else {
            return false;
        };
        for row in input.chunks_exact(shape.columns().max(1)) {
            output.iter_mut().zip(row).for_each(|(total, element)| *total += element);
        }
        true
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(inputs[0].shape.rows())
    }

    fn cases(&self) -> Vec<Case> {
        let shapes: [Shape; 7] =
            [[1, 1].into(), [64, 8].into(), [7, 13].into(), [1, 257].into(), [255, 1].into(), [33, 34].into(), [0, 5].into()];
        let seeded = (1..).zip(shapes);
        let small = seeded.map(|(seed, shape)| case(shape.to_string(), [floats(seed, shape)]));
        let large = case("many rows", [floats(20, [2049, 12])]);
        small.chain([Case { differentiable: false, ..large }]).collect()
    }
}

/// It has no attributes.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(SumRows)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    #[test]
    fn leaves_a_sum_for_each_column() {
        let input = Array::from_fn([2, 3], |index| index as f64);
        assert_eq!(reference(&SumRows, &[input])[0], Array::from_fn([3], |i| 3.0 + 2.0 * i as f64));
        assert_host_agrees(&SumRows);
    }

    #[test]
    fn refuses_what_is_no_matrix() {
        let error = SumRows.infer(&[TensorType::f32([2, 3, 4])]).unwrap_err();
        assert_eq!(error.to_string(), "wanted a matrix of f32, got f32[2, 3, 4]");
        assert!(SumRows.infer(&[TensorType::u32([2, 3])]).is_err());
    }
}
