//! Sums of rows by index: `y[index] = sum over i where indices[i] == index of x[i]`, as [`torch.index_add`] adds them to
//! zeros, but always in the same order. It is the gradient of rows picked from a table, such as embeddings.
//!
//! [`torch.index_add`]: https://docs.pytorch.org/docs/stable/generated/torch.index_add.html

use std::sync::Arc;

use wgrad_core::op::AdapterClass;
use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Kernel, Literal, Lowering, Node, Op, ShapeError, TensorType, Tolerance,
    Value,
};

use crate::cases::{case, floats, grid, integers, tolerance_of_sum};
use crate::gather_rows;
use crate::rowwise::{load_four, store_four};

/// The operation of [`scatter_rows()`].
#[derive(Clone, Copy, Debug)]
pub struct ScatterRows {
    /// The output's rows.
    pub rows: usize,
}

/// Adds up the rows of `input`, f32 `[n, d]`, that `indices`, u32 `[n]`, give the same row of the output, f32 `[rows,
/// d]`. Rows without any are zeros; rows with an index that is `rows` or more are left out.
///
/// # Errors
/// Where the input is no f32 matrix, or the indices are no vector of u32, one for each of its rows.
pub fn scatter_rows(graph: &mut Graph, input: Value, indices: Value, rows: usize) -> Result<Value, GraphError> {
    graph.apply_one(ScatterRows { rows }, &[input, indices])
}

/// What an invocation makes, and how many there should be.
#[derive(Clone, Copy)]
struct Tile {
    /// Blocks of four columns.
    blocks: usize,
    /// The most rows whose sums an invocation keeps at once.
    most_rows: usize,
    /// Invocations that keep the adapter busy: with more, more of them would look through the same indices.
    invocations: usize,
    /// Invocations of a workgroup.
    workgroup: usize,
}

impl ScatterRows {
    /// A kernel whose invocations take as many rows each as leaves enough of them.
    fn kernel(&self, inputs: &[TensorType], class: AdapterClass, tile: Tile) -> Kernel {
        let (count, columns) = (inputs[0].shape.rows(), inputs[0].shape.columns());
        let across = columns.div_ceil(4 * tile.blocks);
        let range = (self.rows * across / tile.invocations).clamp(1, tile.most_rows);
        let places = self.rows.div_ceil(range) * across;
        Kernel {
            candidate: "scan",
            source: include_str!("scatter_rows.wgsl"),
            entry: "scatter_rows",
            class: Some(class),
            cooperative: None,
            dims: [self.rows, columns, count].map(|extent| extent as u32).to_vec(),
            constants: vec![
                ("scatter_rows_range", Literal::U32(range as u32)),
                ("scatter_rows_blocks", Literal::U32(tile.blocks as u32)),
                ("scatter_rows_workgroup_size", Literal::U32(tile.workgroup as u32)),
            ],
            workgroups: grid(places.div_ceil(tile.workgroup)),
            loads: vec![
                load_four("scatter_rows_input", "scatter_rows_load"),
                load_four("scatter_rows_indices", "scatter_rows_load_indices"),
            ],
            stores: vec![store_four("scatter_rows_output", "scatter_rows_store")],
            sums: Vec::new(),
        }
    }
}

