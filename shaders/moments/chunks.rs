//! Mean and variance of chunks of a matrix's rows.

use wgrad_core::{Array, Case, HostTensor, Kernel, Lowering, Op, Shape, ShapeError, TensorType, Tolerance};

use super::{Moments, is_batch, matrices, tolerance_of_moments};
use crate::columnwise::ColumnKernels;
use crate::rowwise::{load_four, store_four};

/// Mean and variance of each column of an f32 matrix `[n, c]` over chunks of rows, of which the last may be shorter:
/// `[parts, c]` each.
///
/// It has no gradient: [`WholeMoments`](super::WholeMoments) has that of both stages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartialMoments {
    /// The rows of a chunk.
    pub chunk: usize,
}

/// The kernels for the moments of chunks of so many rows.
pub(super) fn kernels(shape: &Shape, chunk: usize) -> Vec<Kernel> {
    let (rows, columns) = (shape.rows(), shape.columns());
    let parts = rows.div_ceil(chunk.max(1));
    let kernels = ColumnKernels {
        source: include_str!("chunks.wgsl"),
        entry: "moments_chunks",
        serial: "moments_chunks_serial",
        constants: ["moments_chunks_blocks", "moments_chunks_strands"],
    };
    let loads = vec![load_four("moments_chunks_input", "moments_chunks_load")];
    let stores = vec![
        store_four("moments_chunks_mean", "moments_chunks_store_mean"),
        store_four("moments_chunks_variance", "moments_chunks_store_variance"),
    ];
    kernels.kernels(parts * columns.div_ceil(4), chunk.min(rows), &[rows, columns, chunk, parts], (loads, stores))
}

impl Op for PartialMoments {
    fn name(&self) -> &'static str {
        "moments"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        match inputs {
            [input] if is_batch(input) => {
                let parts = input.shape.rows().div_ceil(self.chunk.max(1));
                Ok(vec![TensorType::f32([parts, input.shape.columns()]); 2])
            }
            _ => Err(ShapeError::new("f32[n, c] of 1 row or more", inputs)),
        }
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        Lowering::Kernels(kernels(&inputs[0].shape, self.chunk))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        Moments.flops(inputs)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let columns = inputs[0].kind.shape.columns();
        let [means, variances] = outputs else { return };
        for (part, rows) in inputs[0].data.chunks((self.chunk * columns).max(1)).enumerate() {
            let chunk = Array { kind: TensorType::f32([rows.len() / columns, columns]), data: rows.to_vec() };
            let mut moments = [(); 2].map(|()| Array::zeros(TensorType::f32([columns])));
            Moments.reference(&[chunk], &mut moments);
            means.data[part * columns..][..columns].copy_from_slice(&moments[0].data);
            variances.data[part * columns..][..columns].copy_from_slice(&moments[1].data);
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, input)], [HostTensor::F32(_, means), HostTensor::F32(_, variances)]) = (inputs, outputs)
        else {
            return false;
        };
        let columns = shape.columns().max(1);
        let results = means.chunks_exact_mut(columns).zip(variances.chunks_exact_mut(columns));
        for (rows, (mean, variance)) in input.chunks((self.chunk * columns).max(1)).zip(results) {
            host_moments(rows, mean, variance);
        }
        true
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_moments(inputs[0].shape.rows().min(self.chunk))
    }

    fn cases(&self) -> Vec<Case> {
        let cases = matrices(&[[64, 8], [7, 13], [1, 5], [257, 1], [3 * self.chunk + 1, 9], [3, 0]]);
        cases.into_iter().map(|case| Case { differentiable: false, ..case }).collect()
    }
}

/// Mean and variance of each column of these rows, relative to the first row.
fn host_moments(rows: &[f32], mean: &mut [f32], variance: &mut [f32]) {
    let columns = mean.len();
    let (first, count) = (&rows[..columns], (rows.len() / columns) as f32);
    for row in rows.chunks_exact(columns) {
        mean.iter_mut().zip(row.iter().zip(first)).for_each(|(total, (x, first))| *total += x - first);
    }
    mean.iter_mut().zip(first).for_each(|(mean, first)| *mean = first + *mean / count);
    for row in rows.chunks_exact(columns) {
        variance.iter_mut().zip(row.iter().zip(&*mean)).for_each(|(total, (x, mean))| *total += (x - mean) * (x - mean));
    }
    variance.iter_mut().for_each(|variance| *variance /= count);
}
