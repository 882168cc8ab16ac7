//! Windows that slide over images: how convolutions and pooling read them.

use crate::tensor::Shape;

/// Windows of images `[n, h, w, c]`, channels last, as a matrix.
///
/// A row is a window: `(image, y, x)` by its place among the windows, the last fastest. A column is one of the elements
/// that it shows: `(tap y, tap x, channel)`. What lies outside the image is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Along the height and along the width.
    pub axes: [WindowAxis; 2],
}

/// Windows along one axis of an image: `windows` places with `taps` elements each.
///
/// The tap `t` of window `i` shows the pixel at `(start + stride * i + step * t) / spread`, where that is a whole number
/// and inside the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowAxis {
    /// Pixels of the image.
    pub pixels: usize,
    /// Windows.
    pub windows: usize,
    /// Elements of a window.
    pub taps: usize,
    /// Where the first tap of the first window is: minus the padding, for windows that begin in it.
    pub start: isize,
    /// From one window to the next.
    pub stride: usize,
    /// From one tap to the next; negative for a kernel that is read backwards.
    pub step: isize,
    /// The distance between pixels, 1 or more: above 1 there are zeros between them.
    pub spread: usize,
}

impl WindowAxis {
    /// The pixel that a tap of a window shows; none for a zero.
    pub fn pixel(&self, window: usize, tap: usize) -> Option<usize> {
        let place = self.start + (self.stride * window) as isize + self.step * tap as isize;
        let place = usize::try_from(place).ok().filter(|place| place.is_multiple_of(self.spread))?;
        Some(place / self.spread).filter(|&pixel| pixel < self.pixels)
    }

    /// Whether every tap of every window shows a pixel.
    pub fn is_inside(&self) -> bool {
        let last = |count: usize| count.saturating_sub(1);
        let shows = |window, tap| self.pixel(window, tap).is_some();
        let corners = [(0, 0), (0, last(self.taps)), (last(self.windows), 0), (last(self.windows), last(self.taps))];
        self.spread == 1 && corners.into_iter().all(|(window, tap)| shows(window, tap))
    }
}

impl Windows {
    /// The windows of so many images as a matrix.
    pub fn shape(&self, images: usize, channels: usize) -> Shape {
        let [y, x] = self.axes;
        Shape::from([images * y.windows * x.windows, y.taps * x.taps * channels])
    }

    /// The element of images of so many channels that a column of a row shows; none for a zero.
    pub fn element(&self, channels: usize, row: usize, column: usize) -> Option<usize> {
        let [y, x] = self.axes;
        let (tap, channel) = (column / channels, column % channels);
        let pixel_y = y.pixel(row / x.windows % y.windows, tap / x.taps)?;
        let pixel_x = x.pixel(row % x.windows, tap % x.taps)?;
        let image = row / (y.windows * x.windows);
        Some(((image * y.pixels + pixel_y) * x.pixels + pixel_x) * channels + channel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two taps that are two pixels apart, of an image of five pixels with one zero around it, every second place.
    const AXIS: WindowAxis = WindowAxis { pixels: 5, windows: 3, taps: 2, start: -1, stride: 2, step: 2, spread: 1 };

    #[test]
    fn taps_outside_the_image_are_zeros() {
        let shown = |axis: WindowAxis| (0..3).map(|window| [axis.pixel(window, 0), axis.pixel(window, 1)]).collect::<Vec<_>>();
        assert_eq!(shown(AXIS), [[None, Some(1)], [Some(1), Some(3)], [Some(3), None]]);
        assert!(!AXIS.is_inside() && WindowAxis { start: 0, windows: 2, ..AXIS }.is_inside());
        let backwards = WindowAxis { start: 1, step: -2, ..AXIS };
        assert_eq!(shown(backwards), [[Some(1), None], [Some(3), Some(1)], [None, Some(3)]]);
    }

    #[test]
    fn zeros_lie_between_spread_pixels() {
        let axis = WindowAxis { start: 0, windows: 5, taps: 1, stride: 1, spread: 2, ..AXIS };
        assert_eq!((0..5).map(|window| axis.pixel(window, 0)).collect::<Vec<_>>(), [Some(0), None, Some(1), None, Some(2)]);
        assert!(!axis.is_inside());
    }

    #[test]
    fn columns_are_taps_and_channels() {
        let y = WindowAxis { pixels: 2, windows: 2, taps: 1, start: 0, stride: 1, step: 1, spread: 1 };
        let windows = Windows { axes: [y, AXIS] };
        assert_eq!(windows.shape(4, 3), Shape::from([24, 6]));
        // Image 1, its second row, its second window, the second tap, which is pixel 3, and channel 2 of 3.
        assert_eq!(windows.element(3, 6 + 3 + 1, 3 + 2), Some(((2 + 1) * 5 + 3) * 3 + 2));
        assert_eq!(windows.element(3, 6, 2), None);
    }
}
