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

    /// Elements from the tensor's first to the last that an index is mapped to.
    pub fn reach(&self) -> usize {
        let axes = self.shape.dims().iter().zip(&self.strides);
        self.offset + 1 + axes.map(|(extent, stride)| extent.saturating_sub(1) * stride).sum::<usize>()
    }

    /// Whether all indices are mapped to one element.
    pub fn is_repeat(&self) -> bool {
        self.shape.dims().iter().zip(&self.strides).all(|(&extent, &stride)| extent == 1 || stride == 0)
    }

    /// This access to a tensor which is itself seen through `inner`, as one access; none where strides cannot say it.
    ///
    /// A stride of this access is a distance in the tensor between, whose row-major index has a digit for each axis: so
    /// many steps along each. What they come to in the stored tensor is a stride too, as long as no digit overflows.
    pub fn then(&self, inner: &Access) -> Option<Access> {
        let with = |offset, strides| Some(Access { shape: self.shape.clone(), offset, strides });
        if self.shape.elements() == 0 || inner.is_repeat() {
            return with(inner.offset, vec![0; self.shape.rank()]);
        }
        let axes = inner.merged_axes();
        let mut most = digits(self.offset, &axes);
        let mut strides = Vec::with_capacity(self.shape.rank());
        for (&extent, &stride) in self.shape.dims().iter().zip(&self.strides) {
            let steps = digits(if extent == 1 { 0 } else { stride }, &axes);
            most.iter_mut().zip(&steps).for_each(|(most, steps)| *most += steps * (extent - 1));
            strides.push(distance(&steps, &axes));
        }
        let overflows = most.iter().zip(&axes).any(|(most, axis)| *most >= axis.0);
        if overflows { None } else { with(inner.offset + distance(&digits(self.offset, &axes), &axes), strides) }
    }

    /// The axes, those that can be walked with one stride merged, as (extent, stride), slowest first.
    fn merged_axes(&self) -> Vec<(usize, usize)> {
        merge(self.shape.dims().iter().copied().zip(self.strides.iter().copied()))
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
        let leading = self.shape.rank().saturating_sub(1);
        merge(self.shape.dims()[..leading].iter().copied().zip(self.strides.iter().copied()))
    }

    /// Whether four consecutive columns, from a multiple of 4, always lie in one aligned group of four elements.
    pub fn is_aligned(&self) -> bool {
        self.column_stride() == 1 && self.offset.is_multiple_of(4) && self.row_runs().iter().all(|(_, stride)| stride % 4 == 0)
    }
}

/// Axes as (extent, stride), with those that can be walked with one stride merged and those of extent 1 left out.
fn merge(axes: impl Iterator<Item = (usize, usize)>) -> Vec<(usize, usize)> {
    let mut merged: Vec<(usize, usize)> = Vec::new();
    for (extent, stride) in axes.filter(|&(extent, _)| extent != 1) {
        match merged.last_mut() {
            Some(last) if last.1 == stride * extent => *last = (last.0 * extent, stride),
            _ => merged.push((extent, stride)),
        }
    }
    merged
}

/// A row-major index over axes of (extent, stride) as an index along each. The first takes what is beyond its extent.
fn digits(index: usize, axes: &[(usize, usize)]) -> Vec<usize> {
    let mut digits = vec![0; axes.len()];
    let mut rest = index;
    for (axis, &(extent, _)) in axes.iter().enumerate().rev() {
        digits[axis] = if axis == 0 { rest } else { rest % extent.max(1) };
        rest /= extent.max(1);
    }
    digits
}

/// The distance that so many steps along each axis go.
fn distance(steps: &[usize], axes: &[(usize, usize)]) -> usize {
    steps.iter().zip(axes).map(|(steps, (_, stride))| steps * stride).sum()
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

    /// Every combination of a slice, permutation, reshape or broadcast with another that strides can say, element by
    /// element.
    #[test]
    fn accesses_combine_as_their_maps_do() {
        let access = |shape: &[usize], offset, strides: &[usize]| Access {
            shape: shape.to_vec().into(),
            offset,
            strides: strides.to_vec(),
        };
        let inner = [
            access(&[4, 6], 0, &[6, 1]),
            access(&[4, 6], 5, &[12, 1]),
            access(&[4, 1, 6], 3, &[1, 9, 4]),
            access(&[2, 2, 6], 1, &[40, 7, 1]),
            access(&[4, 6], 2, &[0, 1]),
        ];
        let outer = [
            (access(&[24], 0, &[1]), [true, false, false, false, false]),
            (access(&[4, 6], 0, &[6, 1]), [true, true, true, false, true]),
            (access(&[6, 4], 0, &[1, 6]), [true, true, true, false, true]),
            (access(&[2, 2, 2, 3], 0, &[12, 6, 3, 1]), [true; 5]),
            (access(&[3, 2], 13, &[2, 1]), [true, false, false, false, false]),
            (access(&[3, 2], 8, &[6, 2]), [true, true, true, false, true]),
            (access(&[5, 4], 6, &[0, 1]), [true; 5]),
        ];
        for (outer, expressible) in &outer {
            for (inner, expressible) in inner.iter().zip(expressible) {
                let both = outer.then(inner);
                assert_eq!(both.is_some(), *expressible, "{outer:?} of {inner:?}");
                for index in 0..outer.shape.elements() {
                    let wanted = element(inner, element(outer, index));
                    assert!(both.as_ref().is_none_or(|both| element(both, index) == wanted), "{outer:?} of {inner:?}");
                }
            }
        }
    }

    /// The element that a row-major index is mapped to.
    fn element(access: &Access, index: usize) -> usize {
        let axes = access.shape.strides().into_iter().zip(access.shape.dims()).zip(&access.strides);
        access.offset + axes.map(|((row_major, extent), stride)| index / row_major % extent * stride).sum::<usize>()
    }

    #[test]
    fn rows_with_one_stride_merge() {
        assert_eq!(Access::identity(&[2, 3, 4].into()).row_runs(), vec![(6, 4)]);
        assert_eq!(Access { shape: [2, 3, 4].into(), offset: 0, strides: vec![4, 8, 1] }.row_runs(), vec![(2, 4), (3, 8)]);
        assert!(!Access::identity(&[2, 10].into()).is_aligned());
    }
}
