//! The network: what each unit makes of the plane, and the weights between them.

use eframe::egui::epaint::CubicBezierShape;
use eframe::egui::{
    Align2, Button, Color32, Direction, Layout, Painter, Pos2, Rect, Stroke, StrokeKind, Ui, UiBuilder, Vec2, pos2, vec2,
};
use wgrad::prelude::Tensor;

use crate::network::Network;
use crate::settings::{Activation, MOST_LAYERS, MOST_UNITS, Settings};
use crate::theme;

/// The largest side of a unit's picture.
const LARGEST: f32 = 84.0;
/// What stands above the units of a layer.
const ABOVE: f32 = 62.0;
/// The legend below.
const BELOW: f32 = 44.0;
/// Left of the inputs, for their names.
const LEFT: f32 = 18.0;
/// What a small button is wide and high.
const BUTTON: f32 = 22.0;

/// Shows a network in a card; its buttons change the settings.
pub fn show(ui: &mut Ui, rect: Rect, network: &Network, settings: &mut Settings) {
    let inside = theme::card(ui, rect, "Network");
    let places = places(inside, network);
    let painter = ui.painter().with_clip_rect(rect);
    for ((from, to), weights) in places.iter().zip(&places[1..]).zip(network.weights()) {
        connect(&painter, from, to, weights);
    }
    for (picture, column) in network.pictures().iter().zip(&places) {
        for (unit, place) in (0..).zip(column) {
            painter.add(picture.shape(unit, *place));
            painter.rect_stroke(*place, 0.0, Stroke::new(1.0, theme::FRAME), StrokeKind::Outside);
        }
    }
    captions(ui, inside, &places, settings);
    layers_stepper(ui, rect, settings);
    legend(&painter, inside, network.settings().activation);
}

/// The rectangles of all units, layer by layer.
fn places(inside: Rect, network: &Network) -> Vec<Vec<Rect>> {
    let counts: Vec<usize> = network.pictures().iter().map(|picture| picture.units() as usize).collect();
    let area = Rect::from_min_max(inside.min + vec2(0.0, ABOVE), inside.max - vec2(0.0, BELOW));
    let side = (area.height() / MOST_UNITS as f32 - 8.0).min(LARGEST).min(inside.width() / 9.0).floor();
    // As far apart as in the fullest column.
    let pitch = ((area.height() - side) / (MOST_UNITS - 1) as f32).min(1.5 * side).floor();
    let column = (area.width() - LEFT - side) / (counts.len() - 1).max(1) as f32;
    let columns = (0..).zip(counts).map(|(layer, count)| {
        let x = area.left() + LEFT + side / 2.0 + layer as f32 * column;
        let unit = |unit: usize| {
            let y = area.center().y + (unit as f32 - (count - 1) as f32 / 2.0) * pitch;
            Rect::from_center_size(pos2(x.round(), y.round()), Vec2::splat(side))
        };
        (0..count).map(unit).collect()
    });
    columns.collect()
}

/// Lines from all units of a layer to all of the next, thick and coloured by their weights, `[to, from]`.
fn connect(painter: &Painter, from: &[Rect], to: &[Rect], weights: &Tensor) {
    let weights = weights.to_vec();
    if weights.len() != from.len() * to.len() {
        return;
    }
    let mut lines: Vec<(f32, Pos2, Pos2)> = Vec::with_capacity(weights.len());
    for (to, row) in to.iter().zip(weights.chunks_exact(from.len().max(1))) {
        lines.extend(from.iter().zip(row).map(|(from, &weight)| (weight, from.right_center(), to.left_center())));
    }
    // The strongest are on top.
    lines.sort_by(|one, other| one.0.abs().total_cmp(&other.0.abs()));
    for (weight, from, to) in lines {
        let bend = vec2(0.5 * (to.x - from.x), 0.0);
        let points = [from, from + bend, to - bend, to];
        painter.add(CubicBezierShape::from_points_stroke(points, false, Color32::TRANSPARENT, weight_stroke(weight)));
    }
}

/// Thickness and colour both tell a weight: pale and thin near 0, full from 2 on.
fn weight_stroke(weight: f32) -> Stroke {
    let size = weight.abs().min(4.0);
    let end = if weight < 0.0 { theme::NEGATIVE } else { theme::POSITIVE };
    Stroke::new(0.75 + size, theme::CARD.lerp_to_gamma(end, 0.18 + 0.82 * (size / 2.0).min(1.0)))
}

