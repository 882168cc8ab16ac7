//! One panel of curves: its axes, legend and lines.

use plotters::element::{PathElement, Rectangle};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, FontStyle};

use crate::axis::{Axis, Scale};
use crate::frame::{AXIS_NAME, BELOW, Frame};
use crate::heading::MARGIN;
use crate::legend::{LINE_HEIGHT, Legend};
use crate::lettering::Lettering;
use crate::palette::{INK, PAPER};
use crate::picture::{Canvas, DrawingResult};
use crate::stroke::Stroke;

/// A named curve.
#[derive(Debug, Clone)]
struct Series {
    name: String,
    points: Vec<(f64, f64)>,
    /// Whether a line joins them.
    is_joined: bool,
}

/// Curves that share their axes: `Panel::new("Loss").series("training", losses).log_y()`.
#[derive(Debug, Clone)]
pub struct Panel {
    y_label: String,
    series: Vec<Series>,
    x_scale: Scale,
    y_scale: Scale,
    marked: Option<(f64, String)>,
}

impl Panel {
    /// A panel without curves. `y_label` says what its y axis shows, with the unit: `"Accuracy (%)"`.
    pub fn new(y_label: impl Into<String>) -> Self {
        let [x_scale, y_scale] = [Scale::Linear; 2];
        Self { y_label: y_label.into(), series: Vec::new(), x_scale, y_scale, marked: None }
    }

    /// The same with one more curve, which the legend calls `name`. Its points (x, y) are joined in their order; where one
    /// is not finite, it has a gap.
    pub fn series<X: Into<f64>, Y: Into<f64>>(self, name: impl Into<String>, points: impl IntoIterator<Item = (X, Y)>) -> Self {
        let points = points.into_iter().map(|(x, y)| (x.into(), y.into())).collect();
        self.with(Series { name: name.into(), points, is_joined: true })
    }

    /// The same with points that no line joins.
    pub fn scatter(self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.with(Series { name: name.into(), points: points.into_iter().collect(), is_joined: false })
    }

