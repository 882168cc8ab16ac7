//! The iris with a deeper network, regularised by dropout, which training does and evaluation does not.
//!
//! The test accuracy is 100 %. The loss of the training data is 0.07 with dropout,
//! 0.02 without. It takes 4 seconds on two cores with software Vulkan.

use wgrad::data::{Standardization, Table, read_rows};
use wgrad::prelude::*;

const EPOCHS: usize = 1000;

/// A network with hidden layers of any sizes.
fn network(inputs: usize, hidden: &[usize], outputs: usize, dropout: f32) -> Sequential {
    let (mut model, mut size) = (Sequential::new(), inputs);
    for &next in hidden {
        model = model.add(Linear::new(size, next)).add(ReLU).add(Dropout::new(dropout));
        size = next;
    }
    model.add(Linear::new(size, outputs))
}

fn main() -> Result<(), Error> {
    let iris = Table::read("data/iris.csv")?;
    let (train, test) = Dataset::from(&iris).split_rows(&read_rows("data/iris_test_rows.txt")?)?;
    let scale = Standardization::fit(&train)?;
    let (train, test) = (scale.apply(&train)?, scale.apply(&test)?);

    let model = network(4, &[16, 8], 3, 0.3);
    println!("{}", model.summary(&[4])?);
    let options = Options { batch_size: train.len(), ..Options::default() };
    let mut trainer = Trainer::new(&Device::auto()?, model, CrossEntropyLoss, Adam::new(0.01), options)?;
    let history = trainer.fit(&train, EPOCHS, None, |epoch| {
        if epoch.epoch % 100 == 0 {
            println!("epoch {}: loss {:.4}", epoch.epoch, epoch.loss);
        }
        Control::Continue
    })?;

    println!("training data, with dropout: loss {:.4}", history.epochs[EPOCHS - 1].loss);
    println!("training data: {}", trainer.evaluate(&train)?);
    println!("test data: {}", trainer.evaluate(&test)?);
    Ok(())
}
