//! How good a network's logits are.

use crate::points::Point;

/// How good a network is on some points.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// The mean binary cross-entropy, in nats.
    pub loss: f32,
    /// The share of points on the right side, 0 to 1.
    pub accuracy: f32,
}

impl Evaluation {
    /// That of logits of class 1, one for each point.
    pub fn of(logits: &[f32], points: &[Point]) -> Self {
        let count = points.len().max(1) as f32;
        let pairs = || logits.iter().zip(points);
        // ln(1 + e^-x) of the logit of the right class, which does not overflow.
        let losses = pairs().map(|(&logit, point)| {
            let right = if point.class == 1 { logit } else { -logit };
            (-right).max(0.0) + (-right.abs()).exp().ln_1p()
        });
        let hits = pairs().filter(|(logit, point)| (**logit > 0.0) == (point.class == 1)).count();
        Self { loss: losses.sum::<f32>() / count, accuracy: hits as f32 / count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(classes: &[u32]) -> Vec<Point> {
        classes.iter().map(|&class| Point { place: [0.0, 0.0], class }).collect()
    }

    #[test]
    fn the_loss_is_the_cross_entropy() {
        let Evaluation { loss, accuracy } = Evaluation::of(&[2.0, -1.0], &points(&[1, 1]));
        let wanted = ((1.0 + (-2.0f32).exp()).ln() + (1.0 + 1.0f32.exp()).ln()) / 2.0;
        assert!((loss - wanted).abs() < 1e-6 && accuracy == 0.5, "{loss}, {accuracy}");
    }

    #[test]
    fn large_logits_have_finite_losses() {
        let Evaluation { loss, accuracy } = Evaluation::of(&[1000.0, -1000.0], &points(&[0, 0]));
        assert_eq!((loss, accuracy), (500.0, 0.5));
    }
}