    fn with(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// The same with a logarithmic x axis, which leaves out points that are not above 0.
    pub fn log_x(self) -> Self {
        Self { x_scale: Scale::Logarithmic, ..self }
    }

    /// The same with a logarithmic y axis, which leaves out points that are not above 0.
    pub fn log_y(self) -> Self {
        Self { y_scale: Scale::Logarithmic, ..self }
    }

    /// The same with a line at `x`, which `label` explains. Where the axis cannot show it, there is none.
    pub fn marked(self, x: f64, label: impl Into<String>) -> Self {
        Self { marked: Some((x, label.into())), ..self }
    }

    /// What its y axis shows.
    pub(crate) fn y_label(&self) -> &str {
        &self.y_label
    }

    /// Whether none of its series has a point.
    pub(crate) fn is_empty(&self) -> bool {
        self.series.iter().all(|series| series.points.is_empty())
    }

    fn shows(&self, &(x, y): &(f64, f64)) -> bool {
        self.x_scale.shows(x) && self.y_scale.shows(y)
    }

    /// The line to draw, if any.
    fn mark(&self) -> Option<(f64, &str)> {
        let (x, label) = self.marked.as_ref()?;
        self.x_scale.shows(*x).then_some((*x, label))
    }

    fn axes(&self) -> [Axis; 2] {
        let points = self.series.iter().flat_map(|series| &series.points).filter(|point| self.shows(point));
        let x = points.clone().map(|&(x, _)| x).chain(self.mark().map(|(x, _)| x));
        [Axis::covering(self.x_scale, x), Axis::covering(self.y_scale, points.map(|&(_, y)| y))]
    }

    fn legend_entry(&self, series: &Series) -> String {
        let missing = series.points.iter().filter(|point| !self.shows(point)).count();
        let is_linear = [self.x_scale, self.y_scale] == [Scale::Linear; 2];
        match missing {
            0 => series.name.clone(),
            _ if is_linear => format!("{} ({missing} not finite)", series.name),
            _ => format!("{} ({missing} not above 0)", series.name),
        }
    }
}

// All sizes and distances are in pixels.
pub(crate) const PANEL_WIDTH: i32 = 800;
pub(crate) const PANEL_HEIGHT: i32 = 592;
const Y_LABEL_BASELINE: i32 = 34;
const LEGEND_BASELINE: i32 = 76;
/// Between the last line of the legend and the frame.
const LEGEND_GAP: i32 = 26;
/// Between the dashes of a line, and their length.
const DASH: i32 = 10;

const MARK: Lettering = Lettering { size: 26, weight: FontStyle::Bold, color: INK };

/// Where a curve has more points than this, they are not marked.
const MOST_MARKS: usize = 40;

/// Draws a panel whose upper left corner is given.
pub(crate) fn draw(canvas: &Canvas, (left, top): (i32, i32), x_label: &str, panel: &Panel) -> DrawingResult {
    let edges @ [inner_left, inner_right] = [left + MARGIN, left + PANEL_WIDTH - MARGIN];
    let y_label = AXIS_NAME.fitted(canvas, &panel.y_label, inner_right - inner_left);
    AXIS_NAME.draw(canvas, &y_label, (inner_left, top + Y_LABEL_BASELINE), HPos::Left)?;
    let names: Vec<String> = panel.series.iter().map(|series| panel.legend_entry(series)).collect();
    let legend = Legend::new(canvas, edges, &names);
    legend.draw(canvas, top + LEGEND_BASELINE)?;
    let frame_top = top + LEGEND_BASELINE + LINE_HEIGHT * (legend.lines() - 1).max(0) + LEGEND_GAP;
    let frame = Frame::new(canvas, edges, [frame_top, top + PANEL_HEIGHT - BELOW], panel.axes());
    frame.draw(canvas, x_label)?;
    // Below the curves, since its label hides what is behind it.
    if let Some((x, label)) = panel.mark() {
        draw_mark(canvas, &frame, frame.x(x), label)?;
    }
    let mut curves = panel.series.iter().enumerate();
    curves.try_for_each(|(index, series)| draw_curve(canvas, &frame, panel, series, Stroke::of_series(index)))
}

/// Draws each run of points that are shown as a line; few points, and those without neighbours, are marked.
fn draw_curve(canvas: &Canvas, frame: &Frame, panel: &Panel, series: &Series, stroke: Stroke) -> DrawingResult {
    let has_marks = series.points.len() <= MOST_MARKS || !series.is_joined;
    for run in series.points.split(|point| !panel.shows(point)) {
        let run: Vec<(i32, i32)> = run.iter().map(|&(x, y)| (frame.x(x), frame.y(y))).collect();
        for (from, to) in run.iter().zip(run.iter().skip(1)).filter(|_| series.is_joined) {
            stroke.line(canvas, *from, *to)?;
        }
        for &at in run.iter().filter(|_| has_marks || run.len() == 1) {
            stroke.mark(canvas, at)?;
        }
    }
    Ok(())
}

/// Draws a dashed line over the whole height, with its label on the side where there is more room, and no rule through it.
fn draw_mark(canvas: &Canvas, frame: &Frame, x: i32, label: &str) -> DrawingResult {
    for y in (frame.top..frame.bottom).step_by(2 * DASH as usize) {
        canvas.draw(&PathElement::new([(x, y), (x, (y + DASH).min(frame.bottom))], INK.stroke_width(3)))?;
    }
    let is_left = x > (frame.left + frame.right) / 2;
    let (anchor, x, room) =
        if is_left { (HPos::Right, x - DASH, x - frame.left) } else { (HPos::Left, x + DASH, frame.right - x) };
    let label = MARK.fitted(canvas, label, room - DASH);
    let width = MARK.width(canvas, &label);
    let start = if is_left { x - width } else { x };
    canvas.draw(&Rectangle::new([(start, frame.top), (start + width, frame.top + 3 * MARK.size / 2)], PAPER.filled()))?;
    MARK.draw(canvas, &label, (x, frame.top + MARK.size), anchor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::palette::series_color;
    use crate::picture::tests::count_of_color;
    use crate::stroke::MARK_RADIUS;

    fn count_in(panel: &Panel, color: plotters::style::RGBColor) -> usize {
        count_of_color((PANEL_WIDTH as u32, PANEL_HEIGHT as u32), color, |canvas| draw(canvas, (0, 0), "epoch", panel))
    }

    /// How many pixels the curve of these points takes, its swatch in the legend included.
    fn count_drawn(points: &[(f64, f64)]) -> usize {
        count_in(&Panel::new("loss (nats)").series("test", points.to_vec()), series_color(0))
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
        let entry = |panel: &Panel| panel.legend_entry(&panel.series[0]);
        let with = |points: &[(f64, f64)]| Panel::new("").series("test", points.to_vec());
        assert_eq!(entry(&with(&[(1.0, 2.0)])), "test");
        assert_eq!(entry(&with(&[(1.0, f64::NAN), (2.0, 1.0), (3.0, f64::INFINITY)])), "test (2 not finite)");
        let panel = with(&[(0.0, 1.0), (1.0, 0.0), (1.0, -1.0), (2.0, 3.0)]).log_y();
        assert_eq!(entry(&panel), "test (2 not above 0)");
        assert_eq!(entry(&panel.log_x()), "test (3 not above 0)");
    }

    #[test]
    fn no_rule_runs_through_the_label_of_a_line() {
        let rules = |label: &str| {
            let panel = Panel::new("").series("", [(0.0, 1.6), (1.0, 8.5)]).log_y().marked(0.9, label);
            count_in(&panel, crate::palette::RULE)
        };
        let shortened = rules("").saturating_sub(rules("suggested"));
        assert!(shortened > 100, "{shortened} pixels");
    }

    #[test]
    fn a_line_is_drawn_only_where_the_axis_shows_it() {
        let count = |panel: &Panel| count_in(panel, INK);
        let plain = || Panel::new("").series("", [(1.0, 0.0), (2.0, 1.0)]);
        let far = plain().marked(5.0, "");
        let height = (PANEL_HEIGHT - BELOW - LEGEND_BASELINE - LEGEND_GAP) as usize;
        assert!(count(&far) > count(&plain()) + height);
        assert_eq!(count(&plain().marked(f64::NAN, "here")), count(&plain()));
        assert_eq!(count(&plain().log_x().marked(0.0, "here")), count(&plain().log_x()));
    }
}
