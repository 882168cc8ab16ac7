//! How series are told apart.

use plotters::element::{Circle, PathElement};
use plotters::style::{Color, RGBColor};

use crate::palette::{PAPER, series_color};
use crate::picture::{Canvas, DrawingResult};

const LINE_WIDTH: u32 = 4;
pub(crate) const MARK_RADIUS: i32 = 7;

/// How a series is told from the others: by colour and, in print without colours, by filled and hollow marks.
#[derive(Clone, Copy)]
pub(crate) struct Stroke {
    color: RGBColor,
    is_hollow: bool,
}

impl Stroke {
    /// Since the number of colours is odd, marks that were filled are hollow where colours repeat.
    pub(crate) fn of_series(index: usize) -> Stroke {
        Stroke { color: series_color(index), is_hollow: index % 2 == 1 }
    }

    /// A line with a round end.
    pub(crate) fn line(self, canvas: &Canvas, from: (i32, i32), to: (i32, i32)) -> DrawingResult {
        canvas.draw(&PathElement::new([from, to], self.color.stroke_width(LINE_WIDTH)))?;
        canvas.draw(&Circle::new(to, LINE_WIDTH as i32 / 2, self.color.filled()))
    }

    /// A point.
    pub(crate) fn mark(self, canvas: &Canvas, at: (i32, i32)) -> DrawingResult {
        canvas.draw(&Circle::new(at, MARK_RADIUS, self.color.filled()))?;
        if self.is_hollow {
            canvas.draw(&Circle::new(at, MARK_RADIUS - LINE_WIDTH as i32, PAPER.filled()))?;
        }
        Ok(())
    }
}
