//! Axes exchanged, cut, joined and merged.

use wgrad_core::Shape;
use wgrad_shaders as ops;

use crate::error::Error;
use crate::var::Var;

/// Shapes and axes. As in PyTorch, a negative axis is counted from the end: -1 is the last.
impl Var {
    /// The axes in another order: axis `i` is axis `axes[i]` of this.
    pub fn permute(&self, axes: &[isize]) -> Var {
        self.along("permute", axes, |axes| self.map(|graph, x| ops::permute(graph, x, axes)))
    }

    /// Two axes exchanged.
    pub fn transpose(&self, first: isize, second: isize) -> Var {
        self.along("transpose", &[first, second], |axes| self.map(|graph, x| ops::transpose(graph, x, axes[0], axes[1])))
    }

    /// A matrix with its axes exchanged.
    pub fn t(&self) -> Var {
        self.transpose(0, 1)
    }

    /// `length` elements along an axis, from `start` on.
    pub fn narrow(&self, axis: isize, start: usize, length: usize) -> Var {
        self.along("narrow", &[axis], |axes| {
            let (axis, shape) = (axes[0], self.shape());
            match start.checked_add(length) {
                Some(end) if end <= shape.dims()[axis] => self.map(|graph, x| ops::narrow(graph, x, axis, start, length)),
                _ => {
                    self.failed(Error::mismatch("narrow", format!("{length} elements from {start} on along axis {axis}"), shape))
                }
            }
        })
    }

    /// What lies at `index` along an axis, which disappears. A negative index is counted from the end.
    pub fn pick(&self, axis: isize, index: isize) -> Var {
        self.along("pick", &[axis], |axes| {
            let mut dims = self.shape().dims().to_vec();
            let extent = dims.remove(axes[0]);
            match from_start(index, extent) {
                Some(index) => self.narrow(axis, index, 1).reshape(dims),
                None => self.failed(Error::mismatch("pick", named("an index", extent), index)),
            }
        })
    }

    /// Parts of so many equal extents along an axis.
    pub fn chunk<const N: usize>(&self, axis: isize) -> [Var; N] {
        let shape = self.shape();
        let extent = from_start(axis, shape.rank()).map(|axis| (axis, shape.dims()[axis]));
        match extent {
            Some((axis, extent)) if N > 0 && extent % N == 0 => self.with_several([self], |graph, [x]| {
                let parts = ops::split(graph, x, axis, &[extent / N; N])?;
                Ok(std::array::from_fn(|index| parts[index]))
            }),
            _ => {
                let error = Error::mismatch("chunk", format!("an axis {axis} that {N} equal parts make up"), shape);
                let nothing = self.failed(error);
                std::array::from_fn(|_| nothing.clone())
            }
        }
    }

    /// Variables behind one another along an axis.
    pub fn concat<const N: usize>(parts: [&Var; N], axis: isize) -> Var {
        const { assert!(N > 0, "there is nothing to join") };
        parts[0].along("concat", &[axis], |axes| parts[0].with(parts, |graph, parts| ops::concat(graph, &parts, axes[0])))
    }

    /// The elements, in their order, in another shape.
    pub fn reshape(&self, shape: impl Into<Shape>) -> Var {
        let shape = shape.into();
        self.map(|graph, x| ops::reshape(graph, x, shape))
    }

    /// All axes from `first` on as one.
    pub fn flatten(&self, first: isize) -> Var {
        self.along("flatten", &[first], |axes| {
            let shape = self.shape();
            let (kept, rest) = shape.dims().split_at(axes[0]);
            self.reshape([kept, &[Shape::from(rest.to_vec()).elements()]].concat())
        })
    }

    /// Does something along axes, which are counted from the start then.
    pub(super) fn along(&self, operation: &str, axes: &[isize], then: impl FnOnce(&[usize]) -> Var) -> Var {
        let rank = self.shape().rank();
        let found: Result<Vec<usize>, isize> = axes.iter().map(|&axis| from_start(axis, rank).ok_or(axis)).collect();
        match found {
            Ok(axes) => then(&axes),
            Err(axis) => self.failed(Error::mismatch(operation, named("an axis", rank), axis)),
        }
    }
}

/// A place among `count`, counted from the end where it is negative; none where it is not there.
fn from_start(place: isize, count: usize) -> Option<usize> {
    let place = if place < 0 { count.checked_sub(place.unsigned_abs())? } else { place.unsigned_abs() };
    (place < count).then_some(place)
}

/// The places that there are among `count`.
fn named(what: &str, count: usize) -> String {
    match count.checked_sub(1) {
        Some(last) => format!("{what} from -{count} to {last}"),
        None => format!("{what}, but there is none"),
    }
}
