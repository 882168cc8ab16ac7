//! The curves of loss and accuracy.

use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use super::history::History;
use super::pad::{colour, context, fit};
use crate::browser::Result;

const LEFT: f64 = 44.0;
const RIGHT: f64 = 10.0;
const TITLE: f64 = 26.0;
const BOTTOM: f64 = 24.0;
const GAP: f64 = 10.0;

/// The canvas of the curves.
pub struct Chart {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
}

/// One of the curves.
struct Curve<'a> {
    title: &'a str,
    colour: &'a str,
    points: &'a [[f64; 2]],
    /// The values at the bottom and at the top.
    range: [f64; 2],
    /// Where there are lines, with their labels.
    lines: &'a [(f64, &'a str)],
    has_dots: bool,
}

/// Where a curve lies.
#[derive(Clone, Copy)]
struct Place {
    top: f64,
    bottom: f64,
    width: f64,
    /// The step at the right end.
    last: f64,
}

impl Chart {
    pub fn new(canvas: &HtmlCanvasElement) -> Result<Self> {
        Ok(Self { canvas: canvas.clone(), context: context(canvas)? })
    }

    /// Draws both curves over the steps so far.
    pub fn draw(&self, history: &History) -> Result<()> {
        let [width, height] = fit(&self.canvas, &self.context)?;
        self.context.clear_rect(0.0, 0.0, width, height);
        let losses = history.losses();
        let (loss, accuracy) = (colour("--accent")?, colour("--second")?);
        let curves = [
            Curve {
                title: "training loss",
                colour: &loss,
                points: &losses,
                range: [0.0, 2.5],
                lines: &[(0.0, "0"), (1.0, "1"), (2.0, "2")],
                has_dots: false,
            },
            Curve {
                title: "accuracy on the test digits",
                colour: &accuracy,
                points: history.accuracies(),
                range: [0.5, 1.0],
                lines: &[(0.5, "50 %"), (0.75, "75 %"), (0.9, "90 %"), (1.0, "100 %")],
                has_dots: true,
            },
        ];
        let last = curves.iter().filter_map(|curve| curve.points.last()).map(|point| point[0]).fold(0.0, f64::max);
        let each = (height - BOTTOM - GAP) / 2.0;
        let place = |top: f64| Place { top: top + TITLE, bottom: top + each, width, last: last.max(100.0) };
        let places = [place(0.0), place(each + GAP)];
        for (curve, place) in curves.iter().zip(places) {
            self.draw_curve(curve, place)?;
        }
        self.label_steps(places[1])
    }

    fn draw_curve(&self, curve: &Curve, place: Place) -> Result<()> {
        let context = &self.context;
        let x = |step: f64| LEFT + step / place.last * (place.width - LEFT - RIGHT);
        let [low, high] = curve.range;
        let y = |value: f64| place.bottom - (value.clamp(low, high) - low) / (high - low) * (place.bottom - place.top);
        context.set_font("600 13px system-ui, sans-serif");
        context.set_text_align("left");
        context.set_fill_style_str(curve.colour);
        context.fill_text(curve.title, LEFT, place.top - 10.0)?;
        context.set_font("12px system-ui, sans-serif");
        context.set_text_align("right");
        context.set_fill_style_str(&colour("--soft")?);
        context.set_stroke_style_str(&colour("--line")?);
        context.set_line_width(1.0);
        for (value, label) in curve.lines {
            self.line(&[[LEFT, y(*value)], [place.width - RIGHT, y(*value)]]);
            context.fill_text(label, LEFT - 7.0, y(*value) + 4.0)?;
        }
        let points: Vec<[f64; 2]> = curve.points.iter().map(|[step, value]| [x(*step), y(*value)]).collect();
        context.set_stroke_style_str(curve.colour);
        context.set_fill_style_str(curve.colour);
        context.set_line_width(2.0);
        context.set_line_join("round");
        self.line(&points);
        for [x, y] in points.iter().filter(|_| curve.has_dots) {
            context.begin_path();
            context.arc(*x, *y, 2.5, 0.0, std::f64::consts::TAU)?;
            context.fill();
        }
        Ok(())
    }

    fn label_steps(&self, place: Place) -> Result<()> {
        self.context.set_font("12px system-ui, sans-serif");
        self.context.set_fill_style_str(&colour("--soft")?);
        self.context.set_text_align("left");
        self.context.fill_text("0", LEFT, place.bottom + 18.0)?;
        self.context.set_text_align("right");
        self.context.fill_text(&format!("{} steps", place.last), place.width - RIGHT, place.bottom + 18.0)?;
        Ok(())
    }

    fn line(&self, points: &[[f64; 2]]) {
        self.context.begin_path();
        for (index, &[x, y]) in points.iter().enumerate() {
            if index == 0 { self.context.move_to(x, y) } else { self.context.line_to(x, y) }
        }
        self.context.stroke();
    }
}
