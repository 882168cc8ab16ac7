//! Where in a stored tensor the element lies that a kernel wants.

use crate::op::View;
use crate::tensor::Shape;

/// A map from the indices of a shape to elements of a stored, row-major tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The extents that the indices run over.
    pub shape: Shape,
    /// Elements to skip.
    pub offset: usize,
    /// Distance between neighbours along each axis; 0 repeats.
    pub strides: Vec<usize>,
}

impl Access {
    /// Each index to its own element.
    pub fn identity(shape: &Shape) -> Self {
        Self { shape: shape.clone(), offset: 0, strides: shape.strides() }
    }

    /// The first element for all indices.
    pub fn repeat(shape: &Shape) -> Self {
        Self { shape: shape.clone(), offset: 0, strides: vec![0; shape.rank()] }
    }

    /// How a tensor of shape `from` is repeated to `to`, which it broadcasts to.
    pub fn broadcast(from: &Shape, to: &Shape) -> Self {
        let mut strides = vec![0; to.rank() - from.rank()];
        strides.extend(from.strides().iter().zip(from.dims()).map(|(&stride, &extent)| if extent == 1 { 0 } else { stride }));
        Self { shape: to.clone(), offset: 0, strides }
    }

    /// The access that a view makes of its input, for all indices of its output; none for views that no strides can
    /// describe.
    pub fn of_view(view: &View, shape: &Shape) -> Option<Self> {
        match view {
            View::Strided { offset, strides } => Some(Self { shape: shape.clone(), offset: *offset, strides: strides.clone() }),
            View::GatherRows | View::Windows(_) => None,
        }
    }

    /// Whether neighbours in the index space are neighbours in memory, over all axes.
    pub fn is_contiguous(&self) -> bool {
        let row_major = self.shape.strides();
        let differs = |axis: usize| self.shape.dims()[axis] > 1 && self.strides[axis] != row_major[axis];
        !(0..self.shape.rank()).any(differs)
    }

    /// Whether each index is mapped to its own element.
    pub fn is_identity(&self) -> bool {
        self.offset == 0 && self.is_contiguous()
    }

    /// Whether all indices are mapped to one element.
    pub fn is_repeat(&self) -> bool {
        self.shape.dims().iter().zip(&self.strides).all(|(&extent, &stride)| extent == 1 || stride == 0)
    }

    /// This access to a tensor which is itself seen through `inner`, as one access; none where strides cannot say it.
    pub fn then(&self, inner: &Access) -> Option<Access> {
        let with = |offset, strides| Some(Access { shape: self.shape.clone(), offset, strides });
        if inner.is_contiguous() {
            return with(self.offset + inner.offset, self.strides.clone());
        }
        if inner.is_repeat() {
            return with(inner.offset, vec![0; self.shape.rank()]);
        }
        if self.offset != 0 {
            return None;
        }
        if self.is_contiguous() && self.shape == inner.shape {
            return with(inner.offset, inner.strides.clone());
        }
        if self.is_repeat() {
            return with(inner.offset, self.strides.clone());
        }
        with(inner.offset, self.axis_by_axis(inner)?)
    }

    /// The strides of `inner` where this access keeps an axis, and 0 where it repeats along one.
    fn axis_by_axis(&self, inner: &Access) -> Option<Vec<usize>> {
        let skipped = self.shape.rank().checked_sub(inner.shape.rank())?;
        let row_major = inner.shape.strides();
        (0..self.shape.rank())
            .map(|axis| match (self.strides[axis], axis.checked_sub(skipped)) {
                (0, _) => Some(0),
                (stride, Some(own)) if stride == row_major[own] && self.shape.dims()[axis] == inner.shape.dims()[own] => {
                    Some(inner.strides[own])
                }
                _ => None,
            })
            .collect()
    }

    /// The same access with all indices in one axis; none where the strides do not allow it.
    pub fn flattened(&self) -> Option<Access> {
        let shape = Shape::from([self.shape.elements()]);
        if self.is_repeat() {
            return Some(Access { shape, offset: self.offset, strides: vec![0] });
        }
        self.is_contiguous().then(|| Access { shape, offset: self.offset, strides: vec![1] })
    }

    /// The distance between neighbouring columns.
    pub fn column_stride(&self) -> usize {
        if self.shape.columns() == 1 { 0 } else { self.strides.last().copied().unwrap_or(0) }
    }

    /// The leading axes, those that can be walked with one stride merged, as (extent, stride), slowest first;
    /// axes of extent 1 left out.
    pub fn row_runs(&self) -> Vec<(usize, usize)> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        let leading = self.shape.rank().saturating_sub(1);
        for (&extent, &stride) in self.shape.dims()[..leading].iter().zip(&self.strides) {
            match runs.last_mut() {
                _ if extent == 1 => {}
                Some(last) if last.1 == stride * extent => *last = (last.0 * extent, stride),
                _ => runs.push((extent, stride)),
            }
        }
        runs
    }

    /// Whether four consecutive columns, from a multiple of 4, always lie in one aligned group of four elements.
    pub fn is_aligned(&self) -> bool {
        self.column_stride() == 1 && self.offset.is_multiple_of(4) && self.row_runs().iter().all(|(_, stride)| stride % 4 == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_of_an_arena_keeps_its_offset() {
        let slice = Access { shape: [2, 4].into(), offset: 8, strides: vec![4, 1] };
        let bias = Access::broadcast(&[4].into(), &[3, 4].into());
        let inner = Access { shape: [4].into(), offset: 16, strides: vec![1] };
        assert_eq!(Access::identity(&[2, 4].into()).then(&slice), Some(slice));
        assert_eq!(bias.then(&inner).map(|access| (access.offset, access.strides)), Some((16, vec![0, 1])));
    }

    #[test]
    fn a_reshape_of_a_transpose_is_no_access() {
        let transpose = Access { shape: [3, 2].into(), offset: 0, strides: vec![1, 3] };
        let flat = Access { shape: [6].into(), offset: 0, strides: vec![1] };
        assert_eq!(flat.then(&transpose), None);
        assert_eq!(Access::identity(&[3, 2].into()).then(&transpose), Some(transpose));
    }

    #[test]
    fn rows_with_one_stride_merge() {
        assert_eq!(Access::identity(&[2, 3, 4].into()).row_runs(), vec![(6, 4)]);
        assert_eq!(Access { shape: [2, 3, 4].into(), offset: 0, strides: vec![4, 8, 1] }.row_runs(), vec![(2, 4), (3, 8)]);
        assert!(!Access::identity(&[2, 10].into()).is_aligned());
    }
}
