//! The networks of the golden files, by the words that describe them.

use anyhow::{Context, Result, bail};
use wgrad::layers::*;
use wgrad::{Error, Initial, Layer, Sequential, Var};

/// The network that a text such as `2-8-1 relu, sigmoid` describes.
pub fn network(case: &str, text: &str, takes_images: bool) -> Result<Box<dyn Layer>> {
    Ok(match case {
        "cnn_batchnorm_onecycle" => Box::new(Cnn),
        "transformer_encoder" => Box::new(Transformer),
        "mnist_mlp_batchnorm_adamw_clip" => Box::new(batch_normalized()),
        _ if text.contains(" hidden ") => Box::new(Recurrent::of(text)?),
        _ => Box::new(perceptron(text, takes_images)?),
    })
}

/// Sizes, hidden activation, output activation. Where there is one activation, a sigmoid also ends the network, a ReLU
/// does not.
fn perceptron(text: &str, takes_images: bool) -> Result<Sequential> {
    let (sizes, activations) = text.split_once(' ').context("no activation")?;
    let sizes = sizes.split('-').map(str::parse).collect::<Result<Vec<usize>, _>>()?;
    let (hidden, output) = match activations.split_once(", ") {
        Some((hidden, output)) => (hidden, Some(output)),
        None => (activations, Some(activations).filter(|&name| name == "sigmoid")),
    };
    let mut model = Sequential::new();
    if takes_images {
        model = model.add(Flatten);
    }
    for (index, pair) in sizes.windows(2).enumerate() {
        model = model.add(Linear::new(pair[0], pair[1]));
        let is_last = index + 2 == sizes.len();
        if let Some(name) = if is_last { output } else { Some(hidden) } {
            model = model.add(activation(name)?);
        }
    }
    Ok(model)
}

fn activation(name: &str) -> Result<Box<dyn Layer>> {
    if let Some(slope) = name.strip_prefix("leaky_relu ") {
        return Ok(Box::new(LeakyReLU(slope.parse()?)));
    }
    Ok(match name {
        "relu" => Box::new(ReLU),
        "sigmoid" => Box::new(Sigmoid),
        "tanh" => Box::new(Tanh),
        other => bail!("unknown activation {other}"),
    })
}

/// 784-48-24-10 with batch normalisation before each ReLU.
fn batch_normalized() -> Sequential {
    let hidden =
        |model: Sequential, inputs, outputs| model.add(Linear::new(inputs, outputs)).add(BatchNorm1d::new(outputs)).add(ReLU);
    hidden(hidden(Sequential::new().add(Flatten), 784, 48), 48, 24).add(Linear::new(24, 10))
}

/// Three blocks of convolution, batch normalisation and ReLU, with pooling between them.
#[derive(Debug)]
struct Cnn;

impl Layer for Cnn {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        let block = |model: Sequential, inputs, outputs| {
            model.add(Conv2d::new(inputs, outputs, 3).padding(1)).add(BatchNorm2d::new(outputs)).add(ReLU)
        };
        let features = block(Sequential::new(), 1, 8).add(MaxPool2d::new(2));
        let features = block(block(features, 8, 12).add(MaxPool2d::new(2)), 12, 16).add(AdaptiveAvgPool2d::new(1));
        let classifier = Sequential::new().add(Flatten).add(Linear::new(16, 16)).add(ReLU).add(Dropout::new(0.0));
        input.layer("features", &features)?.layer("classifier", &classifier.add(Linear::new(16, 10)))
    }
}

/// Recurrent layers, and a linear one on the last step.
#[derive(Debug)]
struct Recurrent {
    rnn: Box<dyn Layer>,
    fc: Linear,
}

impl Recurrent {
    /// Such as `rnn tanh input 7 hidden 16 layers 2, 16-3`.
    fn of(text: &str) -> Result<Self> {
        let number = |key: &str| -> Result<usize> {
            let value = text.split([' ', ',']).skip_while(|word| *word != key).nth(1);
            Ok(value.with_context(|| format!("no {key}"))?.parse()?)
        };
        let (input, hidden, layers) = (number("input")?, number("hidden")?, number("layers")?);
        let rnn: Box<dyn Layer> = match text.split(' ').next() {
            Some("rnn") => Box::new(RNN::new(input, hidden).num_layers(layers).last_step()),
            Some("lstm") => Box::new(LSTM::new(input, hidden).num_layers(layers).last_step()),
            Some("gru") => Box::new(GRU::new(input, hidden).num_layers(layers).last_step()),
            other => bail!("unknown layer {other:?}"),
        };
        Ok(Self { rnn, fc: Linear::new(hidden, 3) })
    }
}

impl Layer for Recurrent {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        input.layer("rnn", &self.rnn)?.layer("fc", &self.fc)
    }
}

/// Embedding, learned positions, two encoder layers, the mean over time, and a linear layer.
#[derive(Debug)]
struct Transformer;

impl Layer for Transformer {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        let steps = input.shape().columns();
        let positions = input.trace().parameter("pos_encoding", [1, 64, 32], Initial::Normal { deviation: 1.0 })?;
        let embedded = input.layer("embedding", &Embedding::new(50, 32))? + positions.narrow(1, 0, steps);
        let layer = TransformerEncoderLayer::new(32, 4).dim_feedforward(64).dropout(0.0);
        let encoded = embedded.layer("transformer", &TransformerEncoder::new(layer, 2))?;
        encoded.mean_axes(&[1], false).layer("classifier", &Linear::new(32, 4))
    }
}
