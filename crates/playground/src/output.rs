//! What the network makes of the plane, and the points that it learns from.

use eframe::egui::{Align2, Painter, Pos2, Rect, Stroke, StrokeKind, Ui, Vec2, pos2, vec2};

use crate::network::Network;
use crate::points::{Point, REACH};
use crate::theme;
use crate::units::gradient;

/// Left of the square, for the numbers of the axis.
const LEFT: f32 = 26.0;
/// Below it, for numbers and the legend.
const BELOW: f32 = 66.0;

/// How high a card of a width is.
pub fn height(width: f32) -> f32 {
    width - LEFT + theme::HEADING_HEIGHT + BELOW
}

/// Shows it in a card.
pub fn show(ui: &mut Ui, rect: Rect, network: &Network) {
    let inside = theme::card(ui, rect, "Output");
    let painter = ui.painter().with_clip_rect(rect);
    let side = (inside.width() - LEFT).min(inside.height() - BELOW).floor();
    let square = Rect::from_min_size(pos2(inside.right() - side, inside.top()), Vec2::splat(side));
    if let Some(picture) = network.pictures().last() {
        painter.add(picture.shape(0, square));
    }
    points(&painter.with_clip_rect(square), square, &network.points().train);
    painter.rect_stroke(square, 0.0, Stroke::new(1.0, theme::FRAME), StrokeKind::Outside);
    axes(&painter, square);
    legend(&painter, inside, square);
}

/// Where a point of the plane is in the square.
fn placed(square: Rect, [x, y]: [f32; 2]) -> Pos2 {
    square.center() + vec2(x, -y) * (square.width() / 2.0 / REACH)
}

fn points(painter: &Painter, square: Rect, points: &[Point]) {
    for point in points {
        let place = placed(square, point.place);
        painter.circle_filled(place, 4.5, theme::CARD);
        painter.circle_filled(place, 3.4, class_color(point.class));
    }
}

fn class_color(class: u32) -> eframe::egui::Color32 {
    if class == 1 { theme::POSITIVE } else { theme::NEGATIVE }
}

fn axes(painter: &Painter, square: Rect) {
    let (font, color) = (theme::font(theme::SMALL), theme::WEAK);
    for (value, text) in [(-1.0, "\u{2212}1"), (0.0, "0"), (1.0, "1")] {
        let (x, y) = (placed(square, [value, 0.0]).x, placed(square, [0.0, value]).y);
        let stroke = Stroke::new(1.0, theme::FRAME);
        painter.vline(x, square.bottom() + 1.0..=square.bottom() + 5.0, stroke);
        painter.hline(square.left() - 5.0..=square.left() - 1.0, y, stroke);
        painter.text(pos2(x, square.bottom() + 7.0), Align2::CENTER_TOP, text, font.clone(), color);
        painter.text(pos2(square.left() - 8.0, y), Align2::RIGHT_CENTER, text, font.clone(), color);
    }
    painter.text(pos2(square.right(), square.bottom() + 7.0), Align2::RIGHT_TOP, "x", theme::font(theme::BODY), theme::TEXT);
    painter.text(pos2(square.left() - 8.0, square.top()), Align2::RIGHT_TOP, "y", theme::font(theme::BODY), theme::TEXT);
}

/// The colours of the surface, and of the points.
fn legend(painter: &Painter, inside: Rect, square: Rect) {
    let (font, color) = (theme::font(theme::SMALL), theme::WEAK);
    let y = inside.bottom() - 8.0;
    let bar = Rect::from_min_max(pos2(square.left(), y - 5.0), pos2(square.right(), y + 5.0));
    let bar = bar.with_min_x(bar.right() - 0.54 * square.width());
    gradient(painter, bar, theme::OUTPUT_STRENGTH);
    for (place, align, text) in [
        (bar.left(), Align2::LEFT_BOTTOM, "0 %"),
        (bar.center().x, Align2::CENTER_BOTTOM, "50 %"),
        (bar.right(), Align2::RIGHT_BOTTOM, "100 %"),
    ] {
        painter.text(pos2(place, bar.top() - 3.0), align, text, font.clone(), color);
    }
    painter.text(pos2(bar.left() - 12.0, y), Align2::RIGHT_CENTER, "Probability of blue", font, color);
}
