//! Pictures of the training and of what came of it.

use std::path::Path;

use anyhow::Result;
use wgrad::prelude::*;
use wgrad::{Epoch, History, Score};
use wgrad_plot::{Digit, Image, Panel, Series, curves, digit_grid};

use crate::digits::Digits;
use crate::report::Report;

/// The test images that are shown, at most.
const SHOWN: usize = 64;

/// Draws loss and accuracy by epoch, and some test images with their predictions, and says where they are.
pub fn draw(folder: &Path, history: &History, trainer: &mut Trainer, digits: &Digits, report: &mut Report) -> Result<()> {
    let (curves, grid) = (folder.join("curves.png"), folder.join("digits.png"));
    if !history.epochs.is_empty() {
        draw_curves(&curves, history)?;
        report.note(&format!("loss and accuracy: {}", curves.display()))?;
    }
    draw_digits(&grid, trainer, digits)?;
    report.note(&format!("predicted digits: {}", grid.display()))
}

fn draw_curves(path: &Path, history: &History) -> Result<()> {
    let points = |figure: fn(&Epoch) -> Option<f32>| -> Vec<(f64, f64)> {
        let points = history.epochs.iter().filter_map(|epoch| Some((epoch.epoch as f64, f64::from(figure(epoch)?))));
        points.collect()
    };
    let loss = [points(|epoch| Some(epoch.loss)), points(|epoch| Some(epoch.validation?.loss))];
    let accuracy = [points(|epoch| percent(epoch.accuracy)), points(|epoch| percent(test_accuracy(epoch.validation)))];
    let panels = [("Loss", &loss), ("Accuracy (%)", &accuracy)].map(|(y_label, [training, test])| {
        (y_label, [Series { name: "training", points: training }, Series { name: "test", points: test }])
    });
    let panels = panels.each_ref().map(|(y_label, series)| Panel::new(y_label, series));
    Ok(curves(path, "Training", "Epoch", &panels)?)
}

fn test_accuracy(score: Option<Score>) -> Option<f32> {
    score?.accuracy
}

fn percent(share: Option<f32>) -> Option<f32> {
    share.map(|share| 100.0 * share)
}

fn draw_digits(path: &Path, trainer: &mut Trainer, digits: &Digits) -> Result<()> {
    let indices: Vec<usize> = (0..SHOWN.min(digits.test.len())).collect();
    let shown = digits.test.select(&indices)?;
    let predicted = trainer.predict(shown.inputs())?.argmax();
    let pixels: Vec<u8> = shown.inputs().tensor().to_vec().into_iter().map(|pixel| pixel as u8).collect();
    let [rows, columns] = digits.size;
    let images = pixels.chunks(digits.pixels()).zip(predicted).zip(shown.targets().to_vec());
    let images = images.map(|((pixels, predicted), truth)| {
        let (predicted, truth) = (predicted as u8, truth as u8);
        Digit { image: Image { pixels, rows, columns }, predicted, truth }
    });
    Ok(digit_grid(path, "Predictions for the first test digits", &images.collect::<Vec<_>>())?)
}
