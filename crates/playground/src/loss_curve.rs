//! How good the network was over time.

use eframe::egui::{Align2, Painter, Pos2, Rect, Stroke, Ui, pos2, remap, vec2};

use crate::curve::Sample;
use crate::evaluation::Evaluation;
use crate::header::grouped;
use crate::network::Network;
use crate::theme;

/// Left of the axes, for numbers.
const LEFT: f32 = 30.0;
/// Below them.
const BELOW: f32 = 22.0;
/// What the figures above take.
const ABOVE: f32 = 50.0;

/// The loss of a network that gives both classes the same chance, which is about where training begins.
const GUESSING: f32 = std::f32::consts::LN_2;

/// What the axes span, and the distance of their ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axes {
    steps: f64,
    step_tick: f64,
    loss: f64,
    loss_tick: f64,
}

/// Shows it in a card.
pub fn show(ui: &mut Ui, rect: Rect, network: &Network) {
    let inside = theme::card(ui, rect, "Loss");
    let painter = ui.painter().with_clip_rect(rect);
    let unit = pos2(inside.right(), rect.top() + theme::PADDING + 1.0);
    painter.text(unit, Align2::RIGHT_TOP, "cross-entropy in nats", theme::font(theme::SMALL), theme::WEAK);
    let plot = Rect::from_min_max(inside.min + vec2(LEFT, ABOVE), inside.max - vec2(2.0, BELOW));
    let curve = network.curve();
    let axes = Axes::of(curve.samples());
    axes.draw(&painter, plot);
    let line = |of: fn(&Sample) -> f32| -> Vec<Pos2> {
        curve.samples().map(|sample| axes.place(plot, sample.steps as f64, f64::from(of(&sample)))).collect()
    };
    painter.line(line(|sample| sample.train.loss), Stroke::new(2.0, theme::TRAIN));
    painter.line(line(|sample| sample.test.loss), Stroke::new(1.5, theme::TEST));
    let last = curve.last();
    let half = inside.width() / 2.0;
    figures(&painter, inside.min, ("Training", theme::TRAIN), last.map(|sample| sample.train));
    figures(&painter, inside.min + vec2(half, 0.0), ("Test", theme::TEST), last.map(|sample| sample.test));
}

/// The colour of a curve, and where it is.
fn figures(painter: &Painter, at: Pos2, (name, color): (&str, eframe::egui::Color32), evaluation: Option<Evaluation>) {
    let line = at.y + 8.0;
    painter.line_segment([pos2(at.x, line), pos2(at.x + 18.0, line)], Stroke::new(3.0, color));
    painter.text(pos2(at.x + 26.0, line), Align2::LEFT_CENTER, name, theme::font(theme::SMALL), theme::WEAK);
    let Some(Evaluation { loss, accuracy }) = evaluation else { return };
    let value =
        painter.text(pos2(at.x, line + 20.0), Align2::LEFT_CENTER, format!("{loss:.3}"), theme::bold(theme::BODY), theme::TEXT);
    let right = format!("{:.1} % right", 100.0 * accuracy);
    painter.text(value.right_center() + vec2(8.0, 0.0), Align2::LEFT_CENTER, right, theme::font(theme::SMALL), theme::WEAK);
}

impl Axes {
    fn of(samples: impl Iterator<Item = Sample> + Clone) -> Self {
        let steps = samples.clone().map(|sample| sample.steps).max().unwrap_or(0).max(100) as f64;
        let losses = samples.map(|sample| sample.train.loss.max(sample.test.loss));
        let loss = losses.reduce(f32::max).unwrap_or(GUESSING);
        let loss_tick = nice(f64::from(loss.clamp(0.1, 1e6)) / 4.0);
        Self {
            steps,
            step_tick: nice(steps / 4.0).max(1.0),
            loss: (f64::from(loss.min(1e6)) / loss_tick).ceil().max(1.0) * loss_tick,
            loss_tick,
        }
    }

    fn place(&self, plot: Rect, steps: f64, loss: f64) -> Pos2 {
        let x = remap(steps, 0.0..=self.steps, f64::from(plot.left())..=f64::from(plot.right()));
        let y = remap(loss.min(self.loss), 0.0..=self.loss, f64::from(plot.bottom())..=f64::from(plot.top()));
        pos2(x as f32, y as f32)
    }

    fn draw(&self, painter: &Painter, plot: Rect) {
        let (font, color) = (theme::font(theme::SMALL), theme::WEAK);
        for loss in ticks(self.loss, self.loss_tick) {
            let y = self.place(plot, 0.0, loss).y.round();
            let stroke = Stroke::new(1.0, if loss == 0.0 { theme::FRAME } else { theme::GRID });
            painter.hline(plot.x_range(), y, stroke);
            painter.text(pos2(plot.left() - 7.0, y), Align2::RIGHT_CENTER, shown(loss, self.loss_tick), font.clone(), color);
        }
        let below = plot.bottom() + 6.0;
        let unit = painter.text(pos2(plot.right(), below), Align2::RIGHT_TOP, "steps", font.clone(), color);
        for steps in ticks(self.steps, self.step_tick) {
            let x = self.place(plot, steps, 0.0).x.round();
            let text = painter.layout_no_wrap(grouped(steps as u64), font.clone(), color);
            let left = x - text.size().x / 2.0;
            if left + text.size().x < unit.left() - 4.0 {
                painter.vline(x, plot.bottom()..=plot.bottom() + 4.0, Stroke::new(1.0, theme::FRAME));
                painter.galley(pos2(left, below), text, color);
            }
        }
    }
}

/// The number 1, 2 or 5 times a power of ten that is next above.
fn nice(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|tick| *tick >= least * 0.999).unwrap_or(least)
}

fn ticks(end: f64, tick: f64) -> impl Iterator<Item = f64> {
    (0..=(end / tick + 1e-6) as u32).map(move |index| f64::from(index) * tick)
}

/// A number of an axis, with as many decimals as its ticks need.
fn shown(value: f64, tick: f64) -> String {
    let decimals = (-tick.log10().floor()).max(0.0) as usize;
    if value == 0.0 { "0".to_owned() } else { format!("{value:.decimals$}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(steps: u64, loss: f32) -> Sample {
        let evaluation = Evaluation { loss, accuracy: 0.5 };
        Sample { steps, train: evaluation, test: evaluation }
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!([0.7, 1.0, 1.3, 3.0, 60.0].map(nice), [1.0, 1.0, 2.0, 5.0, 100.0]);
        assert_eq!(ticks(0.8, 0.2).count(), 5);
        assert_eq!(shown(0.4, 0.2), "0.4");
        assert_eq!(shown(2.0, 1.0), "2");
    }

    #[test]
    fn axes_hold_all_samples() {
        for (steps, loss) in [(0, 0.0), (10, 0.7), (12_345, 3.2), (1 << 40, 1e9)] {
            let axes = Axes::of([sample(0, 0.1), sample(steps, loss)].into_iter());
            let plot = Rect::from_min_max(pos2(0.0, 0.0), pos2(100.0, 50.0));
            let place = axes.place(plot, steps as f64, f64::from(loss));
            assert!(plot.contains(place), "{place} of {axes:?}");
            assert!(ticks(axes.loss, axes.loss_tick).count() <= 6, "{axes:?}");
        }
    }
}
