//! What can be set.

use std::ops::RangeInclusive;

use eframe::egui::emath::Numeric;
use eframe::egui::{
    Align, Button, CornerRadius, DragValue, Layout, Rect, RichText, ScrollArea, Sense, Slider, SliderClamping, Stroke,
    StrokeKind, Ui, UiBuilder, vec2,
};
use wgrad::prelude::Error;

use crate::app::Pace;
use crate::points::{Point, Points, REACH};
use crate::settings::{Activation, Data, Settings};
use crate::theme;

const ICON_HEIGHT: f32 = 66.0;
/// Of so many points one is drawn in an icon.
const ICON_STRIDE: usize = 3;
const COLUMN_GAP: f32 = 8.0;

/// Small pictures of the data sets.
#[derive(Clone, Debug)]
pub struct Icons([Vec<Point>; 4]);

impl Icons {
    /// Those of data without much noise.
    ///
    /// # Errors
    /// Where there are no points.
    pub fn of(settings: &Settings) -> Result<Self, Error> {
        let mut icons = [const { Vec::new() }; 4];
        for (icon, data) in icons.iter_mut().zip(Data::ALL) {
            let points = Points::of(&Settings { data, noise: 0.04, ..settings.clone() })?;
            *icon = points.train.into_iter().step_by(ICON_STRIDE).collect();
        }
        Ok(Self(icons))
    }
}

/// The card of controls.
#[derive(Debug)]
pub struct Controls<'a> {
    /// What they set.
    pub settings: &'a mut Settings,
    /// How fast the network learns.
    pub pace: &'a mut Pace,
    /// What data sets look like.
    pub icons: &'a Icons,
}

impl Controls<'_> {
    /// Shows them.
    pub fn show(self, ui: &mut Ui, rect: Rect) {
        let inside = theme::card(ui, rect, "Data");
        ui.scope_builder(UiBuilder::new().max_rect(inside).layout(Layout::top_down(Align::Min)), |ui| {
            // Low windows do not show all of them.
            ScrollArea::vertical().show(ui, |ui| self.contents(ui));
        });
    }

    fn contents(self, ui: &mut Ui) {
        let Self { settings, pace, icons } = self;
        let share = |value: f64| format!("{value:.2}");
        ui.spacing_mut().slider_width = ui.available_width();
        data(ui, settings, icons);
        slider(ui, "Noise", &mut settings.noise, 0.0..=0.3, share, Places::Hundredths);
        heading(ui, "Activation");
        activation(ui, settings);
        heading(ui, "Training");
        slider(ui, "Learning rate", &mut settings.learning_rate, 1e-4..=1.0, significant, Places::Magnitudes);
        slider(ui, "Weight decay", &mut settings.weight_decay, 0.0..=1.0, significant, Places::Magnitudes);
        slider(ui, "Dropout", &mut settings.dropout, 0.0..=0.8, share, Places::Hundredths);
        let a_frame = |value: f64| format!("{value:.0} a frame");
        match pace {
            Pace::Milliseconds(time) => {
                slider(ui, "Time for steps", time, 1.0..=14.0, |value| format!("{value:.0} ms a frame"), Places::Whole);
            }
            Pace::Steps(steps) => slider(ui, "Steps", steps, 1..=100, a_frame, Places::Whole),
        }
        labelled(ui, "Seed", |ui| {
            ui.add(DragValue::new(&mut settings.seed).speed(0.1));
        });
    }
}

/// What a slider's places mean.
#[derive(Clone, Copy, Debug)]
enum Places {
    Whole,
    Hundredths,
    /// As far from 0.001 to 0.01 as from 0.01 to 0.1.
    Magnitudes,
}

fn heading(ui: &mut Ui, text: &str) {
    ui.add_space(14.0);
    ui.label(RichText::new(text).font(theme::bold(theme::HEADING)));
    ui.add_space(2.0);
}

