//! Pictures of the training and of what came of it.

use std::path::Path;

use anyhow::Result;
use wgrad::History;
use wgrad::prelude::*;
use wgrad_plot::{Image, Panel, confusion_matrix, curves, digit_grid};

use crate::digits::Digits;
use crate::report::Report;

/// The test images that are shown, at most.
const SHOWN: usize = 64;
const CLASSES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// Draws loss and accuracy by epoch, some test images with their predictions, and which classes are taken for which, and
/// says where the pictures are.
pub fn draw(folder: &Path, history: &History, trainer: &mut Trainer, digits: &Digits, report: &mut Report) -> Result<()> {
    let [curves, grid, confusion] = ["curves.png", "digits.png", "confusion.png"].map(|name| folder.join(name));
    if !history.epochs.is_empty() {
        draw_curves(&curves, history)?;
        report.note(&format!("loss and accuracy: {}", curves.display()))?;
    }
    let (truth, predicted) = (digits.test.labels()?, trainer.predict(digits.test.inputs())?.argmax());
    let shown: Vec<usize> = (0..SHOWN.min(digits.test.len())).collect();
    let pixels = digits.test.inputs().tensor().select(&shown)?.to_pixels();
    let images = Image::split(&pixels, digits.size[0], digits.size[1]);
    let [shown_truth, shown_predicted] = [&truth, &predicted].map(|classes| &classes[..images.len()]);
    digit_grid(&grid, "Predictions for the first test digits", &images, shown_truth, shown_predicted)?;
    report.note(&format!("predicted digits: {}", grid.display()))?;
    confusion_matrix(&confusion, "Predictions for all test digits", &CLASSES, &truth, &predicted)?;
    report.note(&format!("confusion matrix: {}", confusion.display()))
}

fn draw_curves(path: &Path, history: &History) -> Result<()> {
    let loss = Panel::new("Loss").series("training", history.losses()).series("test", history.validation_losses());
    let accuracy = Panel::new("Accuracy (%)").series("training", history.accuracies());
    Ok(curves(path, "Training", "Epoch", &[loss, accuracy.series("test", history.validation_accuracies())])?)
}
