//! One panel of curves: its axes, legend and lines.

use plotters::element::{Circle, PathElement};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, FontStyle, RGBColor};

use crate::axis::Axis;
use crate::lettering::Lettering;
use crate::palette::{FAINT_INK, INK, PAPER, RULE, series_color};
use crate::picture::{Canvas, DrawingResult};
use crate::{Panel, Series};

// All sizes and distances are in pixels.
pub(crate) const PANEL_WIDTH: i32 = 800;
pub(crate) const HEIGHT: i32 = 680;
pub(crate) const MARGIN: i32 = 40;
const Y_LABEL_BASELINE: i32 = 122;
const LEGEND_BASELINE: i32 = 164;
const TOP: i32 = 190;
const BOTTOM: i32 = HEIGHT - 104;
const X_TICK_BASELINE: i32 = BOTTOM + 36;
const X_LABEL_BASELINE: i32 = BOTTOM + 78;
/// Between an axis and the numbers beside it.
const TICK_GAP: i32 = 14;
/// Half the height of a digit, by which a number's baseline is below its middle.
const HALF_DIGIT: i32 = 8;
const SWATCH: i32 = 44;
const LINE_WIDTH: u32 = 4;
const MARK_RADIUS: i32 = 7;

const AXIS_NAME: Lettering = Lettering { size: 30, weight: FontStyle::Bold, color: INK };
const PLAIN: Lettering = Lettering { size: 28, weight: FontStyle::Normal, color: INK };
const TICK: Lettering = Lettering { size: 26, weight: FontStyle::Normal, color: FAINT_INK };

/// Where a curve has more points than this, they are not marked.
const MOST_MARKS: usize = 40;
/// Larger numbers are left out as infinite ones are.
const LARGEST: f64 = 1e99;

/// Draws a panel whose left edge is at `left`.
pub(crate) fn draw(canvas: &Canvas, left: i32, x_label: &str, panel: &Panel) -> DrawingResult {
    let frame = Frame::around(canvas, left, panel);
    let room = frame.right - left - MARGIN;
    let y_label = AXIS_NAME.fitted(canvas, panel.y_label, room);
    AXIS_NAME.draw(canvas, &y_label, (left + MARGIN, Y_LABEL_BASELINE), HPos::Left)?;
    draw_legend(canvas, (left + MARGIN, frame.right), panel.series)?;
    frame.draw(canvas)?;
    let x_label = PLAIN.fitted(canvas, x_label, room);
    let middle = (frame.left + frame.right) / 2;
    PLAIN.draw(canvas, &x_label, (middle, X_LABEL_BASELINE), HPos::Center)?;
    for (index, series) in panel.series.iter().enumerate() {
        draw_curve(canvas, &frame, series, Stroke::of_series(index))?;
    }
    Ok(())
}

fn is_drawable(&(x, y): &(f64, f64)) -> bool {
    x.abs() <= LARGEST && y.abs() <= LARGEST
}

/// The rectangle in which curves are drawn, and the axes along it.
struct Frame {
    left: i32,
    right: i32,
    x_axis: Axis,
    y_axis: Axis,
}

impl Frame {
    /// As wide as the numbers of the y axis leave room for.
    fn around(canvas: &Canvas, panel_left: i32, panel: &Panel) -> Frame {
        let points = panel.series.iter().flat_map(|series| series.points).filter(|point| is_drawable(point));
        let x_axis = Axis::covering(points.clone().map(|&(x, _)| x));
        let y_axis = Axis::covering(points.map(|&(_, y)| y));
        let widths = y_axis.ticks().into_iter().map(|tick| TICK.width(canvas, &y_axis.label(tick)));
        let left = panel_left + MARGIN + widths.max().unwrap_or(0) + TICK_GAP;
        Frame { left, right: panel_left + PANEL_WIDTH - MARGIN, x_axis, y_axis }
    }

    fn x(&self, value: f64) -> i32 {
        self.left + (self.x_axis.position(value) * f64::from(self.right - self.left)).round() as i32
    }

    fn y(&self, value: f64) -> i32 {
        BOTTOM - (self.y_axis.position(value) * f64::from(BOTTOM - TOP)).round() as i32
    }

    fn draw(&self, canvas: &Canvas) -> DrawingResult {
        for tick in self.y_axis.ticks() {
            let (y, label) = (self.y(tick), self.y_axis.label(tick));
            canvas.draw(&PathElement::new([(self.left, y), (self.right, y)], RULE.stroke_width(2)))?;
            TICK.draw(canvas, &label, (self.left - TICK_GAP, y + HALF_DIGIT), HPos::Right)?;
        }
        for tick in self.x_axis.ticks() {
            let (x, label) = (self.x(tick), self.x_axis.label(tick));
            canvas.draw(&PathElement::new([(x, BOTTOM), (x, BOTTOM + 8)], FAINT_INK.stroke_width(2)))?;
            TICK.draw(canvas, &label, (x, X_TICK_BASELINE), HPos::Center)?;
        }
        canvas.draw(&PathElement::new([(self.left, BOTTOM), (self.right, BOTTOM)], FAINT_INK.stroke_width(2)))
    }
}

/// How a curve is told from the others: by colour and, in print without colours, by filled and hollow marks.
#[derive(Clone, Copy)]
struct Stroke {
    color: RGBColor,
    is_hollow: bool,
}

