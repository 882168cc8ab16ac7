//! Attention on the CPU: products of matrices, for one index along the first axes after another.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};
use wgrad_core::{HostTensor, TensorType};

use super::{Attention, Extents};
use crate::gated::as_floats;

/// The matrices of one index: `[t, d]`, `[s, d]` or `[t, s]`.
struct Block<'a> {
    query: ArrayView2<'a, f32>,
    key: ArrayView2<'a, f32>,
    value: ArrayView2<'a, f32>,
    mask: ArrayView2<'a, f32>,
    factor: ArrayView2<'a, f32>,
}

/// What is the same for all indices.
struct Operands<'a> {
    op: Attention,
    extents: Extents,
    data: Vec<&'a [f32]>,
}

impl<'a> Operands<'a> {
    fn of(op: Attention, inputs: &[&'a HostTensor]) -> Option<Self> {
        let kinds: Vec<TensorType> = inputs.iter().map(|input| input.kind()).collect();
        let data = inputs.iter().map(as_floats).collect::<Option<_>>()?;
        Some(Self { op, extents: Extents::of(&kinds)?, data })
    }

    fn matrix(&self, input: usize, batch: usize, rows: usize, columns: usize) -> Option<ArrayView2<'a, f32>> {
        ArrayView2::from_shape((rows, columns), self.data[input].get(batch * rows * columns..)?.get(..rows * columns)?).ok()
    }

    fn block(&self, batch: usize) -> Option<Block<'a>> {
        let Extents { queries, keys, columns, .. } = self.extents;
        Some(Block {
            query: self.matrix(0, batch, queries, columns)?,
            key: self.matrix(1, batch, keys, columns)?,
            value: self.matrix(2, batch, keys, columns)?,
            mask: self.matrix(3, batch, queries, keys)?,
            factor: self.matrix(4, batch, queries, keys)?,
        })
    }

    /// The scores of all keys, also of those that a query does not see.
    fn scores(&self, block: &Block) -> Array2<f32> {
        let mut scores = block.mask.to_owned();
        general_mat_mul(self.op.scale, &block.query, &block.key.t(), 1.0, &mut scores);
        scores
    }

    /// Weights times factors, and the changes of scores.
    fn changes(&self, batch: usize) -> Option<[Array2<f32>; 2]> {
        let Extents { queries, keys, columns, .. } = self.extents;
        let block = self.block(batch)?;
        let statistics = self.matrix(6, batch, queries, 4)?;
        let mut weights = self.scores(&block);
        let mut changes = product(self.matrix(5, batch, queries, columns)?, block.value.t());
        let rows = weights.rows_mut().into_iter().zip(changes.rows_mut()).zip(block.factor.rows()).zip(statistics.rows());
        for (query, (((mut weights, mut changes), factors), statistics)) in rows.enumerate() {
            let (maximum, reciprocal, mean) = (statistics[0], statistics[1], statistics[2]);
            let elements = weights.iter_mut().zip(&mut changes).zip(factors);
            let seen = self.op.seen(query, keys);
            for ((weight, change), factor) in elements {
                let exponential = (*weight - maximum).exp() * reciprocal;
                *change = exponential * (factor * *change - mean);
                *weight = exponential * factor;
            }
            // What is not seen may have overflowed.
            weights.slice_mut(s![seen..]).fill(0.0);
            changes.slice_mut(s![seen..]).fill(0.0);
        }
        Some([weights, changes])
    }
}

fn product(left: ArrayView2<f32>, right: ArrayView2<f32>) -> Array2<f32> {
    let mut product = Array2::zeros((left.nrows(), right.ncols()));
    general_mat_mul(1.0, &left, &right, 0.0, &mut product);
    product
}

/// Stores a product as the matrix of one index.
fn store(output: &mut [f32], index: usize, scale: f32, left: ArrayView2<f32>, right: ArrayView2<f32>) -> Option<()> {
    let (rows, columns) = (left.nrows(), right.ncols());
    let place = output.get_mut(index * rows * columns..)?.get_mut(..rows * columns)?;
    general_mat_mul(scale, &left, &right, 0.0, &mut ArrayViewMut2::from_shape((rows, columns), place).ok()?);
    Some(())
}

/// Computes [`Attention`]; none where a tensor is not of floats.
pub(super) fn attention(op: Attention, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> Option<()> {
    let operands = Operands::of(op, inputs)?;
    let [HostTensor::F32(_, output), HostTensor::F32(_, sums)] = outputs else { return None };
    for batch in 0..operands.extents.batch {
        let block = operands.block(batch)?;
        let mut weights = operands.scores(&block);
        for (query, mut row) in weights.rows_mut().into_iter().enumerate() {
            let seen = op.seen(query, operands.extents.keys);
            let maximum = row.iter().take(seen).copied().fold(f32::NEG_INFINITY, f32::max);
            let mut sum = 0.0;
            for (key, score) in row.iter_mut().enumerate() {
                *score = if key < seen { (*score - maximum).exp() } else { 0.0 };
                sum += *score;
            }
            row.iter_mut().zip(block.factor.row(query)).for_each(|(weight, factor)| *weight *= factor / sum);
            sums[2 * operands.extents.row(batch, query)..][..2].copy_from_slice(&[maximum, sum]);
        }
        store(output, batch, 1.0, weights.view(), block.value)?;
    }
    Some(())
}

/// Computes [`AttentionStatistics`](super::AttentionStatistics).
pub(super) fn statistics(inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> Option<()> {
    let [HostTensor::F32(shape, upstream), HostTensor::F32(_, output), HostTensor::F32(_, sums)] = inputs else { return None };
    let [HostTensor::F32(_, statistics)] = outputs else { return None };
    let columns = shape.columns();
    for (row, statistics) in statistics.chunks_exact_mut(4).enumerate() {
        let place = row * columns..(row + 1) * columns;
        let mean = upstream[place.clone()].iter().zip(&output[place]).map(|(upstream, output)| upstream * output).sum();
        statistics.copy_from_slice(&[sums[2 * row], 1.0 / sums[2 * row + 1], mean, 0.0]);
    }
    Some(())
}

/// Computes [`AttentionQueryGradient`](super::AttentionQueryGradient).
pub(super) fn query_gradient(op: Attention, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> Option<()> {
    let operands = Operands::of(op, inputs)?;
    let [HostTensor::F32(_, output)] = outputs else { return None };
    for batch in 0..operands.extents.batch {
        let [_, changes] = operands.changes(batch)?;
        store(output, batch, op.scale, changes.view(), operands.block(batch)?.key)?;
    }
    Some(())
}

/// Computes [`AttentionKeyGradient`](super::AttentionKeyGradient).
pub(super) fn key_gradient(op: Attention, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> Option<()> {
    let operands = Operands::of(op, inputs)?;
    let Extents { batch: count, queries, columns, .. } = operands.extents;
    let [HostTensor::F32(_, output)] = outputs else { return None };
    for batch in 0..count {
        let [weights, changes] = operands.changes(batch)?;
        store(output, batch, op.scale, changes.t(), operands.block(batch)?.query)?;
        store(output, count + batch, 1.0, weights.t(), operands.matrix(5, batch, queries, columns)?)?;
    }
    Some(())
}
