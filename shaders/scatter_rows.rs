//! Sums of rows by index: `y[index] = sum over i where indices[i] == index of x[i]`, as [`torch.index_add`] adds them to
//! zeros, but always in the same order. It is the gradient of rows picked from a table, such as embeddings.
//!
//! [`torch.index_add`]: https://docs.pytorch.org/docs/stable/generated/torch.index_add.html

use std::ops::Range;
use std::sync::Arc;

use wgrad_core::op::AdapterClass;
use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Kernel, Literal, Lowering, Node, Op, ShapeError, TensorType, Tolerance,
    Value,
};

use crate::cases::{case, floats, grid, integers, tolerance_of_sum};
use crate::matmul::partition::sum_of_parts;
use crate::rowwise::{load_four, store_four};
use crate::{concat, gather_rows, split};

/// The operation of [`scatter_rows()`].
#[derive(Clone, Copy, Debug)]
pub struct ScatterRows {
    /// The rows that indices name.
    pub rows: usize,
    /// The output has a table for each of so many parts of the input, one behind another.
    pub chunks: usize,
}

/// The most rows that are looked through at a time, where the table is small enough to have several.
///
/// Of a row that all indices name a kernel makes 43,008 rounds then, which is fewer than software adapters run: see
/// [`Target::most_rounds`](wgrad_core::plan::Target::most_rounds).
const CHUNK: usize = 8192;
/// The most elements that the tables of all chunks may have.
const TABLES: usize = 1 << 24;

