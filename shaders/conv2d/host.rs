//! Products of windows on the CPU: some rows at a time are copied into a matrix, which `ndarray` multiplies.

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use wgrad_core::Windows;

/// Rows that are copied at a time: few enough for a processor's cache.
const ROWS: usize = 512;

/// Images, and the windows of them that are wanted.
pub(super) struct Images<'a> {
    pub data: &'a [f32],
    pub channels: usize,
    pub windows: Windows,
}

impl Images<'_> {
    /// The elements of a window.
    pub(super) fn depth(&self) -> usize {
        let [y, x] = self.windows.axes;
        y.taps * x.taps * self.channels
    }

    /// The windows of these rows, one behind the other.
    pub(super) fn rows(&self, rows: Range<usize>) -> Vec<f32> {
        let (depth, channels) = (self.depth(), self.channels);
        let mut matrix = vec![0.0; rows.len() * depth];
        for (row, window) in rows.zip(matrix.chunks_exact_mut(depth)) {
            for (tap, pixel) in window.chunks_exact_mut(channels).enumerate() {
                if let Some(from) = self.windows.element(channels, row, tap * channels) {
                    pixel.copy_from_slice(&self.data[from..from + channels]);
                }
            }
        }
        matrix
    }
}

/// Windows `[rows, depth]` times weights `[depth, columns]`, or `[columns, depth]` where they are transposed, as
/// `[rows, columns]`. Says whether the sizes agree.
pub(super) fn windows_times(images: &Images, weights: &[f32], (columns, transposed): (usize, bool), output: &mut [f32]) -> bool {
    let depth = images.depth();
    let stored = if transposed { (columns, depth) } else { (depth, columns) };
    let Ok(weights) = ArrayView2::from_shape(stored, weights) else { return false };
    let weights = if transposed { weights.reversed_axes() } else { weights };
    output.chunks_mut(ROWS * columns.max(1)).enumerate().all(|(block, output)| {
        let (first, count) = (block * ROWS, output.len() / columns);
        let rows = images.rows(first..first + count);
        let matrices = ArrayView2::from_shape((count, depth), &rows);
        let (Ok(rows), Ok(mut output)) = (matrices, ArrayViewMut2::from_shape((count, columns), output)) else { return false };
        general_mat_mul(1.0, &rows, &weights, 0.0, &mut output);
        true
    })
}

/// Factors `[rows, columns]`, transposed, times windows `[rows, depth]`, of these rows: `[columns, depth]`. Says whether
/// the sizes agree.
pub(super) fn transposed_times_windows(factors: &[f32], images: &Images, rows: Range<usize>, output: &mut [f32]) -> bool {
    let depth = images.depth();
    let columns = output.len() / depth;
    let Ok(mut output) = ArrayViewMut2::from_shape((columns, depth), output) else { return false };
    rows.clone().step_by(ROWS).all(|first| {
        let block = first..(first + ROWS).min(rows.end);
        let windows = images.rows(block.clone());
        let factors = ArrayView2::from_shape((block.len(), columns), &factors[block.start * columns..block.end * columns]);
        let (Ok(factors), Ok(windows)) = (factors, ArrayView2::from_shape((block.len(), depth), &windows)) else { return false };
        general_mat_mul(1.0, &factors.t(), &windows, 1.0, &mut output);
        true
    })
}
