//! The networks that are timed.

use wgrad::layers::*;
use wgrad::{Dataset, Error, Initial, Layer, Sequential, Tensor, Var};

/// A network, and what its examples look like.
pub struct Network {
    pub name: &'static str,
    pub batch: usize,
    pub model: fn() -> Box<dyn Layer>,
    /// The shape of an example.
    input: &'static [usize],
    /// How many tokens there are; none where inputs are floats.
    vocabulary: Option<u32>,
    classes: u32,
}

/// One of each kind.
pub const NETWORKS: [Network; 5] = [
    Network { name: "mlp", batch: 64, model: mlp, input: &[784], vocabulary: None, classes: 10 },
    Network { name: "cnn", batch: 64, model: cnn, input: &[1, 28, 28], vocabulary: None, classes: 10 },
    Network { name: "rnn", batch: 64, model: || recurrent(true), input: &[28, 28], vocabulary: None, classes: 10 },
    Network { name: "lstm", batch: 64, model: || recurrent(false), input: &[28, 28], vocabulary: None, classes: 10 },
    Network { name: "transformer", batch: 32, model: || Box::new(Transformer), input: &[64], vocabulary: Some(50), classes: 2 },
];

impl Network {
    /// So many examples that look random.
    pub fn data(&self, examples: usize) -> Result<Dataset, Error> {
        let shape = [&[examples], self.input].concat();
        let bits = |index: usize| (index as u32 ^ 0x9e37_79b9).wrapping_mul(0x85eb_ca6b) >> 8;
        let elements = 0..shape.iter().product();
        let inputs = match self.vocabulary {
            Some(tokens) => Tensor::u32(shape, elements.map(|index| bits(index) % tokens).collect())?,
            None => Tensor::f32(shape, elements.map(|index| bits(index) as f32 / 8_388_608.0 - 1.0).collect())?,
        };
        Dataset::new(inputs, (0..examples).map(|index| bits(7 * index + 1) % self.classes).collect::<Vec<u32>>())
    }
}

/// 784-512-256-10 with ReLU and dropout.
fn mlp() -> Box<dyn Layer> {
    let hidden = |inputs, outputs| Sequential::new().add(Linear::new(inputs, outputs)).add(ReLU).add(Dropout::new(0.2));
    Box::new(Sequential::new().add(hidden(784, 512)).add(hidden(512, 256)).add(Linear::new(256, 10)))
}

/// Three blocks of 3 x 3 convolution, batch normalisation and ReLU with 32, 64 and 128 channels, pooled; 128-64-10.
fn cnn() -> Box<dyn Layer> {
    let block = |inputs, outputs| {
        Sequential::new().add(Conv2d::new(inputs, outputs, 3).padding(1)).add(BatchNorm2d::new(outputs)).add(ReLU)
    };
    let features = Sequential::new().add(block(1, 32)).add(MaxPool2d::new(2)).add(block(32, 64)).add(MaxPool2d::new(2));
    let classifier = Sequential::new().add(Linear::new(128, 64)).add(ReLU).add(Dropout::new(0.5)).add(Linear::new(64, 10));
    Box::new(features.add(block(64, 128)).add(AdaptiveAvgPool2d::new(1)).add(Flatten).add(classifier))
}

/// Two layers of 128 units, and a linear one on the last step.
fn recurrent(is_rnn: bool) -> Box<dyn Layer> {
    let layer: Box<dyn Layer> = match is_rnn {
        true => Box::new(RNN::new(28, 128).num_layers(2).last_step()),
        false => Box::new(LSTM::new(28, 128).num_layers(2).last_step()),
    };
    Box::new(Sequential::new().add(layer).add(Linear::new(128, 10)))
}

/// Embedding, learned positions, two encoder layers of 128 features, 4 heads and 2,048 inner units, the mean over time.
#[derive(Debug)]
struct Transformer;

impl Layer for Transformer {
    fn name(&self) -> &str {
        "Transformer"
    }

    fn forward(&self, input: &Var) -> Result<Var, Error> {
        let positions = input.trace().parameter("positions", [64, 128], Initial::Normal { deviation: 1.0 })?;
        let embedded = input.layer("embedding", &Embedding::new(50, 128))? + positions;
        let encoder = TransformerEncoder::new(TransformerEncoderLayer::new(128, 4), 2);
        embedded.layer("encoder", &encoder)?.mean_axes(&[1], false).layer("classifier", &Linear::new(128, 2))
    }
}
