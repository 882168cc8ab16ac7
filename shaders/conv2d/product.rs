//! The kernels of a product of matrices, of which one is made of windows.

use wgrad_core::{Lowering, Shape, View, Windows};

use crate::matmul::{Extents, Matmul, candidates};

/// The lowering of a product, by the kernels of [`matmul`](crate::matmul()).
pub(super) fn lowering(op: Matmul, extents: Option<Extents>) -> Lowering {
    let extents = extents.unwrap_or(Extents { batch: 0, m: 0, n: 0, k: 0 });
    let mut kernels = candidates::candidates(op, extents, 0);
    // The sums that they can make are over rows of the operand as the kernel sees it, which nobody asks for.
    kernels.iter_mut().for_each(|kernel| kernel.sums.clear());
    Lowering::Kernels(kernels)
}

/// A tensor as a matrix of these extents.
pub(super) fn matrix(shape: impl Into<Shape>) -> (View, Shape) {
    let shape = shape.into();
    (View::Strided { offset: 0, strides: shape.strides() }, shape)
}

/// Images as a matrix of their windows.
pub(super) fn windows(windows: Windows, images: usize, channels: usize) -> (View, Shape) {
    let shape = windows.shape(images, channels);
    (View::Windows(windows), shape)
}
