//! Sum of a matrix's columns: `y[row] = sum over column of x[row, column]`.

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Kernel, Lanes, LoadHook, Lowering, Node, Op, Shape, ShapeError, StoreHook,
    TensorType, Tolerance, Value,
};

use crate::cases::{case, floats, grid, tolerance_of_sum};
use crate::{broadcast, reshape};

/// The operation of [`sum_columns()`].
#[derive(Clone, Debug)]
pub struct SumColumns;

/// Rows that a workgroup sums.
const ROWS: usize = 16;

/// Sums `input`, f32 `[r, c]`, over its last axis: `[r]`.
///
/// # Errors
/// Where the input is no f32 matrix.
pub fn sum_columns(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(SumColumns, &[input])
}

impl Op for SumColumns {
    fn name(&self) -> &'static str {
        "sum_columns"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        match inputs {
            [input] if input.dtype == DType::F32 && input.shape.rank() == 2 => Ok(vec![TensorType::f32([input.shape.rows()])]),
            _ => Err(ShapeError::new("a matrix of f32", inputs)),
        }
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let [Some(upstream)] = *upstream else { return Ok(vec![None]) };
        let shape = graph.kind(at.inputs[0]).shape.clone();
        let column = reshape(graph, upstream, [shape.rows(), 1])?;
        Ok(vec![Some(broadcast(graph, column, shape)?)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let shape = &inputs[0].shape;
        Lowering::Kernels(vec![Kernel {
            candidate: "sum_columns",
            source: include_str!("sum_columns.wgsl"),
            entry: "sum_columns",
            class: None,
            dims: vec![shape.rows() as u32, shape.columns() as u32],
            constants: Vec::new(),
            workgroups: grid(shape.rows().div_ceil(ROWS)),
            loads: vec![LoadHook { variable: "sum_columns_input", function: Some(("sum_columns_load", Lanes::Four)), row: None }],
            stores: vec![StoreHook { variable: "sum_columns_output", function: Some(("sum_columns_store", Lanes::One)) }],
            sums: Vec::new(),
        }])
    }

    fn sums_axis(&self) -> Option<usize> {
        Some(1)
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let columns = inputs[0].kind.shape.columns();
        for (index, element) in inputs[0].data.iter().enumerate() {
            outputs[0].data[index / columns] += element;
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, input)], [HostTensor::F32(_, output)]) = (inputs, outputs) else { return false };
        for (total, row) in output.iter_mut().zip(input.chunks_exact(shape.columns().max(1))) {
            *total = row.iter().sum();
        }
        true
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(inputs[0].shape.columns())
    }

    fn cases(&self) -> Vec<Case> {
        let shapes: [Shape; 7] =
            [[1, 1].into(), [8, 64].into(), [7, 13].into(), [257, 1].into(), [1, 255].into(), [17, 66].into(), [5, 0].into()];
        let seeded = (1..).zip(shapes);
        let small = seeded.map(|(seed, shape)| case(shape.to_string(), [floats(seed, shape)]));
        let large = case("many columns", [floats(20, [12, 2049])]);
        small.chain([Case { differentiable: false, ..large }]).collect()
    }
}

/// It has no attributes.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(SumColumns)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn leaves_a_sum_for_each_row() {
        let input = Array::from_fn([2, 3], |index| index as f64);
        assert_eq!(reference(&SumColumns, &[input])[0].data, [3.0, 12.0]);
    }

    #[test]
    fn gradient_repeats_the_upstream_gradient_along_each_row() {
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32([5, 3]));
        let sums = sum_columns(&mut graph, input).unwrap();
        let upstream = graph.input("upstream", graph.kind(sums).clone());
        let node = graph.node(sums.node).clone();
        let gradient = SumColumns.gradient(&mut graph, &node, &[Some(upstream)]).unwrap()[0];
        let broadcast = graph.node(gradient.unwrap().node);
        assert_eq!((broadcast.name(), &broadcast.outputs[0]), ("broadcast", &TensorType::f32([5, 3])));
        assert_eq!(graph.kind(broadcast.inputs[0]), &TensorType::f32([5, 1]));
    }

    #[test]
    fn refuses_what_is_no_matrix() {
        let error = SumColumns.infer(&[TensorType::f32([6])]).unwrap_err();
        assert_eq!(error.to_string(), "wanted a matrix of f32, got f32[6]");
    }
}
