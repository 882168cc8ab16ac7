//! Pictures of the training and of what came of it.

use std::path::Path;

use anyhow::Result;
use wgrad::History;
use wgrad::prelude::*;
use wgrad_plot::{Image, Panel, confusion_matrix, curves, digit_grid};

/// The test images that are shown, at most.
const SHOWN: usize = 64;
const CLASSES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// Draws loss and accuracy by epoch, some test images with their predictions, and which classes are taken for which. Says
/// where each picture is.
pub fn draw(folder: &Path, history: &History, test: &Dataset, size: [usize; 2], predicted: &[usize]) -> Result<Vec<String>> {
    let mut drawn = Vec::new();
    if !history.epochs.is_empty() {
        let loss =
            Panel::new("Cross-entropy (nats)").series("training", history.losses()).series("test", history.validation_losses());
        let accuracy = Panel::new("Accuracy (%)").series("training", history.accuracies());
        let panels = [loss, accuracy.series("test", history.validation_accuracies())];
        curves(folder.join("curves.png"), "Training", "Epoch", &panels)?;
        drawn.push(format!("loss and accuracy: {}", folder.join("curves.png").display()));
    }
    let truth = test.labels()?;
    let shown: Vec<usize> = (0..SHOWN.min(test.len())).collect();
    let pixels = test.inputs().tensor().select(&shown)?.to_pixels();
    let images = Image::split(&pixels, size[0], size[1]);
    let (grid, confusion) = (folder.join("digits.png"), folder.join("confusion.png"));
    digit_grid(&grid, "Predictions for the first test digits", &images, &truth[..shown.len()], &predicted[..shown.len()])?;
    confusion_matrix(&confusion, "Predictions for all test digits", &CLASSES, &truth, predicted)?;
    drawn.push(format!("predicted digits: {}", grid.display()));
    drawn.push(format!("confusion matrix: {}", confusion.display()));
    Ok(drawn)
}
