//! Sums, means and largest elements.

use wgrad_shaders as ops;

use crate::var::Var;

/// Sums, means and largest elements. A negative axis is counted from the end: -1 is the last.
impl Var {
    /// The sum of all elements, a scalar.
    pub fn sum(&self) -> Var {
        self.map(ops::sum)
    }

    /// The sum over axes, which disappear unless `keep` leaves each with an extent of 1.
    pub fn sum_axes(&self, axes: &[isize], keep: bool) -> Var {
        self.along("sum_axes", axes, |axes| self.map(|graph, x| ops::sum_axes(graph, x, axes, keep)))
    }

    /// The largest along axes, which disappear unless `keep` leaves each with an extent of 1.
    pub fn max_axes(&self, axes: &[isize], keep: bool) -> Var {
        self.along("max_axes", axes, |axes| self.map(|graph, x| ops::max_axes(graph, x, axes, keep)))
    }

    /// For each row of the last axis, the index of its first largest element, of u32.
    pub fn argmax(&self) -> Var {
        self.map(ops::argmax)
    }

    /// The mean of all elements, a scalar.
    pub fn mean(&self) -> Var {
        self.map(ops::mean)
    }

    /// The mean over axes, which disappear unless `keep` leaves each with an extent of 1.
    pub fn mean_axes(&self, axes: &[isize], keep: bool) -> Var {
        self.along("mean_axes", axes, |axes| self.map(|graph, x| ops::mean_axes(graph, x, axes, keep)))
    }
}
