//! Text in the fonts that are part of the binary.

use std::io;

use plotters::element::Text;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, IntoFont, RGBColor, TextStyle, register_font};

use crate::picture::{Canvas, DrawingResult};

const FAMILY: &str = "DejaVu Sans";

/// A size in pixels (from ascender to descender), weight and colour.
#[derive(Clone, Copy)]
pub(crate) struct Lettering {
    pub(crate) size: i32,
    pub(crate) weight: FontStyle,
    pub(crate) color: RGBColor,
}

impl Lettering {
    fn style(self) -> TextStyle<'static> {
        let font = (FAMILY, self.size, self.weight).into_font();
        font.color(&self.color.to_rgba())
    }

    /// The width of a line of text in pixels.
    pub(crate) fn width(self, canvas: &Canvas, line: &str) -> i32 {
        let width = canvas.estimate_text_size(line, &self.style()).map_or(0, |(width, _)| width);
        i32::try_from(width).unwrap_or(i32::MAX)
    }

    /// Draws a line of text whose baseline is at `y`, and whose left end, middle or right end is at `x`.
    pub(crate) fn draw(self, canvas: &Canvas, line: &str, (x, y): (i32, i32), anchor: HPos) -> DrawingResult {
        let style = self.style().pos(Pos::new(anchor, VPos::Top));
        // plotters puts the baseline half the font's size below what it calls the top.
        canvas.draw(&Text::new(line.to_string(), (x, y - self.size / 2), style))
    }

    /// The line itself, or as much of its beginning as fits `width` pixels with an ellipsis.
    pub(crate) fn fitted(self, canvas: &Canvas, line: &str, width: i32) -> String {
        if self.width(canvas, line) <= width {
            return line.to_string();
        }
        // No glyph is narrower than a tenth of the font's size, so that no more than these need be tried.
        let mut shortened: String = line.chars().take((10 * width / self.size).max(0) as usize).collect();
        while !shortened.is_empty() && self.width(canvas, &format!("{shortened}…")) > width {
            shortened.pop();
        }
        shortened + "…"
    }
}

/// Makes the fonts known to plotters; doing so again is harmless.
pub(crate) fn register_fonts() -> io::Result<()> {
    let regular = include_bytes!("../fonts/DejaVuSans.ttf");
    let bold = include_bytes!("../fonts/DejaVuSans-Bold.ttf");
    register_font(FAMILY, FontStyle::Normal, regular)
        .and_then(|()| register_font(FAMILY, FontStyle::Bold, bold))
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the fonts in the binary are damaged"))
}
