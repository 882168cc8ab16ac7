//! Grey images, enlarged.

use plotters::element::Rectangle;
use plotters::style::{Color, RGBColor};

use crate::PlotError;
use crate::palette::PAPER;
use crate::picture::{Canvas, DrawingResult};

/// A grey image.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    /// One byte for each pixel, row major, of shape (rows, columns); 0 is drawn white and 255 black.
    pub pixels: &'a [u8],
    /// The height in pixels.
    pub rows: usize,
    /// The width in pixels.
    pub columns: usize,
}

impl<'a> Image<'a> {
    /// Images of one size whose pixels lie behind one another, of shape (images, rows, columns). Where the pixels do not
    /// come out even, what draws the last image refuses it.
    pub fn split(pixels: &'a [u8], rows: usize, columns: usize) -> Vec<Self> {
        let images = pixels.chunks(rows.saturating_mul(columns).max(1));
        images.map(|pixels| Self { pixels, rows, columns }).collect()
    }
}

impl Image<'_> {
    /// Fails where there are no pixels, or not rows x columns; `what` names the image.
    pub(crate) fn check(&self, what: impl FnOnce() -> String) -> Result<(), PlotError> {
        let &Image { pixels, rows, columns } = self;
        if pixels.is_empty() || rows.checked_mul(columns) != Some(pixels.len()) {
            return Err(PlotError::ImageSize { what: what(), pixels: pixels.len(), rows, columns });
        }
        Ok(())
    }

    /// Width and height when drawn: the longer side fills the square.
    pub(crate) fn drawn_size(&self, square: i32) -> (usize, usize) {
        let (square, longer) = (square as usize, self.rows.max(self.columns));
        let side = |pixels: usize| square.min((pixels * square).div_ceil(longer));
        (side(self.columns), side(self.rows))
    }

    /// Draws the image in the middle of a square whose upper left corner and side are given, within a frame.
    pub(crate) fn draw(&self, canvas: &Canvas, corner: (i32, i32), square: i32, frame: (i32, RGBColor)) -> DrawingResult {
        draw_frame(canvas, corner, square, frame)?;
        let (width, height) = self.drawn_size(square);
        let start = (corner.0 + (square - width as i32) / 2, corner.1 + (square - height as i32) / 2);
        for row in 0..height {
            let pixels = self.pixels.chunks(self.columns).nth(row * self.rows / height).unwrap_or(&[]);
            for column in 0..width {
                let pixel = pixels.get(column * self.columns / width).copied().unwrap_or(0);
                let gray = 255 - pixel;
                canvas.draw_pixel((start.0 + column as i32, start.1 + row as i32), &RGBColor(gray, gray, gray))?;
            }
        }
        Ok(())
    }
}

/// A filled rectangle around the square, which the square's own pixels are then drawn over.
fn draw_frame(canvas: &Canvas, (x, y): (i32, i32), square: i32, (width, color): (i32, RGBColor)) -> DrawingResult {
    let (start, end) = ((x - width, y - width), (x + square + width, y + square + width));
    canvas.draw(&Rectangle::new([start, end], color.filled()))?;
    let inside = [(x, y), (x + square, y + square)];
    canvas.draw(&Rectangle::new(inside, PAPER.filled()))
}
