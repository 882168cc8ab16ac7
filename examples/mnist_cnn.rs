//! A convolutional network on the digits of MNIST: three convolutions with batch normalisation, then two linear layers.
//! Draws its loss and accuracy, the first test digits with its predictions, and which digits it takes for which.
//!
//! The learning rate follows one cycle, up to 0.01. The test accuracy is 99.05 % after three epochs, 96.07 and 98.07 % after one
//! and two. They take 12 minutes on llvmpipe.

use std::path::Path;

use wgrad::prelude::*;
use wgrad::schedules::OneCycleLR;
use wgrad_plot::{Image, Panel, confusion_matrix, curves, digit_grid};

const CLASSES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

fn block(inputs: usize, outputs: usize) -> Sequential {
    Sequential::new().add(Conv2d::new(inputs, outputs, 3).padding(1)).add(BatchNorm2d::new(outputs)).add(ReLU)
}

fn main() -> anyhow::Result<()> {
    let (train, test) = wgrad::data::digits("data/mnist")?;
    let (mut train, mut test, mut epochs) = (train.reshaped(&[1, 28, 28])?, test.reshaped(&[1, 28, 28])?, 3);
    if wgrad_cli::is_short() {
        (train, test, epochs) = (train.take(2000)?, test.take(500)?, 4);
    }
    let device = Device::auto()?;
    println!("{epochs} epochs of {} digits on {device}", train.len());

    let model = Sequential::new()
        .add(block(1, 32))
        .add(MaxPool2d::new(2))
        .add(block(32, 64))
        .add(MaxPool2d::new(2))
        .add(block(64, 128))
        .add(AdaptiveAvgPool2d::new(1))
        .add(Flatten)
        .add(Linear::new(128, 64))
        .add(ReLU)
        .add(Dropout::new(0.5))
        .add(Linear::new(64, 10));
    println!("{}", model.summary(&[1, 28, 28])?);

    let mut trainer = Trainer::new(&device, model, CrossEntropyLoss, Adam::new(0.001), Options::default())?;
    let steps = epochs * train.len().div_ceil(64);
    trainer.set_schedule(OneCycleLR::new(0.01, steps as u64))?;
    println!("this will take about {:.0} s", trainer.estimate(&train, epochs)?.as_secs_f64());
    let history = trainer.fit(&train, epochs, Some(&test), Epoch::print)?;
    println!("test: {}", trainer.evaluate(&test)?);

    let folder = Path::new("target/pictures");
    let loss = Panel::new("Cross-entropy (nats)").series("training", history.losses());
    let accuracy = Panel::new("Accuracy (%)").series("training", history.accuracies());
    let panels = [loss.series("test", history.validation_losses()), accuracy.series("test", history.validation_accuracies())];
    curves(folder.join("mnist_cnn.png"), "A convolutional network learns MNIST", "Epoch", &panels)?;

    let (truth, predicted) = (test.labels()?, trainer.predict(test.inputs())?.argmax());
    let pixels = test.inputs().tensor().to_pixels();
    let images = &Image::split(&pixels, 28, 28)[..64];
    let title = "The first test digits, as the network reads them";
    digit_grid(folder.join("mnist_cnn_digits.png"), title, images, &truth[..64], &predicted[..64])?;
    let title = format!("{} test digits, as the network reads them", test.len());
    confusion_matrix(folder.join("mnist_cnn_confusion.png"), &title, &CLASSES, &truth, &predicted)?;
    Ok(())
}
