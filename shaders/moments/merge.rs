//! Mean and variance of a matrix's columns from those of chunks of its rows.

use wgrad_core::{Array, Case, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Tolerance, Value};

use super::{Moments, PartialMoments, gradient, is_batch, matrices, tolerance_of_moments};
use crate::columnwise::ColumnKernels;
use crate::rowwise::{load_four, store_four};

/// Mean and variance of each column of a matrix, given those of chunks of its rows: the first two inputs. The third,
/// the matrix, is read by no kernel, but gets the gradient.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WholeMoments {
    /// The rows of a chunk. The last may have fewer.
    pub chunk: usize,
}

impl WholeMoments {
    /// The share of each chunk in all rows.
    fn weights(&self, rows: usize) -> impl Iterator<Item = f32> {
        let begins = (0..rows).step_by(self.chunk.max(1));
        begins.map(move |begin| self.chunk.min(rows - begin) as f32 / rows as f32)
    }
}

impl Op for WholeMoments {
    fn name(&self) -> &'static str {
        "moments"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [means, variances, whole] = inputs
            && is_batch(whole)
            && let Ok(partial) = (PartialMoments { chunk: self.chunk }).infer(std::slice::from_ref(whole))
            && [means, variances] == [&partial[0], &partial[1]]
        {
            return Moments.infer(std::slice::from_ref(whole));
        }
        let wanted = format!("means and variances of chunks of {} rows, and the f32[n, c] that they are of", self.chunk);
        Err(ShapeError::new(wanted, inputs))
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        Ok(vec![None, None, gradient::moments_gradient(graph, at.inputs[2], at.output(0), upstream)?])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let (rows, parts, columns) = (inputs[2].shape.rows(), inputs[0].shape.rows(), inputs[0].shape.columns());
        let kernels = ColumnKernels {
            source: include_str!("merge.wgsl"),
            entry: "moments_merge",
            serial: "moments_merge_serial",
            constants: ["moments_merge_blocks", "moments_merge_strands"],
        };
        let loads = vec![
            load_four("moments_merge_means", "moments_merge_load_mean"),
            load_four("moments_merge_variances", "moments_merge_load_variance"),
        ];
        let stores = vec![
            store_four("moments_merge_mean", "moments_merge_store_mean"),
            store_four("moments_merge_variance", "moments_merge_store_variance"),
        ];
        Lowering::Kernels(kernels.kernels(columns.div_ceil(4), parts, &[rows, columns, self.chunk, parts], (loads, stores)))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        8 * inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        Moments.reference(&inputs[2..], outputs);
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, means), HostTensor::F32(_, variances), whole], [HostTensor::F32(_, mean), variance]) =
            (inputs, outputs)
        else {
            return false;
        };
        let (HostTensor::F32(_, variance), columns) = (variance, shape.columns().max(1)) else { return false };
        let first = &means[..shape.columns()];
        for (weight, row) in self.weights(whole.shape().rows()).zip(means.chunks_exact(columns)) {
            mean.iter_mut().zip(row.iter().zip(first)).for_each(|(mean, (x, first))| *mean += weight * (x - first));
        }
        mean.iter_mut().zip(first).for_each(|(mean, first)| *mean += first);
        let chunks = means.chunks_exact(columns).zip(variances.chunks_exact(columns));
        for (weight, (means, variances)) in self.weights(whole.shape().rows()).zip(chunks) {
            let columns = variance.iter_mut().zip(&*mean).zip(means.iter().zip(variances));
            columns.for_each(|((total, mean), (x, own))| *total += weight * (own + (x - mean) * (x - mean)));
        }
        true
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_moments(inputs[2].shape.rows())
    }

    fn cases(&self) -> Vec<Case> {
        let partial = PartialMoments { chunk: self.chunk };
        let with_chunks = |case: Case| {
            let kinds: Vec<TensorType> = case.inputs.iter().map(|input| input.kind.clone()).collect();
            let mut chunks: Vec<Array> = partial.infer(&kinds).into_iter().flatten().map(Array::zeros).collect();
            partial.reference(&case.inputs, &mut chunks);
            chunks.iter_mut().flat_map(|chunk| &mut chunk.data).for_each(|x| *x = f64::from(*x as f32));
            Case { inputs: [chunks, case.inputs].concat(), ..case }
        };
        matrices(&[[64, 8], [77, 13], [1, 5], [257, 1], [33, 258], [3, 0]]).into_iter().map(with_chunks).collect()
    }
}
