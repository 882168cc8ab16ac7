//! The rectangle in which values are drawn, with its axes.

use plotters::element::PathElement;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, FontStyle, RGBColor};

use crate::axis::Axis;
use crate::lettering::Lettering;
use crate::palette::{FAINT_INK, INK, RULE};
use crate::picture::{Canvas, DrawingResult};

// All sizes and distances are in pixels.
/// Between an axis and the numbers beside it.
const TICK_GAP: i32 = 14;
/// Half the height of a digit, by which a number's baseline is below its middle.
pub(crate) const HALF_DIGIT: i32 = 8;
/// What ticks and the name of the x axis need below the rectangle.
pub(crate) const BELOW: i32 = 104;

pub(crate) const AXIS_NAME: Lettering = Lettering { size: 30, weight: FontStyle::Bold, color: INK };
pub(crate) const PLAIN: Lettering = Lettering { size: 28, weight: FontStyle::Normal, color: INK };
pub(crate) const TICK: Lettering = Lettering { size: 26, weight: FontStyle::Normal, color: FAINT_INK };

/// A rectangle, and the axes along it.
pub(crate) struct Frame {
    pub(crate) left: i32,
    pub(crate) right: i32,
    pub(crate) top: i32,
    pub(crate) bottom: i32,
    pub(crate) x_axis: Axis,
    pub(crate) y_axis: Axis,
}

impl Frame {
    /// A frame between the given left and right edge, as wide as the numbers of the y axis leave room for.
    pub(crate) fn new(canvas: &Canvas, [left, right]: [i32; 2], [top, bottom]: [i32; 2], [x_axis, y_axis]: [Axis; 2]) -> Frame {
        let widths = y_axis.ticks().iter().map(|tick| TICK.width(canvas, &tick.label));
        let left = left + widths.max().unwrap_or(0) + TICK_GAP;
        Frame { left, right, top, bottom, x_axis, y_axis }
    }

    pub(crate) fn x(&self, value: f64) -> i32 {
        self.left + (self.x_axis.position(value) * f64::from(self.right - self.left)).round() as i32
    }

    pub(crate) fn y(&self, value: f64) -> i32 {
        self.bottom - (self.y_axis.position(value) * f64::from(self.bottom - self.top)).round() as i32
    }

    /// Draws rules, ticks and the name of the x axis.
    pub(crate) fn draw(&self, canvas: &Canvas, x_label: &str) -> DrawingResult {
        for tick in self.y_axis.ticks() {
            let y = self.y(tick.value);
            self.draw_rule(canvas, y, RULE)?;
            TICK.draw(canvas, &tick.label, (self.left - TICK_GAP, y + HALF_DIGIT), HPos::Right)?;
        }
        for tick in self.x_axis.ticks() {
            let x = self.x(tick.value);
            canvas.draw(&PathElement::new([(x, self.bottom), (x, self.bottom + 8)], FAINT_INK.stroke_width(2)))?;
            TICK.draw(canvas, &tick.label, (x, self.bottom + 36), HPos::Center)?;
        }
        if self.y_axis.crosses_zero() {
            self.draw_rule(canvas, self.y(0.0), FAINT_INK)?;
        }
        self.draw_rule(canvas, self.bottom, FAINT_INK)?;
        let x_label = PLAIN.fitted(canvas, x_label, self.right - self.left);
        PLAIN.draw(canvas, &x_label, ((self.left + self.right) / 2, self.bottom + 78), HPos::Center)
    }

    fn draw_rule(&self, canvas: &Canvas, y: i32, color: RGBColor) -> DrawingResult {
        canvas.draw(&PathElement::new([(self.left, y), (self.right, y)], color.stroke_width(2)))
    }
}
