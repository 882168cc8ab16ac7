//! Which classes are taken for which.

use std::path::Path;

use plotters::element::Rectangle;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, FontStyle, RGBColor};

use crate::PlotError;
use crate::classes;
use crate::frame::{AXIS_NAME, PLAIN, TICK};
use crate::heading::{self, BELOW_LINE, MARGIN};
use crate::lettering::Lettering;
use crate::palette::{INK, PAPER, RULE, series_color};
use crate::picture::{self, Canvas, DrawingResult};

const MOST_CLASSES: usize = 40;

// All sizes and distances are in pixels.
const CELLS: (i32, i32) = (92, 220);
/// Above what a character of a name or a count takes.
const CHARACTER: i32 = 18;
const NAME_WIDTHS: (i32, i32) = (60, 300);
const NAME_GAP: i32 = 14;
/// Between the line at the top and the cells, for the name of the rows.
const ROWS_NAME: i32 = 50;
/// What the names of the columns need below the cells.
const BELOW: i32 = 110;
/// Narrower pictures have no room for their title.
const FEWEST_CELLS_WIDTH: i32 = 700;

/// Where a cell's shade is stronger than this, its count is light.
const DARK: f64 = 0.55;
const COUNT: Lettering = Lettering { size: 28, weight: FontStyle::Normal, color: INK };
/// Counts of zero, which are most of them.
const ZERO: RGBColor = RGBColor(168, 168, 168);

/// How often each true class (the rows) was given each predicted one (the columns).
struct Counts<'a> {
    names: &'a [&'a str],
    /// Row major.
    counts: Vec<usize>,
}

/// Draws how often each true class was predicted as each class, and writes the picture to `path` as a PNG file,
/// creating the folders above it.
///
/// `truth` and `predicted` hold a class for each example, as a place in `names`. The shade of
/// a cell is its share of the true class.
///
/// # Errors
/// If there are no examples, more than 40 classes, not as many predictions as true classes, or a class without a name;
/// and if the picture cannot be written.
pub fn confusion_matrix(
    path: impl AsRef<Path>,
    title: &str,
    names: &[&str],
    truth: &[usize],
    predicted: &[usize],
) -> Result<(), PlotError> {
    let counts = Counts::new(names, truth, predicted)?;
    picture::write(path.as_ref(), counts.size(), |canvas| counts.draw(canvas, title))
}