impl Op for ScatterRows {
    fn name(&self) -> &'static str {
        "scatter_rows"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [input, indices] = inputs
            && let (DType::F32, [count, columns]) = (input.dtype, input.shape.dims())
            && *indices == TensorType::u32([*count])
        {
            return Ok(vec![TensorType::f32([self.rows, *columns])]);
        }
        Err(ShapeError::new("f32[n, d] and an index u32[n] for each row", inputs))
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let software = Tile { blocks: 4, most_rows: 8, invocations: 64, workgroup: 8 };
        let gpu = Tile { blocks: 1, most_rows: 8, invocations: 1 << 16, workgroup: 64 };
        Lowering::Kernels(vec![
            self.kernel(inputs, AdapterClass::Software, software),
            self.kernel(inputs, AdapterClass::Gpu, gpu),
        ])
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let [Some(upstream)] = *upstream else { return Ok(vec![None; 2]) };
        Ok(vec![Some(gather_rows(graph, upstream, at.inputs[1])?), None])
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let columns = inputs[0].kind.shape.columns();
        for (index, element) in inputs[0].data.iter().enumerate() {
            let row = inputs[1].data[index / columns] as usize;
            if row < self.rows {
                outputs[0].data[row * columns + index % columns] += element;
            }
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, input), HostTensor::U32(_, indices)], [HostTensor::F32(_, output)]) = (inputs, outputs)
        else {
            return false;
        };
        let columns = shape.columns();
        for (row, &index) in input.chunks_exact(columns.max(1)).zip(indices) {
            if (index as usize) < self.rows {
                let sums = &mut output[index as usize * columns..][..columns];
                sums.iter_mut().zip(row).for_each(|(sum, element)| *sum += element);
            }
        }
        true
    }

    /// All rows may have one index.
    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(inputs[0].shape.rows())
    }

    /// The gradient of an index beyond the last row would be that of the last row, as it is the caller's mistake.
    fn cases(&self) -> Vec<Case> {
        let rows = self.rows.max(1) as u32;
        let of = |label: &str, count: usize, columns: usize, index: &dyn Fn(u32) -> u32| {
            let indices = integers(DType::U32, [count], |position| index(position as u32));
            case(label, [floats(count as u32, [count, columns]), indices])
        };
        let spread = move |position: u32| (position * 7 + 3) % rows;
        let beyond = of("indices of no row", 9, 5, &move |position| if position % 2 == 0 { u32::MAX - position } else { rows });
        let mixed = of("some indices of no row", 14, 8, &move |position| position % (rows + 2));
        let many = of("many", 1030, 20, &spread);
        let mut cases = vec![
            of("one row", 1, 4, &spread),
            of("rows of 13", 7, 13, &spread),
            of("rows of 68", 9, 68, &spread),
            of("one column", 257, 1, &spread),
            of("all the first", 33, 3, &|_| 0),
            of("nothing", 0, 4, &spread),
            of("no columns", 5, 0, &spread),
        ];
        cases.extend([beyond, mixed, many].map(|case| Case { differentiable: false, ..case }));
        cases
    }
}

/// Few rows and many: one and several for each invocation.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    [1, 11, 300].map(|rows| Arc::new(ScatterRows { rows }) as Arc<dyn Op>).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    #[test]
    fn adds_up_rows_of_one_index() {
        let input = Array::from_fn([4, 2], |index| index as f64);
        let indices = integers(DType::U32, [4], |index| [2, 0, 2, 9][index]);
        let output = &reference(&ScatterRows { rows: 3 }, &[input, indices])[0];
        assert_eq!(output.kind, TensorType::f32([3, 2]));
        assert_eq!(output.data, [2.0, 3.0, 0.0, 0.0, 4.0, 6.0]);
        examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
    }

    #[test]
    fn many_rows_share_an_invocation() {
        let kinds = [TensorType::f32([4096, 128]), TensorType::u32([4096])];
        let range = |rows| {
            let Lowering::Kernels(kernels) = ScatterRows { rows }.lowering(&kinds) else { unreachable!() };
            [&kernels[0], &kernels[1]].map(|kernel| kernel.constants[0].1)
        };
        assert_eq!(range(10), [Literal::U32(1), Literal::U32(1)]);
        assert_eq!(range(512), [Literal::U32(8), Literal::U32(1)]);
        assert_eq!(range(50_000), [Literal::U32(8), Literal::U32(8)]);
    }

    #[test]
    fn refuses_indices_that_do_not_fit() {
        let error = ScatterRows { rows: 3 }.infer(&[TensorType::f32([4, 2]), TensorType::u32([5])]).unwrap_err();
        assert_eq!(error.to_string(), "wanted f32[n, d] and an index u32[n] for each row, got f32[4, 2], u32[5]");
        assert!(ScatterRows { rows: 3 }.infer(&[TensorType::u32([4, 2]), TensorType::u32([4])]).is_err());
    }
}
