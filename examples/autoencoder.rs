//! An autoencoder squeezes the 784 pixels of a digit through 64 numbers, and draws what comes out again.
//!
//! The mean squared error of the test digits is 0.0060 after ten epochs, which take 54 seconds on llvmpipe.

use wgrad::prelude::*;
use wgrad_plot::{Image, image_rows};

fn main() -> anyhow::Result<()> {
    let (train, test) = wgrad::data::digits("data/mnist")?;
    // Pixels from 0 to 1, as the sigmoid gives them.
    let mut train = Dataset::autoencoder(train.inputs().tensor())?;
    let test = Dataset::autoencoder(test.inputs().tensor())?;
    let mut epochs = 10;
    if wgrad_cli::is_short() {
        (train, epochs) = (train.take(4000)?, 3);
    }
    let device = Device::auto()?;
    println!("{epochs} epochs of {} digits on {device}", train.len());

    let encoder = Sequential::new().add(Linear::new(784, 64)).add(ReLU);
    let bottleneck = Sequential::new().add(Linear::new(64, 64)).add(ReLU);
    let decoder = Sequential::new().add(Linear::new(64, 784)).add(Sigmoid);
    let model = Sequential::new().add(encoder).add(bottleneck).add(decoder);
    let mut trainer = Trainer::new(&device, model, MSELoss, Adam::new(0.001), Options::default())?;
    println!("this will take about {:.0} s", trainer.estimate(&train, epochs)?.as_secs_f64());
    trainer.fit(&train, epochs, Some(&test), Epoch::print)?;
    println!("test: {}", trainer.evaluate(&test)?);

    let shown = test.take(10)?;
    let [pixels, made] = [shown.targets().to_pixels(), trainer.predict(shown.inputs())?.to_pixels()];
    let (originals, reconstructions) = (Image::split(&pixels, 28, 28), Image::split(&made, 28, 28));
    let rows = [("original", &originals[..]), ("reconstruction", &reconstructions[..])];
    image_rows("target/pictures/autoencoder.png", "Test digits from 64 numbers each", &rows)?;
    Ok(())
}
