//! The sums over a batch that the gradients of its normalisation are made of.

use wgrad_core::{Array, Case, DType, Graph, GraphError, HostTensor, Lowering, Op, ShapeError, TensorType, Tolerance, Value};

use crate::cases::{case, floats, tolerance_of_sum};
use crate::columnwise::{ColumnKernels, chunk};
use crate::rowwise::{load_four, store_four};
use crate::sum_axes;

/// For each column of an upstream gradient `g` and an input `x`, f32 `[n, c]`, and the means of the input's columns, f32
/// `[c]`: the sum of `g` and that of `g * (x - mean)`, over chunks of rows, of which the last may be shorter; `[parts,
/// c]` each.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormSums {
    /// The rows of a chunk.
    pub chunk: usize,
}

/// Both sums over all rows, `[c]` each.
pub(super) fn sums(graph: &mut Graph, upstream: Value, input: Value, mean: Value) -> Result<[Value; 2], GraphError> {
    let shape = &graph.kind(input).shape;
    let chunk = chunk(shape.rows(), shape.columns()).unwrap_or(shape.rows());
    let parts = graph.apply(BatchNormSums { chunk }, &[upstream, input, mean])?;
    Ok([sum_axes(graph, parts[0], &[0], false)?, sum_axes(graph, parts[1], &[0], false)?])
}

impl BatchNormSums {
    /// One at least, so that the sums of no rows are zeros.
    fn parts(&self, rows: usize) -> usize {
        rows.div_ceil(self.chunk.max(1)).max(1)
    }
}

impl Op for BatchNormSums {
    fn name(&self) -> &'static str {
        "batch_norm_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [upstream, input, mean] = inputs
            && let (DType::F32, [rows, columns]) = (upstream.dtype, upstream.shape.dims())
            && upstream == input
            && *mean == TensorType::f32([*columns])
        {
            return Ok(vec![TensorType::f32([self.parts(*rows), *columns]); 2]);
        }
        Err(ShapeError::new("f32[n, c] twice (upstream, input) and f32[c] (mean)", inputs))
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let (rows, columns) = (inputs[0].shape.rows(), inputs[0].shape.columns());
        let parts = self.parts(rows);
        let kernels = ColumnKernels {
            source: include_str!("sums.wgsl"),
            entry: "batch_norm_sums",
            serial: "batch_norm_sums_serial",
            constants: ["batch_norm_sums_blocks", "batch_norm_sums_strands"],
        };
        let loads = vec![
            load_four("batch_norm_sums_upstream", "batch_norm_sums_load_upstream"),
            load_four("batch_norm_sums_input", "batch_norm_sums_load_input"),
            load_four("batch_norm_sums_mean", "batch_norm_sums_load_mean"),
        ];
        let stores = vec![
            store_four("batch_norm_sums_sum", "batch_norm_sums_store_sum"),
            store_four("batch_norm_sums_product", "batch_norm_sums_store_product"),
        ];
        let dims = [rows, columns, self.chunk, parts];
        Lowering::Kernels(kernels.kernels(parts * columns.div_ceil(4), self.chunk.min(rows), &dims, (loads, stores)))
    }

    /// Two sums, a difference and a product for each element.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        4 * inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let columns = inputs[0].kind.shape.columns();
        for (index, (g, x)) in inputs[0].data.iter().zip(&inputs[1].data).enumerate() {
            let (row, column) = (index / columns, index % columns);
            let place = row / self.chunk.max(1) * columns + column;
            outputs[0].data[place] += g;
            outputs[1].data[place] += g * (x - inputs[2].data[column]);
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let [HostTensor::F32(shape, upstream), HostTensor::F32(_, input), HostTensor::F32(_, mean)] = inputs else {
            return false;
        };
        let [HostTensor::F32(_, sums), HostTensor::F32(_, products)] = outputs else { return false };
        let columns = shape.columns().max(1);
        let rows = upstream.chunks_exact(columns).zip(input.chunks_exact(columns));
        for (row, (upstream, input)) in rows.enumerate() {
            let place = row / self.chunk.max(1) * columns;
            let sums = sums[place..][..columns].iter_mut().zip(&mut products[place..][..columns]);
            for ((sum, product), ((g, x), mean)) in sums.zip(upstream.iter().zip(input).zip(mean)) {
                *sum += g;
                *product += g * (x - mean);
            }
        }
        true
    }

    /// The differences from the means are up to 2.
    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(2 * inputs[0].shape.rows().min(self.chunk))
    }

    fn cases(&self) -> Vec<Case> {
        let shapes = [[64, 8], [7, 13], [1, 5], [257, 1], [33, 258], [0, 4], [3, 0], [2051, 12]];
        let cases = (1..).zip(shapes).map(|(seed, shape)| {
            case(format!("shape {shape:?}"), [floats(seed, shape), floats(seed + 10, shape), floats(seed + 20, [shape[1]])])
        });
        cases.map(|case| Case { differentiable: false, ..case }).collect()
    }
}
