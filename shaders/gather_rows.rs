//! Rows of a table, picked by their indices: how a batch is taken from a data set. [`torch.index_select`] along
//! the first axis.
//!
//! The gradient of a table of f32, such as embeddings, adds up the upstream gradient's rows by their indices. A data set
//! gets none, since it is nobody's parameter.
//!
//! [`torch.index_select`]: https://docs.pytorch.org/docs/stable/generated/torch.index_select.html

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Tolerance, Value, View,
};

use crate::cases::{case, floats, integers};
use crate::slice::copy_elements;
use crate::{reshape, scatter_rows};

/// The operation of [`gather_rows()`].
#[derive(Clone, Debug)]
pub struct GatherRows;

/// Picks from `table`, `[n, ...]` of any element type, the rows that `indices`, a vector of `b` u32, name: `[b, ...]`.
///
/// An index beyond the last row picks the last row, whose gradient leaves it out.
///
/// # Errors
/// Where `table` is a scalar or has no rows to pick from, or `indices` is no vector of u32.
pub fn gather_rows(graph: &mut Graph, table: Value, indices: Value) -> Result<Value, GraphError> {
    graph.apply_one(GatherRows, &[table, indices])
}

impl Op for GatherRows {
    fn name(&self) -> &'static str {
        "gather_rows"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [table, indices] = inputs
            && let (DType::U32, [picked]) = (indices.dtype, indices.shape.dims())
            && let [rows, row @ ..] = table.shape.dims()
            && (*rows > 0 || *picked == 0)
        {
            return Ok(vec![TensorType::new(table.dtype, [&[*picked], row].concat())]);
        }
        Err(ShapeError::new("a table [n, ...] with rows to pick and a vector of u32", inputs))
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[Some(upstream)], &[table, indices]) = (upstream, at.inputs.as_slice()) else { return Ok(vec![None; 2]) };
        let TensorType { shape, dtype: DType::F32 } = graph.kind(table).clone() else { return Ok(vec![None; 2]) };
        let [rows, row @ ..] = shape.dims() else { return Ok(vec![None; 2]) };
        let picked = graph.kind(indices).shape.elements();
        let upstream = reshape(graph, upstream, [picked, row.iter().product()])?;
        let sums = scatter_rows(graph, upstream, indices, *rows)?;
        Ok(vec![Some(reshape(graph, sums, shape.clone())?), None])
    }

    fn lowering(&self, _inputs: &[TensorType]) -> Lowering {
        Lowering::View(vec![View::GatherRows])
    }

    fn flops(&self, _inputs: &[TensorType]) -> u64 {
        0
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let [rows, row @ ..] = inputs[0].kind.shape.dims() else { return };
        let elements: usize = row.iter().product();
        for (index, element) in outputs[0].data.iter_mut().enumerate() {
            let picked = (inputs[1].data[index / elements] as usize).min(rows - 1);
            *element = inputs[0].data[picked * elements + index % elements];
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let (table, HostTensor::U32(_, indices)) = (inputs[0], inputs[1]) else { return false };
        let [rows, row @ ..] = table.shape().dims() else { return false };
        let elements: usize = row.iter().product();
        indices.iter().enumerate().all(|(position, &index)| {
            let start = (index as usize).min(rows - 1) * elements;
            copy_elements(table, start..start + elements, &mut outputs[0], position * elements)
        })
    }

    fn tolerance(&self, _inputs: &[TensorType]) -> Tolerance {
        Tolerance { absolute: 0.0, relative: 0.0 }
    }

    fn cases(&self) -> Vec<Case> {
        let indices = |count: usize, rows: u32| integers(DType::U32, [count], move |index| (index as u32 * 7 + 3) % rows);
        let bytes = integers(DType::U8, [9, 28], |index| (index as u32 * 31) % 256);
        let odd_bytes = integers(DType::U8, [5, 13], |index| (index as u32 * 31) % 256);
        let labels = integers(DType::U32, [17], |index| index as u32 % 10);
        let beyond = |label, inputs: [Array; 2]| Case { differentiable: false, ..case(label, inputs) };
        vec![
            case("one row", [floats(1, [1, 4]), indices(1, 1)]),
            case("rows of odd length", [floats(2, [11, 13]), indices(7, 11)]),
            case("rows of a matrix each", [floats(3, [6, 2, 4]), indices(9, 6)]),
            case("a vector", [floats(4, [255]), indices(257, 255)]),
            case("bytes", [bytes, indices(5, 9)]),
            case("bytes in rows of odd length", [odd_bytes, indices(6, 5)]),
            case("labels", [labels, indices(8, 17)]),
            beyond("rows that are not there", [floats(6, [5, 8]), indices(9, u32::MAX)]),
            beyond("elements that are not there", [floats(7, [5, 3]), indices(9, 40)]),
            case("nothing", [floats(5, [3, 4]), indices(0, 1)]),
        ]
    }
}

/// It has no attributes.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(GatherRows)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    #[test]
    fn picks_rows_in_the_order_of_the_indices() {
        let table = Array::from_fn([3, 2], |index| index as f64);
        let indices = integers(DType::U32, [4], |index| [2, 0, 2, 1][index]);
        let output = &reference(&GatherRows, &[table, indices])[0];
        assert_eq!(output.kind, TensorType::f32([4, 2]));
        assert_eq!(output.data, [4.0, 5.0, 0.0, 1.0, 4.0, 5.0, 2.0, 3.0]);
        assert_host_agrees(&GatherRows);
    }

    #[test]
    fn the_gradient_of_a_table_has_its_shape() {
        let gradient = |table: TensorType| {
            let mut graph = Graph::new();
            let (table, indices) = (graph.input("table", table), graph.input("indices", TensorType::u32([7])));
            let rows = gather_rows(&mut graph, table, indices).unwrap();
            let node = graph.node(rows.node).clone();
            let gradients = GatherRows.gradient(&mut graph, &node, &[Some(rows)]).unwrap();
            gradients[0].map(|gradient| graph.kind(gradient).clone())
        };
        for shape in [vec![50, 3], vec![50], vec![50, 2, 4]] {
            assert_eq!(gradient(TensorType::f32(shape.clone())), Some(TensorType::f32(shape)));
        }
        assert_eq!(gradient(TensorType::new(DType::U8, [50, 3])), None);
    }

    #[test]
    fn stays_inside_the_table() {
        let table = HostTensor::U8([2, 2].into(), vec![1, 2, 3, 4]);
        let indices = HostTensor::U32([1].into(), vec![u32::MAX]);
        let mut output = [HostTensor::U8([1, 2].into(), vec![0, 0])];
        assert!(GatherRows.host(&[&table, &indices], &mut output));
        assert_eq!(output[0], HostTensor::U8([1, 2].into(), vec![3, 4]));
    }

    #[test]
    fn refuses_other_indices_and_empty_tables() {
        let table = TensorType::f32([3, 2]);
        let error = GatherRows.infer(&[table.clone(), TensorType::f32([4])]).unwrap_err();
        assert!(error.to_string().ends_with("got f32[3, 2], f32[4]"), "{error}");
        assert!(GatherRows.infer(&[TensorType::f32([]), TensorType::u32([4])]).is_err());
        assert!(GatherRows.infer(&[table, TensorType::u32([4, 1])]).is_err());
        assert!(GatherRows.infer(&[TensorType::f32([0, 2]), TensorType::u32([4])]).is_err());
    }
}
