//! What all pictures begin with: a title, and in some a line below it.

use plotters::style::FontStyle;
use plotters::style::text_anchor::HPos;

use crate::lettering::Lettering;
use crate::palette::INK;
use crate::picture::{Canvas, DrawingResult};

// All distances are in pixels.
/// Around every picture.
pub(crate) const MARGIN: i32 = 40;
/// Where pictures go on below a title.
pub(crate) const BELOW_TITLE: i32 = 88;
/// Where pictures go on below a title and a line.
pub(crate) const BELOW_LINE: i32 = 150;

const TITLE_BASELINE: i32 = 62;
const LINE_BASELINE: i32 = 108;

const TITLE: Lettering = Lettering { size: 40, weight: FontStyle::Bold, color: INK };
const LINE: Lettering = Lettering { size: 30, weight: FontStyle::Normal, color: INK };

/// Draws a title, shortened to the picture's width.
pub(crate) fn draw_title(canvas: &Canvas, title: &str) -> DrawingResult {
    draw(canvas, TITLE, title, TITLE_BASELINE)
}

/// Draws the line below the title, shortened to the picture's width.
pub(crate) fn draw_line(canvas: &Canvas, line: &str) -> DrawingResult {
    draw(canvas, LINE, line, LINE_BASELINE)
}

fn draw(canvas: &Canvas, lettering: Lettering, text: &str, baseline: i32) -> DrawingResult {
    let text = lettering.fitted(canvas, text, canvas.dim_in_pixel().0 as i32 - 2 * MARGIN);
    lettering.draw(canvas, &text, (MARGIN, baseline), HPos::Left)
}
