//! Which class a model gives each place of the plane.

use std::path::Path;

use plotters::element::{Circle, Rectangle};
use plotters::style::Color;
use plotters::style::text_anchor::HPos;

use crate::PlotError;
use crate::axis::{Axis, Scale};
use crate::classes;
use crate::frame::{AXIS_NAME, BELOW, Frame};
use crate::heading::{self, BELOW_TITLE, MARGIN};
use crate::legend::{LINE_HEIGHT, Legend};
use crate::palette::{PAPER, pale, series_color};
use crate::picture::{self, Canvas, DrawingResult};
use crate::stroke::{MARK_RADIUS, Stroke};

/// The cells along each axis.
const CELLS: usize = 120;
/// How far the surface goes on beyond the points, as a share of their range.
const MARGIN_SHARE: f64 = 0.1;

// All sizes and distances are in pixels.
const WIDTH: i32 = 900;
const HEIGHT: i32 = 940;

/// Points of two coordinates with their classes, and a grid over the range that they cover.
#[derive(Debug, Clone)]
pub struct Surface<'a> {
    points: &'a [(f64, f64)],
    labels: &'a [usize],
    names: &'a [&'a str],
    x: [f64; 2],
    y: [f64; 2],
}

impl<'a> Surface<'a> {
    /// A grid around points. `labels` holds a class for each point, as a place in `names`.
    ///
    /// # Errors
    /// If there are no points, not as many labels, a coordinate that is not finite, or a class without a name.
    pub fn around(points: &'a [(f64, f64)], labels: &'a [usize], names: &'a [&'a str]) -> Result<Self, PlotError> {
        if points.is_empty() {
            return Err(PlotError::Empty { what: "no points".to_owned() });
        }
        classes::check("labels", labels, points.len(), names.len())?;
        let shows = |&(x, y): &(f64, f64)| Scale::Linear.shows(x) && Scale::Linear.shows(y);
        if let Some(index) = points.iter().position(|point| !shows(point)) {
            let got = format!("{:?}", points[index]);
            return Err(PlotError::mismatch(format!("point {index} (counted from 0)"), "finite numbers", got));
        }
        let (x, y) = (range(points.iter().map(|point| point.0)), range(points.iter().map(|point| point.1)));
        Ok(Self { points, labels, names, x, y })
    }

    /// The middle of each cell, x and y one after the other, row by row: what the model has to classify.
    pub fn inputs(&self) -> Vec<f32> {
        let middle = |[low, high]: [f64; 2], cell: usize| low + (high - low) * (cell as f64 + 0.5) / CELLS as f64;
        let cells = (0..CELLS).flat_map(|row| (0..CELLS).map(move |column| (column, row)));
        cells.flat_map(|(column, row)| [middle(self.x, column) as f32, middle(self.y, row) as f32]).collect()
    }
}

/// Draws the class of each cell of the surface and the points over it, and writes the picture to `path` as a PNG file,
/// creating the folders above it.
///
/// `axes` names both axes, with their units; `predicted` holds the class that the model gives each of
/// [`Surface::inputs`].
///
/// # Errors
/// If there are not as many predictions as inputs, or one is no class, and if the picture cannot be written.
pub fn decision_surface(
    path: impl AsRef<Path>,
    title: &str,
    axes: [&str; 2],
    surface: &Surface,
    predicted: &[usize],
) -> Result<(), PlotError> {
    classes::check("predictions", predicted, CELLS * CELLS, surface.names.len())?;
    picture::write(path.as_ref(), (WIDTH as u32, HEIGHT as u32), |canvas| {
        heading::draw_title(canvas, title)?;
        surface.draw(canvas, axes, predicted)
    })
}

impl Surface<'_> {
    fn draw(&self, canvas: &Canvas, [x_label, y_label]: [&str; 2], predicted: &[usize]) -> DrawingResult {
        let edges @ [left, right] = [MARGIN, WIDTH - MARGIN];
        let y_label = AXIS_NAME.fitted(canvas, y_label, right - left);
        AXIS_NAME.draw(canvas, &y_label, (left, BELOW_TITLE + 34), HPos::Left)?;
        let names: Vec<String> = self.names.iter().map(|&name| name.to_owned()).collect();
        let legend = Legend::new(canvas, edges, &names);
        legend.draw(canvas, BELOW_TITLE + 76)?;
        let top = BELOW_TITLE + 76 + LINE_HEIGHT * (legend.lines() - 1).max(0) + 26;
        let axes = [Axis::between(self.x[0], self.x[1]), Axis::between(self.y[0], self.y[1])];
        let frame = Frame::new(canvas, edges, [top, HEIGHT - BELOW], axes);
        frame.draw(canvas, x_label)?;
        self.draw_cells(canvas, &frame, predicted)?;
        for (&(x, y), &label) in self.points.iter().zip(self.labels) {
            let at = (frame.x(x), frame.y(y));
            canvas.draw(&Circle::new(at, MARK_RADIUS + 2, PAPER.filled()))?;
            Stroke::of_series(label).mark(canvas, at)?;
        }
        Ok(())
    }

    fn draw_cells(&self, canvas: &Canvas, frame: &Frame, predicted: &[usize]) -> DrawingResult {
        let x = |cell: usize| frame.left + (frame.right - frame.left) * cell as i32 / CELLS as i32;
        let y = |cell: usize| frame.bottom - (frame.bottom - frame.top) * cell as i32 / CELLS as i32;
        for (index, &class) in predicted.iter().enumerate() {
            let (row, column) = (index / CELLS, index % CELLS);
            let corners = [(x(column), y(row + 1)), (x(column + 1), y(row))];
            canvas.draw(&Rectangle::new(corners, pale(series_color(class)).filled()))?;
        }
        Ok(())
    }
}

/// The values' range with a margin.
fn range(values: impl Iterator<Item = f64> + Clone) -> [f64; 2] {
    let (low, high) = (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::NEG_INFINITY, f64::max));
    let smallest = 1e-9 + 1e-9 * low.abs().max(high.abs());
    let margin = (MARGIN_SHARE * (high - low)).max(smallest);
    [low - margin, high + margin]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::tests::pixels;

    /// A quarter of the cells at the right, then at the top, is of the second class.
    #[test]
    fn each_cell_has_the_color_of_its_class() {
        let surface = Surface::around(&[(-1.0, 0.0), (1.0, 5.0)], &[0, 1], &["inner", "outer"]).unwrap();
        let inputs = surface.inputs();
        assert_eq!(inputs.len(), 2 * CELLS * CELLS);
        for (axis, bound) in [(0, 0.6), (1, 4.0)] {
            let predicted: Vec<usize> = inputs.chunks(2).map(|point| usize::from(point[axis] > bound)).collect();
            let pixels = pixels((WIDTH as u32, HEIGHT as u32), |canvas| surface.draw(canvas, ["x", "y"], &predicted));
            let of_class = |class| -> Vec<usize> {
                let color = pale(series_color(class));
                (0..pixels.len()).filter(|&index| pixels[index] == color).collect()
            };
            let (first, second) = (of_class(0), of_class(1));
            let share = second.len() as f64 / (first.len() + second.len()) as f64;
            assert!((share - 0.25).abs() < 0.01, "{share}");
            let place = |index: usize| [index % WIDTH as usize, index / WIDTH as usize][axis];
            let is_apart = match axis {
                0 => first.iter().map(|&index| place(index)).max() < second.iter().map(|&index| place(index)).min(),
                _ => first.iter().map(|&index| place(index)).min() > second.iter().map(|&index| place(index)).max(),
            };
            assert!(is_apart, "axis {axis}");
        }
    }
}
