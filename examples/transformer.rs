//! A transformer reads 64 tokens from a vocabulary of 50, and learns which of two markers among them comes first. Without
//! positions it can only guess, since both classes hold the same tokens.
//!
//! With positions the accuracy on sequences that it has not seen is 98.50 % after eight epochs on llvmpipe; without them it is
//! 47.10 or 52.90 %, the shares of the two classes, after each of eight. An epoch takes some three minutes on two cores.

use wgrad::data::marker_order;
use wgrad::prelude::*;
use wgrad::schedules::CosineAnnealingLR;

/// Token embedding plus learned positions, two encoder layers as PyTorch has them by default, the mean over time, and a
/// linear layer.
#[derive(Debug)]
struct Classifier {
    vocabulary: usize,
    features: usize,
    has_positions: bool,
}

impl Layer for Classifier {
    fn forward(&self, tokens: &Var) -> Result<Var, Error> {
        let mut x = tokens.layer("embedding", &Embedding::new(self.vocabulary, self.features))?;
        if self.has_positions {
            let initial = Initial::Normal { deviation: 1.0 };
            let positions = tokens.trace().parameter("positions", [512, self.features], initial)?;
            x = x + positions.narrow(0, 0, tokens.shape().columns());
        }
        let encoder = TransformerEncoder::new(TransformerEncoderLayer::new(self.features, 4), 2);
        x.layer("encoder", &encoder)?.mean_axes(&[1], false).layer("fc", &Linear::new(self.features, 2))
    }
}

fn main() -> Result<(), Error> {
    let (count, length, vocabulary, epochs) = if wgrad_cli::is_short() { (3000, 8, 6, 2) } else { (20_000, 64, 50, 8) };
    let (train, test) = Dataset::from(marker_order(count, length, vocabulary, 0)?).split(0.1, 0)?;
    let device = Device::auto()?;
    println!("{epochs} epochs of {} sequences of {length} tokens on {device}", train.len());

    let (mut trainers, mut seconds) = (Vec::new(), 0.0);
    for (name, has_positions) in [("with positions", true), ("without positions", false)] {
        let model = Classifier { vocabulary, features: 32, has_positions };
        let options = Options { batch_size: 32, ..Options::default() };
        let mut trainer = Trainer::new(&device, model, CrossEntropyLoss, Adam::new(0.001), options)?;
        trainer.set_schedule(CosineAnnealingLR::new(epochs as u64))?;
        seconds += trainer.estimate(&train, epochs)?.as_secs_f64();
        trainers.push((name, trainer));
    }
    println!("this will take about {seconds:.0} s");

    let mut results = Vec::new();
    for (name, mut trainer) in trainers {
        trainer.fit(&train, epochs, Some(&test), Epoch::print)?;
        results.push(format!("{name}: {}", trainer.evaluate(&test)?));
    }
    println!("{}", results.join("; "));
    Ok(())
}
