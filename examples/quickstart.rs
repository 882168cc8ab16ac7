//! Trains a network on the digits of MNIST, and shows what it makes of the first of them: the README's example.

use wgrad::prelude::*;

fn main() -> Result<(), Error> {
    let (train, test) = wgrad::data::digits("data/mnist")?;
    let model = Sequential::new().add(Linear::new(784, 128)).add(ReLU).add(Linear::new(128, 10));
    println!("{}", model.summary(&[784])?);

    let device = Device::auto()?;
    let mut trainer = Trainer::new(&device, model, CrossEntropyLoss, Adam::new(0.001), Options::default())?;
    trainer.fit(&train, 1, Some(&test), |epoch| {
        println!("{epoch}");
        Control::Continue
    })?;

    let first = test.inputs().select(&[0])?;
    println!("the first test digit is a {}", trainer.predict(&first)?.argmax()[0]);
    Ok(())
}
