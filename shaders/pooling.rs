//! What operations on windows of images, each channel by itself, have in common.

use std::ops::Range;

use wgrad_core::{DType, TensorType};

/// How windows lie along one axis of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolAxis {
    /// Of one size and at one distance.
    Sliding {
        /// Places of a window.
        kernel: usize,
        /// From one window to the next, 1 or more.
        stride: usize,
        /// Places before the image's first pixel where the first window begins, and behind its last.
        padding: usize,
    },
    /// As many as wanted, which cover the image as evenly as whole pixels allow: windows may differ by a pixel, and
    /// overlap by one.
    Even {
        /// Their number.
        windows: usize,
    },
}

impl PoolAxis {
    /// Sliding windows.
    pub(crate) fn sliding(kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> [Self; 2] {
        [0, 1].map(|axis| Self::Sliding { kernel: kernel[axis], stride: stride[axis], padding: padding[axis] })
    }

    /// How many windows an axis of so many pixels has; none where there is no place for one. As in PyTorch, at least
    /// half of each window must be behind the padding.
    pub(crate) fn windows(&self, pixels: usize) -> Option<usize> {
        match *self {
            _ if pixels == 0 => None,
            Self::Even { windows } => (windows > 0).then_some(windows),
            Self::Sliding { kernel, stride, padding } => {
                let places = padding.checked_mul(2).filter(|&both| both <= kernel)?.checked_add(pixels)?;
                let last = places.checked_sub(kernel).filter(|_| kernel > 0)?.checked_div(stride)?;
                Some(last + 1)
            }
        }
    }

    /// The pixels in a window.
    pub(crate) fn shown(&self, window: usize, pixels: usize) -> Range<usize> {
        match *self {
            Self::Even { windows } => window * pixels / windows..((window + 1) * pixels).div_ceil(windows),
            Self::Sliding { kernel, stride, padding } => {
                let place = |place: usize| place.saturating_sub(padding).min(pixels);
                place(window * stride)..place(window * stride + kernel)
            }
        }
    }

    /// What the mean over a window divides by along this axis: its places, padding included.
    pub(crate) fn size(&self, window: usize, pixels: usize) -> usize {
        match *self {
            Self::Even { .. } => self.shown(window, pixels).len(),
            Self::Sliding { kernel, .. } => kernel,
        }
    }
}

/// Images, and the windows on them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pooling {
    pub axes: [PoolAxis; 2],
    pub images: usize,
    /// Height and width of the input.
    pub pixels: [usize; 2],
    /// Height and width of the output.
    pub windows: [usize; 2],
    pub channels: usize,
}

/// A pixel in a window.
pub(crate) struct Shown {
    /// The index of the output's first channel there.
    pub output: usize,
    /// The index of the input's first channel there.
    pub input: usize,
    /// Along the height and along the width, which window and which pixel.
    pub places: [(usize, usize); 2],
}

impl Pooling {
    /// Of an input f32 `[n, h, w, c]`; none where it is something else, or has no place for a window.
    pub(crate) fn of(axes: [PoolAxis; 2], input: &TensorType) -> Option<Self> {
        let (&[images, h, w, channels], DType::F32) = (input.shape.dims(), input.dtype) else { return None };
        let windows = [axes[0].windows(h)?, axes[1].windows(w)?];
        Some(Self { axes, images, pixels: [h, w], windows, channels })
    }

    /// Of an upstream gradient f32 `[n, oh, ow, c]`, for an input of so many pixels.
    pub(crate) fn of_gradient(axes: [PoolAxis; 2], pixels: [usize; 2], upstream: &TensorType) -> Option<Self> {
        let &[images, .., channels] = upstream.shape.dims() else { return None };
        let pooling = Self::of(axes, &TensorType::f32([images, pixels[0], pixels[1], channels]))?;
        (pooling.output() == *upstream).then_some(pooling)
    }

    pub(crate) fn input(&self) -> TensorType {
        TensorType::f32([self.images, self.pixels[0], self.pixels[1], self.channels])
    }

    pub(crate) fn output(&self) -> TensorType {
        TensorType::f32([self.images, self.windows[0], self.windows[1], self.channels])
    }

    /// Invocations of four channels of each pixel of one of these types.
    pub(crate) fn blocks(kind: &TensorType) -> usize {
        kind.shape.rows() * kind.shape.columns().div_ceil(4)
    }

    /// Calls `visit` with each pixel of each window, in the order of the output, and in the windows row by row.
    pub(crate) fn for_each_shown(&self, mut visit: impl FnMut(Shown)) {
        let [h, w] = self.pixels;
        for image in 0..self.images {
            for window_y in 0..self.windows[0] {
                for window_x in 0..self.windows[1] {
                    let output = ((image * self.windows[0] + window_y) * self.windows[1] + window_x) * self.channels;
                    for y in self.axes[0].shown(window_y, h) {
                        for x in self.axes[1].shown(window_x, w) {
                            let input = ((image * h + y) * w + x) * self.channels;
                            visit(Shown { output, input, places: [(window_y, y), (window_x, x)] });
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(axis: PoolAxis, pixels: usize) -> Vec<Range<usize>> {
        (0..axis.windows(pixels).unwrap()).map(|window| axis.shown(window, pixels)).collect()
    }

    #[test]
    fn sliding_windows_are_those_of_pytorch() {
        let axis = |kernel, stride, padding| PoolAxis::Sliding { kernel, stride, padding };
        assert_eq!(shown(axis(2, 2, 0), 5), [0..2, 2..4]);
        assert_eq!(shown(axis(3, 2, 1), 5), [0..2, 1..4, 3..5]);
        assert_eq!(axis(3, 2, 1).size(0, 5), 3);
        for (wrong, pixels) in
            [(axis(2, 2, 2), 5), (axis(0, 1, 0), 5), (axis(2, 0, 0), 5), (axis(4, 1, 1), 1), (axis(2, 1, 1), 0)]
        {
            assert_eq!(wrong.windows(pixels), None, "{wrong:?}");
        }
    }

    #[test]
    fn even_windows_are_those_of_pytorch() {
        let axis = |windows| PoolAxis::Even { windows };
        assert_eq!(shown(axis(3), 7), [0..3, 2..5, 4..7]);
        assert_eq!((axis(1).windows(7), axis(1).shown(0, 7)), (Some(1), 0..7));
        assert_eq!(shown(axis(4), 2), [0..1, 0..1, 1..2, 1..2]);
        assert_eq!((axis(3).size(1, 7), axis(0).windows(7), axis(2).windows(0)), (3, None, None));
    }
}
