//! The title, the buttons, and how far the training is.

use eframe::egui::{Align, Align2, Button, Color32, Layout, Rect, RichText, Ui, UiBuilder, pos2, vec2};

use crate::app::{App, locked};
use crate::theme;

const BUTTON: [f32; 2] = [84.0, 32.0];
/// Where the buttons begin: above the network.
const BUTTONS: f32 = 260.0;

/// Shows it for an application, whose training the buttons start and stop.
pub fn show(ui: &mut Ui, rect: Rect, app: &mut App) {
    let title = rect.left_center();
    ui.painter().text(title, Align2::LEFT_CENTER, "wgrad playground", theme::bold(18.0), theme::TEXT);
    let inside = Rect::from_min_max(pos2(rect.left() + BUTTONS, rect.top()), rect.max);
    ui.scope_builder(UiBuilder::new().max_rect(inside).layout(Layout::left_to_right(Align::Center)), |ui| {
        buttons(ui, app);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| match app.notice() {
            Some(notice) => {
                ui.label(RichText::new(notice).color(theme::WRONG));
            }
            None => figures(ui, app),
        });
    });
}

fn buttons(ui: &mut Ui, app: &mut App) {
    let run = RichText::new(if app.is_running { "Pause" } else { "Run" }).font(theme::bold(theme::BODY)).color(Color32::WHITE);
    if ui.add(Button::new(run).fill(theme::ACCENT).min_size(BUTTON.into())).clicked() {
        app.is_running = !app.is_running;
    }
    let plain = |text: &str| Button::new(text.to_owned()).fill(theme::CARD).min_size(BUTTON.into());
    if ui.add(plain("Step")).on_hover_text("One step of training").clicked() {
        (app.is_running, app.takes_step) = (false, true);
    }
    if ui.add(plain("Reset")).on_hover_text("Begin again").clicked() {
        app.is_reset = true;
    }
}

/// From right to left.
fn figures(ui: &mut Ui, app: &App) {
    let Some(network) = app.network() else {
        ui.label(RichText::new("making the network").color(theme::WEAK));
        return;
    };
    let (steps, epochs) = {
        let network = locked(network);
        (network.steps(), network.epochs())
    };
    if let Some(time) = app.frame_time {
        figure(ui, "frames/s", &format!("{:.0}", 1.0 / time.max(1e-6)));
    }
    figure(ui, "steps", &grouped(steps));
    figure(ui, "epochs", &grouped(epochs));
    if app.is_making() {
        ui.label(RichText::new("making another network").color(theme::WEAK));
    }
}

fn figure(ui: &mut Ui, name: &str, value: &str) {
    ui.spacing_mut().item_spacing.x = 6.0;
    ui.label(RichText::new(name).color(theme::WEAK));
    ui.label(RichText::new(value).font(theme::bold(theme::BODY)));
    ui.allocate_space(vec2(14.0, 1.0));
}

/// A number with a space after each three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1\u{202f}000");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
    }
}