fn labelled(ui: &mut Ui, label: &str, value: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.label(label);
        ui.with_layout(Layout::right_to_left(Align::Center), value);
    });
}

/// A slider below its name and value.
fn slider<N: Numeric>(
    ui: &mut Ui,
    label: &str,
    value: &mut N,
    range: RangeInclusive<N>,
    shown: fn(f64) -> String,
    places: Places,
) {
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.add_space(5.0);
    labelled(ui, label, |ui| {
        ui.label(RichText::new(shown(value.to_f64())).color(theme::WEAK));
    });
    // What the command line has set stays as it is.
    let slider = Slider::new(value, range).clamping(SliderClamping::Edits).show_value(false);
    ui.add(match places {
        Places::Whole => slider.integer(),
        Places::Hundredths => slider.step_by(0.01),
        Places::Magnitudes => slider.logarithmic(true).smallest_positive(1e-4),
    });
    ui.spacing_mut().item_spacing.y = 6.0;
}

/// Two significant digits.
fn significant(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let decimals = (1.0 - value.abs().log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Two columns of what there is to choose from.
fn choices<T: Copy>(ui: &mut Ui, all: &[T], mut show: impl FnMut(&mut Ui, T, f32)) {
    let width = (ui.available_width() - COLUMN_GAP) / 2.0;
    for row in all.chunks(2) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = COLUMN_GAP;
            row.iter().for_each(|&choice| show(ui, choice, width));
        });
    }
}

fn data(ui: &mut Ui, settings: &mut Settings, icons: &Icons) {
    let all: Vec<(Data, &Vec<Point>)> = Data::ALL.into_iter().zip(&icons.0).collect();
    choices(ui, &all, |ui, (data, points), width| {
        let (rect, response) = ui.allocate_exact_size(vec2(width, ICON_HEIGHT + 20.0), Sense::click());
        let is_chosen = settings.data == data;
        let edge = match (is_chosen, response.hovered()) {
            (true, _) => Stroke::new(2.0, theme::ACCENT),
            (false, true) => Stroke::new(1.0, theme::WEAK),
            (false, false) => Stroke::new(1.0, theme::EDGE),
        };
        ui.painter().rect(rect, CornerRadius::same(5), theme::CARD, edge, StrokeKind::Inside);
        let middle = rect.center_top() + vec2(0.0, 5.0 + ICON_HEIGHT / 2.0);
        for Point { place: [x, y], class } in points {
            let place = middle + vec2(*x, -y) * (ICON_HEIGHT / 2.0 / REACH * 1.15);
            ui.painter().circle_filled(place, 1.7, if *class == 1 { theme::POSITIVE } else { theme::NEGATIVE });
        }
        let (font, color) =
            if is_chosen { (theme::bold(theme::SMALL), theme::TEXT) } else { (theme::font(theme::SMALL), theme::WEAK) };
        let below = rect.center_bottom() - vec2(0.0, 4.0);
        ui.painter().text(below, eframe::egui::Align2::CENTER_BOTTOM, data.name(), font, color);
        if response.clicked() {
            settings.data = data;
        }
    });
}

fn activation(ui: &mut Ui, settings: &mut Settings) {
    choices(ui, &Activation::ALL, |ui, activation, width| {
        let is_chosen = settings.activation == activation;
        let text = RichText::new(activation.name());
        let (text, edge) = if is_chosen {
            (text.font(theme::bold(theme::BODY)), Stroke::new(2.0, theme::ACCENT))
        } else {
            (text, Stroke::new(1.0, theme::EDGE))
        };
        if ui.add(Button::new(text).fill(theme::CARD).stroke(edge).min_size(vec2(width, 28.0))).clicked() {
            settings.activation = activation;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_two_significant_digits() {
        let shown = [0.0, 1.0, 0.3, 0.25, 0.0123, 0.0001].map(significant);
        assert_eq!(shown, ["0", "1", "0.3", "0.25", "0.012", "0.0001"]);
    }
}
