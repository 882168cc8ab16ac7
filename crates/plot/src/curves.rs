//! Curves in panels: figures over training, functions, learning rates.

use std::path::Path;

use crate::PlotError;
use crate::heading::{self, BELOW_TITLE};
use crate::panel::{self, PANEL_HEIGHT, PANEL_WIDTH, Panel};
use crate::picture;

const MOST_PANELS: usize = 12;

/// Draws the panels, up to three in a row, and writes them to `path` as a PNG file, creating the folders above it.
///
/// `x_label` names the x axes of all panels, with the unit. Points that are not finite are left out.
///
/// # Errors
/// If there are no panels, more than twelve, or one without points, and if the picture cannot be written.
///
/// # Example
/// ```no_run
/// use wgrad_plot::{Panel, curves};
///
/// let loss = Panel::new("Loss").series("training", [(1.0, 0.7), (2.0, 0.2)]).log_y();
/// curves("loss.png", "Training", "Epoch", &[loss])?;
/// # Ok::<(), wgrad_plot::PlotError>(())
/// ```
pub fn curves(path: impl AsRef<Path>, title: &str, x_label: &str, panels: &[Panel]) -> Result<(), PlotError> {
    check(panels)?;
    let columns = in_a_row(panels.len());
    let rows = panels.len().div_ceil(columns);
    let size = (PANEL_WIDTH as u32 * columns as u32, BELOW_TITLE as u32 + PANEL_HEIGHT as u32 * rows as u32);
    picture::write(path.as_ref(), size, |canvas| {
        heading::draw_title(canvas, title)?;
        for (index, panel) in panels.iter().enumerate() {
            let left = PANEL_WIDTH * (index % columns) as i32;
            let top = BELOW_TITLE + PANEL_HEIGHT * (index / columns) as i32;
            panel::draw(canvas, (left, top), x_label, panel)?;
        }
        Ok(())
    })
}

/// Draws what a learning-rate finder has measured, losses over learning rates on logarithmic axes, and a line at the
/// rate that it suggests; writes the picture to `path` as a PNG file, creating the folders above it.
///
/// `loss` names the loss, with its unit, such as "Cross-entropy (nats)".
///
/// Points (learning rate, loss) of which a number is not finite or not above 0 are left out. Both axes are logarithmic,
/// since at the largest rates the loss is many times what it was at the beginning.
///
/// # Errors
/// If there are no points, and if the picture cannot be written.
pub fn learning_rates(
    path: impl AsRef<Path>,
    title: &str,
    loss: &str,
    points: impl IntoIterator<Item = (f64, f64)>,
    suggested: f64,
) -> Result<(), PlotError> {
    let label = format!("suggested: {suggested:.1e}").replace('-', "−");
    let panel = Panel::new(loss).series("training", points).log_x().log_y().marked(suggested, label);
    curves(path, title, "Learning rate", &[panel])
}

fn in_a_row(panels: usize) -> usize {
    if panels == 4 { 2 } else { panels.min(3) }
}

fn check(panels: &[Panel]) -> Result<(), PlotError> {
    if panels.is_empty() {
        return Err(PlotError::Empty { what: "no panels".to_string() });
    }
    if panels.len() > MOST_PANELS {
        return Err(PlotError::TooMany { what: "panels", limit: MOST_PANELS, count: panels.len() });
    }
    match panels.iter().find(|panel| panel.is_empty()) {
        Some(panel) => Err(PlotError::Empty { what: format!("no points of {}", panel.y_label()) }),
        None => Ok(()),
    }
}
