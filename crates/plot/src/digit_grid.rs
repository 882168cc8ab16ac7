//! A grid of images with their predicted and true classes.

use std::path::Path;

use plotters::style::FontStyle;
use plotters::style::text_anchor::HPos;

use crate::PlotError;
use crate::classes;
use crate::heading::{self, BELOW_LINE, MARGIN};
use crate::image::Image;
use crate::lettering::Lettering;
use crate::palette::{FAINT_INK, RULE, WRONG};
use crate::picture::{self, Canvas, DrawingResult};

/// An image with its predicted and its true class.
#[derive(Clone, Copy)]
struct Digit<'a> {
    image: Image<'a>,
    truth: usize,
    predicted: usize,
}

impl Digit<'_> {
    fn is_right(&self) -> bool {
        self.predicted == self.truth
    }
}

const MOST_DIGITS: usize = 512;
const IN_A_ROW: usize = 8;
/// Narrower pictures have no room for their title.
const FEWEST_IN_A_ROW: usize = 5;

// All sizes and distances are in pixels.
const CELL_WIDTH: i32 = 184;
const CELL_HEIGHT: i32 = 240;
/// The side of the square that an image fills; five times that of MNIST's images.
const SQUARE: i32 = 140;
/// Between the edges of a cell and of its square.
const INSET: i32 = (CELL_WIDTH - SQUARE) / 2;

const RIGHT_CLASS: Lettering = Lettering { size: 26, weight: FontStyle::Normal, color: FAINT_INK };
const WRONG_CLASS: Lettering = Lettering { size: 26, weight: FontStyle::Bold, color: WRONG };

/// Draws the images, eight in a row, with their classes, and writes them to `path` as a PNG file, creating the
/// folders above it.
///
/// `truth` and `predicted` hold a class for each image. Under the title stands how many are right. Wrong ones have a
/// frame, a cross and another colour.
///
/// # Errors
/// If there are no images or more than 512, not as many classes as images, if one image has another number of pixels
/// than rows x columns or none, and if the picture cannot be written.
pub fn digit_grid(
    path: impl AsRef<Path>,
    title: &str,
    images: &[Image],
    truth: &[usize],
    predicted: &[usize],
) -> Result<(), PlotError> {
    check(images, truth, predicted)?;
    let classes = truth.iter().zip(predicted);
    let digits = images.iter().zip(classes).map(|(&image, (&truth, &predicted))| Digit { image, truth, predicted });
    let digits: Vec<Digit> = digits.collect();
    picture::write(path.as_ref(), picture_size(digits.len()), |canvas| draw(canvas, title, &digits))
}

fn check(images: &[Image], truth: &[usize], predicted: &[usize]) -> Result<(), PlotError> {
    let count = images.len();
    if count == 0 {
        return Err(PlotError::Empty { what: "no digits".to_string() });
    }
    if count > MOST_DIGITS {
        return Err(PlotError::TooMany { what: "digits", limit: MOST_DIGITS, count });
    }
    classes::check("true classes", truth, count, usize::MAX)?;
    classes::check("predicted classes", predicted, count, usize::MAX)?;
    let check = |(index, image): (usize, &Image)| image.check(|| format!("image {index} (counted from 0)"));
    images.iter().enumerate().try_for_each(check)
}

fn in_a_row(count: usize) -> usize {
    count.clamp(FEWEST_IN_A_ROW, IN_A_ROW)
}

/// Width and height; the outermost squares, not their cells, keep to the margins.
fn picture_size(count: usize) -> (u32, u32) {
    let (columns, rows) = (in_a_row(count), count.div_ceil(in_a_row(count)));
    let width = 2 * (MARGIN - INSET) + CELL_WIDTH * columns as i32;
    let height = BELOW_LINE + CELL_HEIGHT * rows as i32 + MARGIN / 2;
    (width as u32, height as u32)
}

fn draw(canvas: &Canvas, title: &str, digits: &[Digit]) -> DrawingResult {
    heading::draw_title(canvas, title)?;
    heading::draw_line(canvas, &score(digits))?;
    for (index, digit) in digits.iter().enumerate() {
        let (row, column) = (index / in_a_row(digits.len()), index % in_a_row(digits.len()));
        let square = (MARGIN + CELL_WIDTH * column as i32, BELOW_LINE + CELL_HEIGHT * row as i32);
        draw_cell(canvas, square, digit)?;
    }
    Ok(())
}

fn score(digits: &[Digit]) -> String {
    let right = digits.iter().filter(|digit| digit.is_right()).count();
    let legend = if right == digits.len() { "" } else { "; ✗ marks the wrong ones" };
    format!("{right} of {} right{legend}", digits.len())
}

/// Draws the image into the square whose upper left corner is given, and its classes below.
fn draw_cell(canvas: &Canvas, square: (i32, i32), digit: &Digit) -> DrawingResult {
    let (frame_width, frame_color, lettering, cross) =
        if digit.is_right() { (2, RULE, RIGHT_CLASS, "") } else { (6, WRONG, WRONG_CLASS, "✗ ") };
    digit.image.draw(canvas, square, SQUARE, (frame_width, frame_color))?;
    let (middle, below) = (square.0 + SQUARE / 2, square.1 + SQUARE);
    lettering.draw(canvas, &format!("{cross}predicted {}", digit.predicted), (middle, below + 36), HPos::Center)?;
    lettering.draw(canvas, &format!("true {}", digit.truth), (middle, below + 66), HPos::Center)
}

#[cfg(test)]
mod tests {
    use plotters::style::RGBColor;

    use super::*;
    use crate::picture::tests::count_of_color;

    fn count_drawn(digits: &[Digit], color: RGBColor) -> usize {
        count_of_color(picture_size(digits.len()), color, |canvas| draw(canvas, "digits", digits))
    }

    fn digit(pixels: &[u8], rows: usize, columns: usize, predicted: usize) -> Digit<'_> {
        Digit { image: Image { pixels, rows, columns }, predicted, truth: 3 }
    }

    #[test]
    fn only_wrong_digits_are_marked() {
        let (right, wrong) = (digit(&[0; 6], 2, 3, 3), digit(&[0; 6], 2, 3, 8));
        assert_eq!(count_drawn(&[right, right], WRONG), 0);
        let frame = 4 * 6 * SQUARE as usize;
        assert!(count_drawn(&[right, wrong], WRONG) > frame);
        assert!(count_drawn(&[wrong, wrong], WRONG) > 2 * frame);
    }

    #[test]
    fn every_pixel_is_a_block_of_its_gray() {
        let digit = digit(&[254, 100, 100, 100, 100, 254], 2, 3, 3);
        let (width, height) = digit.image.drawn_size(SQUARE);
        assert_eq!((width, height), (140, 94));
        let (first_column, last_column, half) = (140_usize.div_ceil(3), 140 - 280_usize.div_ceil(3), 47);
        assert_eq!(count_drawn(&[digit], RGBColor(1, 1, 1)), half * (first_column + last_column));
    }

    #[test]
    fn the_score_counts_right_digits() {
        let (right, wrong) = (digit(&[0], 1, 1, 3), digit(&[0], 1, 1, 4));
        assert_eq!(score(&[right, wrong, right]), "2 of 3 right; ✗ marks the wrong ones");
        assert_eq!(score(&[right]), "1 of 1 right");
    }
}