impl Stroke {
    fn of_series(index: usize) -> Stroke {
        Stroke { color: series_color(index), is_hollow: index % 2 == 1 }
    }

    fn line(self, canvas: &Canvas, from: (i32, i32), to: (i32, i32)) -> DrawingResult {
        canvas.draw(&PathElement::new([from, to], self.color.stroke_width(LINE_WIDTH)))?;
        canvas.draw(&Circle::new(to, LINE_WIDTH as i32 / 2, self.color.filled()))
    }

    fn mark(self, canvas: &Canvas, at: (i32, i32)) -> DrawingResult {
        canvas.draw(&Circle::new(at, MARK_RADIUS, self.color.filled()))?;
        if self.is_hollow {
            canvas.draw(&Circle::new(at, MARK_RADIUS - LINE_WIDTH as i32, PAPER.filled()))?;
        }
        Ok(())
    }
}

/// One row of swatches and names; what does not fit is shortened.
fn draw_legend(canvas: &Canvas, (left, right): (i32, i32), series: &[Series]) -> DrawingResult {
    let mut x = left;
    for (index, series) in series.iter().enumerate() {
        if x + SWATCH > right {
            break;
        }
        let (stroke, y) = (Stroke::of_series(index), LEGEND_BASELINE - HALF_DIGIT);
        stroke.line(canvas, (x, y), (x + SWATCH, y))?;
        stroke.mark(canvas, (x + SWATCH / 2, y))?;
        let name = PLAIN.fitted(canvas, &legend_entry(series), right - x - SWATCH - 12);
        PLAIN.draw(canvas, &name, (x + SWATCH + 12, LEGEND_BASELINE), HPos::Left)?;
        x += SWATCH + 12 + PLAIN.width(canvas, &name) + 40;
    }
    Ok(())
}

fn legend_entry(series: &Series) -> String {
    let missing = series.points.iter().filter(|point| !is_drawable(point)).count();
    match missing {
        0 => series.name.to_string(),
        _ => format!("{} ({missing} not finite)", series.name),
    }
}

/// Draws each run of drawable points as a line; few points, and those without neighbours, are marked.
fn draw_curve(canvas: &Canvas, frame: &Frame, series: &Series, stroke: Stroke) -> DrawingResult {
    let has_marks = series.points.len() <= MOST_MARKS;
    for run in series.points.split(|point| !is_drawable(point)) {
        let run: Vec<(i32, i32)> = run.iter().map(|&(x, y)| (frame.x(x), frame.y(y))).collect();
        for (from, to) in run.iter().zip(run.iter().skip(1)) {
            stroke.line(canvas, *from, *to)?;
        }
        for &at in run.iter().filter(|_| has_marks || run.len() == 1) {
            stroke.mark(canvas, at)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::tests::count_of_color;

    /// How many pixels the curve of these points takes, its swatch in the legend included.
    fn count_drawn(points: &[(f64, f64)]) -> usize {
        let series = [Series { name: "test", points }];
        let panel = Panel { y_label: "loss (nats)", series: &series };
        let size = (PANEL_WIDTH as u32, HEIGHT as u32);
        count_of_color(size, series_color(0), |canvas| draw(canvas, 0, "epoch", &panel))
    }

    #[test]
    fn one_epoch_is_drawn_as_a_mark() {
        let nothing = count_drawn(&[(1.0, f64::NAN)]);
        let mark = count_drawn(&[(1.0, 0.3)]) - nothing;
        let area = std::f64::consts::PI * f64::from(MARK_RADIUS).powi(2);
        assert!((0.6..1.4).contains(&(mark as f64 / area)), "{mark} pixels");
    }

    #[test]
    fn a_curve_has_a_gap_where_a_value_is_not_finite() {
        let straight: Vec<(f64, f64)> = (0..5).map(|x| (f64::from(x), f64::from(x))).collect();
        let whole = count_drawn(&straight);
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            let mut broken = straight.clone();
            broken[2].1 = odd;
            let drawn = count_drawn(&broken);
            assert!(drawn < whole * 6 / 10 + 400, "{odd}: {drawn} of {whole} pixels");
            assert!(drawn > whole * 4 / 10, "{odd}: {drawn} of {whole} pixels");
        }
    }

    #[test]
    fn the_legend_counts_what_is_left_out() {
        let entry = |points| legend_entry(&Series { name: "test", points });
        assert_eq!(entry(&[(1.0, 2.0)]), "test");
        assert_eq!(entry(&[(1.0, f64::NAN), (2.0, 1.0), (3.0, f64::INFINITY)]), "test (2 not finite)");
    }

    /// The longer text is cut at the panel's edge, where a picture of one panel ends.
    #[test]
    fn long_text_is_shortened_to_fit() {
        count_of_color((PANEL_WIDTH as u32, HEIGHT as u32), INK, |canvas| {
            let fitted = PLAIN.fitted(canvas, &"wide ".repeat(1000), 300);
            assert!(fitted.starts_with("wide ") && fitted.ends_with('…'), "{fitted}");
            assert!((200..=300).contains(&PLAIN.width(canvas, &fitted)), "{fitted}");
            assert_eq!(PLAIN.fitted(canvas, "short", 300), "short");
            Ok(())
        });
    }
}