/// Adds up the rows of `input`, f32 `[n, d]`, that `indices`, u32 `[n]`, give the same row of the output, f32 `[rows,
/// d]`. Rows without any are zeros; rows with an index that is `rows` or more are left out.
///
/// # Errors
/// Where the input is no f32 matrix, or the indices are no vector of u32, one for each of its rows.
pub fn scatter_rows(graph: &mut Graph, input: Value, indices: Value, rows: usize) -> Result<Value, GraphError> {
    let (count, columns) = (graph.kind(input).shape.rows(), graph.kind(input).shape.columns());
    let chunks = count.div_ceil(CHUNK).min(TABLES / (rows * columns).max(1));
    if chunks <= 1 {
        return graph.apply_one(ScatterRows { rows, chunks: 1 }, &[input, indices]);
    }
    let tables = graph.apply_one(ScatterRows { rows, chunks }, &[input, indices])?;
    sum_of_parts(graph, tables, [rows, columns])
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
    /// The rows of a part of the input: a multiple of four, by which indices are read.
    fn chunk(&self, count: usize) -> usize {
        count.div_ceil(self.chunks).next_multiple_of(4)
    }

    /// The rows of the input that belong to a table.
    fn part(&self, count: usize, table: usize) -> Range<usize> {
        let [begin, end] = [table, table + 1].map(|table| (table * self.chunk(count)).min(count));
        begin..end
    }

    /// A kernel whose invocations take as many rows each as leaves enough of them.
    fn kernel(&self, inputs: &[TensorType], class: AdapterClass, tile: Tile) -> Kernel {
        let (count, columns) = (inputs[0].shape.rows(), inputs[0].shape.columns());
        let chunk = self.chunk(count);
        let across = columns.div_ceil(4 * tile.blocks);
        let range = (self.chunks * self.rows * across / tile.invocations).clamp(1, tile.most_rows);
        let places = self.chunks * self.rows.div_ceil(range) * across;
        Kernel {
            candidate: "scan",
            source: include_str!("scatter_rows.wgsl"),
            entry: "scatter_rows",
            class: Some(class),
            cooperative: None,
            dims: [self.rows, columns, count, chunk].map(|extent| extent as u32).to_vec(),
            constants: vec![
                ("scatter_rows_chunks", Literal::U32(self.chunks as u32)),
                ("scatter_rows_range", Literal::U32(range as u32)),
                ("scatter_rows_blocks", Literal::U32(tile.blocks as u32)),
                ("scatter_rows_workgroup_size", Literal::U32(tile.workgroup as u32)),
            ],
            workgroups: grid(places.div_ceil(tile.workgroup)),
            // As if all indices named rows of one invocation.
            rounds: (chunk.div_ceil(4) * (1 + 4 + 4 * tile.blocks) + range * tile.blocks) as u64,
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
            return Ok(vec![TensorType::f32([self.chunks * self.rows, *columns])]);
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
        let tables = split(graph, upstream, 0, &vec![self.rows; self.chunks])?;
        let count = graph.kind(at.inputs[1]).shape.elements();
        let extents: Vec<usize> = (0..self.chunks).map(|chunk| self.part(count, chunk).len()).collect();
        let indices = split(graph, at.inputs[1], 0, &extents)?;
        let picked = tables.into_iter().zip(indices).map(|(table, indices)| gather_rows(graph, table, indices));
        let picked = picked.collect::<Result<Vec<_>, _>>()?;
        Ok(vec![Some(concat(graph, &picked, 0)?), None])
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let columns = inputs[0].kind.shape.columns();
        for (index, element) in inputs[0].data.iter().enumerate() {
            let (place, row) = (index / columns, inputs[1].data[index / columns] as usize);
            if row < self.rows {
                let table = place / self.chunk(inputs[1].data.len());
                outputs[0].data[(table * self.rows + row) * columns + index % columns] += element;
            }
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, input), HostTensor::U32(_, indices)], [HostTensor::F32(_, output)]) = (inputs, outputs)
        else {
            return false;
        };
        let columns = shape.columns();
        for (place, (row, &index)) in input.chunks_exact(columns.max(1)).zip(indices).enumerate() {
            if (index as usize) < self.rows {
                let table = place / self.chunk(indices.len());
                let sums = &mut output[(table * self.rows + index as usize) * columns..][..columns];
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

/// Few rows and many: one and several for each invocation; and several tables.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    [(1, 1), (11, 1), (300, 1), (11, 3)].map(|(rows, chunks)| Arc::new(ScatterRows { rows, chunks }) as Arc<dyn Op>).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    #[test]
    fn adds_up_rows_of_one_index() {
        let input = Array::from_fn([4, 2], |index| index as f64);
        let indices = integers(DType::U32, [4], |index| [2, 0, 2, 9][index]);
        let output = &reference(&ScatterRows { rows: 3, chunks: 1 }, &[input, indices])[0];
        assert_eq!(output.kind, TensorType::f32([3, 2]));
        assert_eq!(output.data, [2.0, 3.0, 0.0, 0.0, 4.0, 6.0]);
        examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
    }

    /// Many rows of input become several tables, which are added up, and none of whose kernels makes too many rounds.
    #[test]
    fn many_rows_of_input_are_added_up_in_parts() {
        let mut graph = Graph::new();
        let input = graph.input("input", TensorType::f32([20_000, 8]));
        let indices = graph.input("indices", TensorType::u32([20_000]));
        let sums = scatter_rows(&mut graph, input, indices, 7).unwrap();
        assert_eq!(*graph.kind(sums), TensorType::f32([7, 8]));
        let op = ScatterRows { rows: 7, chunks: 3 };
        assert_eq!((0..3).map(|table| op.part(20_000, table)).collect::<Vec<_>>(), [0..6668, 6668..13_336, 13_336..20_000]);
        let Lowering::Kernels(kernels) = op.lowering(&[graph.kind(input).clone(), graph.kind(indices).clone()]) else {
            unreachable!()
        };
        assert!(kernels.iter().all(|kernel| kernel.rounds < 65_535));
    }

    #[test]
    fn many_rows_share_an_invocation() {
        let kinds = [TensorType::f32([4096, 128]), TensorType::u32([4096])];
        let range = |rows| {
            let Lowering::Kernels(kernels) = ScatterRows { rows, chunks: 1 }.lowering(&kinds) else { unreachable!() };
            [&kernels[0], &kernels[1]].map(|kernel| kernel.constants[1].1)
        };
        assert_eq!(range(10), [Literal::U32(1), Literal::U32(1)]);
        assert_eq!(range(512), [Literal::U32(8), Literal::U32(1)]);
        assert_eq!(range(50_000), [Literal::U32(8), Literal::U32(8)]);
    }

    #[test]
    fn refuses_indices_that_do_not_fit() {
        let error = ScatterRows { rows: 3, chunks: 1 }.infer(&[TensorType::f32([4, 2]), TensorType::u32([5])]).unwrap_err();
        assert_eq!(error.to_string(), "wanted f32[n, d] and an index u32[n] for each row, got f32[4, 2], u32[5]");
        assert!(ScatterRows { rows: 3, chunks: 1 }.infer(&[TensorType::u32([4, 2]), TensorType::u32([4])]).is_err());
    }
}
