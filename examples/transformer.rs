//! A transformer learns which of two marker tokens comes first in a sequence of 64; without positions it can only guess.

use wgrad::prelude::*;
use wgrad::{Initial, data::marker_order};

const VOCABULARY: usize = 50;
const STEPS: usize = 64;
const FEATURES: usize = 64;

#[derive(Debug)]
struct Classifier {
    has_positions: bool,
}

impl Layer for Classifier {
    fn forward(&self, tokens: &Var) -> Result<Var, Error> {
        let mut x = tokens.layer("embedding", &Embedding::new(VOCABULARY, FEATURES))?;
        if self.has_positions {
            let positions = tokens.trace().parameter("positions", [512, FEATURES], Initial::Normal { deviation: 1.0 })?;
            x = x + positions.narrow(0, 0, tokens.shape().columns());
        }
        let encoder = TransformerEncoder::new(TransformerEncoderLayer::new(FEATURES, 4), 2);
        x.layer("encoder", &encoder)?.mean_axes(&[1], false).layer("fc", &Linear::new(FEATURES, 2))
    }
}

fn main() -> Result<(), Error> {
    let mut data = Dataset::from(marker_order(20_000, STEPS, VOCABULARY, 0)?);
    let mut epochs = 3;
    if std::env::args().any(|argument| argument == "--short") {
        (data, epochs) = (data.take(1000)?, 1);
    }
    let (train, test) = data.split(0.1, 0)?;
    let device = Device::auto()?;
    println!("{epochs} epochs of {} sequences on {device}", train.len());

    for has_positions in [true, false] {
        println!("{} positions:", if has_positions { "with" } else { "without" });
        let model = Classifier { has_positions };
        let options = Options { batch_size: 32, ..Options::default() };
        let mut trainer = Trainer::new(&device, model, CrossEntropyLoss, Adam::new(0.001), options)?;
        trainer.fit(&train, epochs, Some(&test), Epoch::print)?;
        println!("test: {}", trainer.evaluate(&test)?);
    }
    Ok(())
}
