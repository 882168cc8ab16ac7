//! Extents along the height and the width of images.

use crate::error::Error;
use crate::var::Var;

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

/// Checks that an input is images, `[batch, channels, height, width]`, of so many channels where a number is wanted, in which
/// windows that cover so many pixels have a place.
pub(super) fn check_images(input: &Var, channels: Option<usize>, covered: [usize; 2], padding: [usize; 2]) -> Result<(), Error> {
    let fits = |axis: usize, extent: usize| covered[axis] <= extent.saturating_add(padding[axis].saturating_mul(2));
    let shape = input.shape();
    match *shape.dims() {
        [_, found, height, width] if channels.is_none_or(|wanted| wanted == found) && fits(0, height) && fits(1, width) => Ok(()),
        _ => {
            let channels = channels.map_or("channels".to_owned(), |wanted| wanted.to_string());
            let place = format!("with a place for {} x {} pixels, padding included", covered[0], covered[1]);
            Err(Error::mismatch("input", format!("[batch, {channels}, height, width] {place}"), shape))
        }
    }
}