/// What stands above the columns: their names, and how many units there are, which can be changed.
fn captions(ui: &mut Ui, inside: Rect, places: &[Vec<Rect>], settings: &mut Settings) {
    let top = inside.top() + 6.0;
    let last = places.len() - 1;
    for (layer, column) in places.iter().enumerate() {
        let Some(place) = column.first() else { continue };
        let x = place.center().x;
        let name = match layer {
            0 => "Inputs".to_owned(),
            _ if layer == last => "Output".to_owned(),
            _ => format!("Layer {layer}"),
        };
        ui.painter().text(pos2(x, top), Align2::CENTER_TOP, name, theme::font(theme::SMALL), theme::WEAK);
        if let Some(units) = layer.checked_sub(1).and_then(|hidden| settings.hidden.get_mut(hidden))
            && layer < last
        {
            *units = stepper(ui, pos2(x, top + 32.0), *units, 1..=MOST_UNITS, ("One unit less", "One unit more"));
        }
    }
    for (place, name) in places[0].iter().zip(["x", "y"]) {
        let left = place.left_center() - vec2(7.0, 0.0);
        ui.painter().text(left, Align2::RIGHT_CENTER, name, theme::font(theme::BODY), theme::TEXT);
    }
}

/// How many hidden layers there are, on the line of the card's heading.
fn layers_stepper(ui: &mut Ui, card: Rect, settings: &mut Settings) {
    let right = card.right_top() + vec2(-theme::PADDING - 1.6 * BUTTON, theme::PADDING + 9.0);
    let label = right - vec2(1.9 * BUTTON, 0.0);
    ui.painter().text(label, Align2::RIGHT_CENTER, "Hidden layers", theme::font(theme::BODY), theme::TEXT);
    let wanted = stepper(ui, right, settings.hidden.len(), 1..=MOST_LAYERS, ("One layer less", "One layer more"));
    let units = settings.hidden.last().copied().unwrap_or(4);
    settings.hidden.resize(wanted, units);
}

/// A number between buttons that change it.
fn stepper(ui: &mut Ui, middle: Pos2, value: usize, range: std::ops::RangeInclusive<usize>, hints: (&str, &str)) -> usize {
    let mut new = value;
    for (side, sign, hint) in [(-1.0, "\u{2212}", hints.0), (1.0, "+", hints.1)] {
        let rect = Rect::from_center_size(middle + vec2(side * BUTTON, 0.0), Vec2::splat(BUTTON));
        let changed = if side < 0.0 { value.wrapping_sub(1) } else { value + 1 };
        // The sign is in the middle.
        let layout = Layout::centered_and_justified(Direction::TopDown);
        ui.scope_builder(UiBuilder::new().max_rect(rect).layout(layout), |ui| {
            ui.spacing_mut().button_padding = Vec2::ZERO;
            let button = ui.add_enabled(range.contains(&changed), Button::new(sign));
            if button.on_hover_text(hint).clicked() {
                new = changed;
            }
        });
    }
    ui.painter().text(middle, Align2::CENTER_CENTER, value, theme::bold(theme::BODY), theme::TEXT);
    new
}

/// What colours and lines mean.
fn legend(painter: &Painter, inside: Rect, activation: Activation) {
    let y = inside.bottom() - 8.0;
    let (font, text) = (theme::font(theme::SMALL), theme::WEAK);
    let name = painter.text(pos2(inside.left(), y), Align2::LEFT_CENTER, "Output of a unit", font.clone(), text);
    let bar = Rect::from_min_size(pos2(name.right() + 12.0, y - 5.0), vec2(84.0, 10.0));
    gradient(painter, bar, 1.0);
    let ticks = match activation {
        Activation::Tanh => ["\u{2212}1", "0", "1"],
        Activation::Sigmoid => ["0", "0.5", "1"],
        Activation::Relu | Activation::Silu => ["\u{2212}2", "0", "2"],
    };
    for (place, tick) in [bar.left(), bar.center().x, bar.right()].into_iter().zip(ticks) {
        painter.text(pos2(place, bar.top() - 3.0), Align2::CENTER_BOTTOM, tick, font.clone(), text);
    }
    let weights = [-2.0, -0.5, 0.5, 2.0];
    for (index, weight) in weights.into_iter().rev().enumerate() {
        let right = inside.right() - 40.0 * index as f32;
        painter.line_segment([pos2(right - 28.0, y), pos2(right, y)], weight_stroke(weight));
        let tick = format!("{weight}").replace('-', "\u{2212}");
        painter.text(pos2(right - 14.0, y - 8.0), Align2::CENTER_BOTTOM, tick, font.clone(), text);
    }
    let left = inside.right() - 40.0 * weights.len() as f32;
    painter.text(pos2(left, y), Align2::RIGHT_CENTER, "Weight", font, text);
}

/// A bar of all colours from -1 to 1, as strong as they are drawn.
pub fn gradient(painter: &Painter, bar: Rect, strength: f32) {
    let mut mesh = eframe::egui::Mesh::default();
    for (place, share) in [(bar.left(), -strength), (bar.center().x, 0.0), (bar.right(), strength)] {
        mesh.colored_vertex(pos2(place, bar.top()), theme::diverging(share));
        mesh.colored_vertex(pos2(place, bar.bottom()), theme::diverging(share));
    }
    for left in [0, 2] {
        mesh.add_triangle(left, left + 1, left + 2);
        mesh.add_triangle(left + 1, left + 2, left + 3);
    }
    painter.add(mesh);
    painter.rect_stroke(bar, 0.0, Stroke::new(1.0, theme::FRAME), StrokeKind::Outside);
}
