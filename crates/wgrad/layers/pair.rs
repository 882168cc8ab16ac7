//! Extents along the height and the width of images.

/// An extent along the height and one along the width: `3` is short for `[3, 3]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair(pub(super) [usize; 2]);

impl From<usize> for Pair {
    fn from(extent: usize) -> Self {
        Self([extent; 2])
    }
}

impl From<[usize; 2]> for Pair {
    fn from(extents: [usize; 2]) -> Self {
        Self(extents)
    }
}
