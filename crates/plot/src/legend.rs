//! Swatches and names, in as many lines as they need.

use plotters::style::text_anchor::HPos;

use crate::frame::{HALF_DIGIT, PLAIN};
use crate::picture::{Canvas, DrawingResult};
use crate::stroke::Stroke;

// All sizes and distances are in pixels.
const SWATCH: i32 = 44;
const SWATCH_GAP: i32 = 12;
const ENTRY_GAP: i32 = 40;
pub(crate) const LINE_HEIGHT: i32 = 38;
const MOST_LINES: usize = 6;

/// Names with the line and the left edge at which each stands.
pub(crate) struct Legend {
    entries: Vec<(String, usize, i32)>,
}

impl Legend {
    /// Places names between two edges. One that is too long is shortened; those beyond the last line are left out.
    pub(crate) fn new(canvas: &Canvas, [left, right]: [i32; 2], names: &[String]) -> Legend {
        let (mut x, mut line, mut entries) = (left, 0, Vec::new());
        for name in names {
            let name = PLAIN.fitted(canvas, name, right - left - SWATCH - SWATCH_GAP);
            let width = SWATCH + SWATCH_GAP + PLAIN.width(canvas, &name);
            if x > left && x + width > right {
                (x, line) = (left, line + 1);
            }
            if line == MOST_LINES {
                break;
            }
            entries.push((name, line, x));
            x += width + ENTRY_GAP;
        }
        Legend { entries }
    }

    /// The number of lines.
    pub(crate) fn lines(&self) -> i32 {
        self.entries.last().map_or(0, |(_, line, _)| *line as i32 + 1)
    }

    /// Draws the names, those of the first line at `baseline`, with the strokes of the series in their order.
    pub(crate) fn draw(&self, canvas: &Canvas, baseline: i32) -> DrawingResult {
        for (index, (name, line, x)) in self.entries.iter().enumerate() {
            let (stroke, baseline) = (Stroke::of_series(index), baseline + LINE_HEIGHT * *line as i32);
            let y = baseline - HALF_DIGIT;
            stroke.line(canvas, (*x, y), (x + SWATCH, y))?;
            stroke.mark(canvas, (x + SWATCH / 2, y))?;
            PLAIN.draw(canvas, name, (x + SWATCH + SWATCH_GAP, baseline), HPos::Left)?;
        }
        Ok(())
    }
}
