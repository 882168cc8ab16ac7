//! Rows of images, each below the one that it belongs to.

use std::path::Path;

use plotters::style::FontStyle;
use plotters::style::text_anchor::HPos;

use crate::PlotError;
use crate::heading::{self, BELOW_TITLE, MARGIN};
use crate::image::Image;
use crate::lettering::Lettering;
use crate::palette::{INK, RULE};
use crate::picture::{self, Canvas, DrawingResult};

const MOST_IMAGES: usize = 100;
const MOST_ROWS: usize = 8;
const IN_A_ROW: usize = 10;

// All sizes and distances are in pixels.
/// The side of the square that an image fills; four times that of MNIST's images.
const SQUARE: i32 = 112;
const TOP: i32 = BELOW_TITLE + 16;
const GAP: i32 = 12;
/// Between the last row and the first one of the images that go on below.
const BLOCK_GAP: i32 = 44;
const LABEL_GAP: i32 = 20;
/// Above what a character of a label takes.
const CHARACTER: i32 = 16;
const LABEL_WIDTHS: (i32, i32) = (100, 320);
/// Narrower pictures have no room for their title.
const FEWEST_IN_A_ROW: usize = 4;

const LABEL: Lettering = Lettering { size: 28, weight: FontStyle::Normal, color: INK };

/// Draws rows of images, such as originals above their reconstructions, and writes them to `path` as a PNG file,
/// creating the folders above it.
///
/// Each row has a label and as many images as the others; after ten, all rows go on below.
///
/// # Errors
/// If there are no rows or more than 8, no images or more than 100 in a row, not as many as in the first one, or one
/// with another number of pixels than rows x columns; and if the picture cannot be written.
pub fn image_rows(path: impl AsRef<Path>, title: &str, rows: &[(&str, &[Image])]) -> Result<(), PlotError> {
    let count = check(rows)?;
    let left = MARGIN + label_width(rows) + LABEL_GAP;
    let width = left + (SQUARE + GAP) * count.clamp(FEWEST_IN_A_ROW, IN_A_ROW) as i32 - GAP + MARGIN;
    let height = TOP + block_height(rows) * count.div_ceil(IN_A_ROW) as i32;
    picture::write(path.as_ref(), (width as u32, height as u32), |canvas| draw(canvas, title, left, rows))
}

fn check(rows: &[(&str, &[Image])]) -> Result<usize, PlotError> {
    let Some((_, first)) = rows.first() else { return Err(PlotError::Empty { what: "no rows of images".to_owned() }) };
    for (what, limit, count) in [("rows of images", MOST_ROWS, rows.len()), ("images in a row", MOST_IMAGES, first.len())] {
        if count > limit {
            return Err(PlotError::TooMany { what, limit, count });
        }
    }
    if first.is_empty() {
        return Err(PlotError::Empty { what: "no images".to_owned() });
    }
    for (label, images) in rows {
        if images.len() != first.len() {
            let wanted = format!("{}, as in the first row", first.len());
            return Err(PlotError::mismatch(format!("number of images in the row {label:?}"), wanted, images.len()));
        }
        for (index, image) in images.iter().enumerate() {
            image.check(|| format!("image {index} (counted from 0) of the row {label:?}"))?;
        }
    }
    Ok(first.len())
}

fn label_width(rows: &[(&str, &[Image])]) -> i32 {
    let longest = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    (CHARACTER * longest.min(100) as i32).clamp(LABEL_WIDTHS.0, LABEL_WIDTHS.1)
}

fn block_height(rows: &[(&str, &[Image])]) -> i32 {
    (SQUARE + GAP) * rows.len() as i32 - GAP + BLOCK_GAP
}

fn draw(canvas: &Canvas, title: &str, left: i32, rows: &[(&str, &[Image])]) -> DrawingResult {
    heading::draw_title(canvas, title)?;
    for (row, (label, images)) in rows.iter().enumerate() {
        for (block, images) in images.chunks(IN_A_ROW).enumerate() {
            let top = TOP + block_height(rows) * block as i32 + (SQUARE + GAP) * row as i32;
            let label = LABEL.fitted(canvas, label, left - LABEL_GAP - MARGIN);
            LABEL.draw(canvas, &label, (MARGIN, top + SQUARE / 2 + LABEL.size / 3), HPos::Left)?;
            for (column, image) in images.iter().enumerate() {
                image.draw(canvas, (left + (SQUARE + GAP) * column as i32, top), SQUARE, (2, RULE))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use plotters::style::RGBColor;

    use super::*;
    use crate::picture::tests::count_of_color;

    #[test]
    fn every_image_of_every_row_is_drawn() {
        let (dark, light) = (Image { pixels: &[254], rows: 1, columns: 1 }, Image { pixels: &[80], rows: 1, columns: 1 });
        let (originals, reconstructions) = ([dark; 13], [light; 13]);
        let rows: [(&str, &[Image]); 2] = [("", &originals), ("", &reconstructions)];
        for gray in [1, 175] {
            let count = count_of_color((1800, 800), RGBColor(gray, gray, gray), |canvas| draw(canvas, "", 300, &rows));
            assert_eq!(count, 13 * (SQUARE * SQUARE) as usize);
        }
    }
}
