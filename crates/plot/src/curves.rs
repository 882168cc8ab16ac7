//! Curves of figures over training, in panels side by side.

use std::path::Path;

use plotters::style::FontStyle;
use plotters::style::text_anchor::HPos;

use crate::PlotError;
use crate::lettering::Lettering;
use crate::palette::INK;
use crate::panel::{self, HEIGHT, MARGIN, PANEL_WIDTH};
use crate::picture;

/// A named curve.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    /// What the legend calls the curve.
    pub name: &'a str,
    /// The points (x, y) in the order in which they are joined. Where one is not finite, the curve has a gap.
    pub points: &'a [(f64, f64)],
}

/// Curves that share a y axis.
#[derive(Debug, Clone, Copy)]
pub struct Panel<'a> {
    /// What the y axis shows, with its unit: `"Accuracy (%)"`.
    pub y_label: &'a str,
    /// The curves.
    pub series: &'a [Series<'a>],
}

const MOST_PANELS: usize = 8;

const TITLE_BASELINE: i32 = 62;
const TITLE: Lettering = Lettering { size: 40, weight: FontStyle::Bold, color: INK };

/// Draws the panels side by side and writes them to `path` as a PNG file, creating the folders above it.
///
/// `x_label` names the x axis that all panels share, with its unit. Points that are not finite are left out.
///
/// # Errors
/// If there are no panels, more than eight, or one without points, and if the picture cannot be written.
pub fn curves(path: &Path, title: &str, x_label: &str, panels: &[Panel]) -> Result<(), PlotError> {
    check(panels)?;
    let size = (PANEL_WIDTH as u32 * panels.len() as u32, HEIGHT as u32);
    picture::write(path, size, |canvas| {
        let title = TITLE.fitted(canvas, title, size.0 as i32 - 2 * MARGIN);
        TITLE.draw(canvas, &title, (MARGIN, TITLE_BASELINE), HPos::Left)?;
        for (panel, left) in panels.iter().zip((0..).step_by(PANEL_WIDTH as usize)) {
            panel::draw(canvas, left, x_label, panel)?;
        }
        Ok(())
    })
}

fn check(panels: &[Panel]) -> Result<(), PlotError> {
    if panels.is_empty() {
        return Err(PlotError::Empty { what: "no panels".to_string() });
    }
    if panels.len() > MOST_PANELS {
        return Err(PlotError::TooMany { what: "panels", limit: MOST_PANELS, count: panels.len() });
    }
    match panels.iter().find(|panel| panel.series.iter().all(|series| series.points.is_empty())) {
        Some(panel) => Err(PlotError::Empty { what: format!("no points of {}", panel.y_label) }),
        None => Ok(()),
    }
}
