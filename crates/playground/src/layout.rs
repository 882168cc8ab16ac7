//! Where everything is in the window.

use eframe::egui::{Rect, pos2};

use crate::output;

/// Between cards, and around them.
pub const GAP: f32 = 16.0;
const HEADER: f32 = 60.0;
const CONTROLS: f32 = 244.0;
/// The least and the greatest width of the output's card.
const OUTPUT: [f32; 2] = [300.0, 460.0];
const LEAST_LOSS: f32 = 190.0;

/// The rectangles of the window's parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// Title and buttons.
    pub header: Rect,
    /// What can be set.
    pub controls: Rect,
    /// The units and their weights.
    pub network: Rect,
    /// What the network makes of the plane.
    pub output: Rect,
    /// How good it was over time.
    pub loss: Rect,
}

impl Layout {
    /// That of a window's contents.
    pub fn of(window: Rect) -> Self {
        let (left, right) = (window.left() + GAP, window.right() - GAP);
        let (top, bottom) = (window.top() + HEADER, window.bottom() - GAP);
        // The square is as large as leaves room for the curve below and the network beside it.
        let by_height = bottom - top - LEAST_LOSS - GAP - output::height(0.0);
        let by_width = 0.3 * window.width();
        let width = by_height.min(by_width).clamp(OUTPUT[0], OUTPUT[1]);
        let (network_left, output_left) = (left + CONTROLS + GAP, right - width);
        let output_bottom = (top + output::height(width)).min(bottom - LEAST_LOSS - GAP);
        let rect = |left, top, right, bottom| Rect::from_min_max(pos2(left, top), pos2(right, bottom));
        Self {
            header: rect(left, window.top(), right, top),
            controls: rect(left, top, left + CONTROLS, bottom),
            network: rect(network_left, top, output_left - GAP, bottom),
            output: rect(output_left, top, right, output_bottom),
            loss: rect(output_left, output_bottom + GAP, right, bottom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_beside_each_other_in_windows_of_all_sizes() {
        for size in [[1120.0, 680.0], [1280.0, 800.0], [1920.0, 1080.0], [2560.0, 1000.0]] {
            let window = Rect::from_min_max(pos2(0.0, 0.0), size.into());
            let Layout { header, controls, network, output, loss } = Layout::of(window);
            let parts = [header, controls, network, output, loss];
            for (index, part) in parts.iter().enumerate() {
                assert!(part.is_positive() && window.contains_rect(*part), "{part} of {window}");
                assert!(parts[..index].iter().all(|other| !other.shrink(0.5).intersects(part.shrink(0.5))), "{part} of {window}");
            }
            assert!(network.width() > 440.0 && loss.height() >= LEAST_LOSS, "{network}, {loss}");
        }
    }
}