impl<'a> Counts<'a> {
    fn new(names: &'a [&'a str], truth: &[usize], predicted: &[usize]) -> Result<Self, PlotError> {
        let count = names.len();
        if truth.is_empty() {
            return Err(PlotError::Empty { what: "no examples".to_owned() });
        }
        if count > MOST_CLASSES {
            return Err(PlotError::TooMany { what: "classes", limit: MOST_CLASSES, count });
        }
        classes::check("true classes", truth, truth.len(), count)?;
        classes::check("predicted classes", predicted, truth.len(), count)?;
        let mut counts = vec![0; count * count];
        for (truth, predicted) in truth.iter().zip(predicted) {
            counts[truth * count + predicted] += 1;
        }
        Ok(Self { names, counts })
    }

    fn longest_name(&self) -> i32 {
        self.names.iter().map(|name| name.chars().count().min(100)).max().unwrap_or(0) as i32
    }

    /// The side of a cell, in which the longest count fits, and the longest name if it can.
    fn cell(&self) -> i32 {
        let digits = self.counts.iter().max().map_or(1, |count| count.to_string().len()) as i32;
        (CHARACTER * digits.max(self.longest_name())).clamp(CELLS.0, CELLS.1).max(CHARACTER * digits + CHARACTER)
    }

    /// Where the cells begin.
    fn corner(&self) -> (i32, i32) {
        let names = (CHARACTER * self.longest_name()).clamp(NAME_WIDTHS.0, NAME_WIDTHS.1);
        (MARGIN + names + NAME_GAP, BELOW_LINE + ROWS_NAME)
    }

    fn size(&self) -> (u32, u32) {
        let ((left, top), side) = (self.corner(), self.cell() * self.names.len() as i32);
        ((left + side.max(FEWEST_CELLS_WIDTH) + MARGIN) as u32, (top + side + BELOW) as u32)
    }

    fn draw(&self, canvas: &Canvas, title: &str) -> DrawingResult {
        heading::draw_title(canvas, title)?;
        heading::draw_line(canvas, &self.score())?;
        let ((left, top), cell) = (self.corner(), self.cell());
        let side = cell * self.names.len() as i32;
        AXIS_NAME.draw(canvas, "True class", (MARGIN, top - 24), HPos::Left)?;
        for (index, name) in self.names.iter().enumerate() {
            let middle = cell * index as i32 + cell / 2;
            let row = TICK.fitted(canvas, name, left - NAME_GAP - MARGIN);
            TICK.draw(canvas, &row, (left - NAME_GAP, top + middle + TICK.size / 3), HPos::Right)?;
            let column = TICK.fitted(canvas, name, cell - 8);
            TICK.draw(canvas, &column, (left + middle, top + side + 36), HPos::Center)?;
            self.draw_row(canvas, index, (left, top + cell * index as i32))?;
        }
        PLAIN.draw(canvas, "Predicted class", (left + side / 2, top + side + 78), HPos::Center)
    }

    fn draw_row(&self, canvas: &Canvas, row: usize, (left, top): (i32, i32)) -> DrawingResult {
        let (count, cell) = (self.names.len(), self.cell());
        let counts = &self.counts[row * count..(row + 1) * count];
        let total = counts.iter().sum::<usize>().max(1);
        for (&count, x) in counts.iter().zip((left..).step_by(cell as usize)) {
            let share = count as f64 / total as f64;
            let square = [(x, top), (x + cell, top + cell)];
            canvas.draw(&Rectangle::new(square, shade(share).filled()))?;
            canvas.draw(&Rectangle::new(square, RULE.stroke_width(2)))?;
            let color = if count == 0 {
                ZERO
            } else if share > DARK {
                PAPER
            } else {
                INK
            };
            let at = (x + cell / 2, top + cell / 2 + COUNT.size / 3);
            Lettering { color, ..COUNT }.draw(canvas, &count.to_string(), at, HPos::Center)?;
        }
        Ok(())
    }

    fn score(&self) -> String {
        let right: usize = self.counts.iter().step_by(self.names.len() + 1).sum();
        let all: usize = self.counts.iter().sum();
        format!("{right} of {all} right ({:.1} %)", 100.0 * right as f64 / all as f64)
    }
}

/// From white to the first colour of series.
fn shade(share: f64) -> RGBColor {
    let full = series_color(0);
    let mixed = |paper: u8, full: u8| (f64::from(paper) + share * (f64::from(full) - f64::from(paper))).round() as u8;
    RGBColor(mixed(PAPER.0, full.0), mixed(PAPER.1, full.1), mixed(PAPER.2, full.2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::tests::count_of_color;

    #[test]
    fn rows_are_true_classes_and_columns_predicted_ones() {
        let counts = Counts::new(&["cat", "dog"], &[0, 0, 0, 1], &[0, 1, 1, 1]).unwrap();
        assert_eq!(counts.counts, [1, 2, 0, 1]);
        assert_eq!(counts.score(), "2 of 4 right (50.0 %)");
    }

    #[test]
    fn the_shade_is_the_share_of_the_true_class() {
        let counts = Counts::new(&["a", "b"], &[0, 0, 0, 0, 1], &[0, 0, 0, 1, 0]).unwrap();
        let count = |share| count_of_color(counts.size(), shade(share), |canvas| counts.draw(canvas, "")) as f64;
        let cell = f64::from(counts.cell()).powi(2);
        for share in [0.75, 0.25, 1.0] {
            assert!((0.85..1.0).contains(&(count(share) / cell)), "{share}: {} cells", count(share) / cell);
        }
    }
}
