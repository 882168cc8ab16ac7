//! Transformer encoders.

use crate::error::Error;
use crate::layers::Layer;
use crate::layers::{Dropout, LayerNorm, Linear, MultiheadAttention};
use crate::var::Var;

/// Self-attention and a network of two layers, each with dropout, a way around it and layer normalisation, as PyTorch's
/// [`TransformerEncoderLayer`](https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerEncoderLayer.html) with
/// `batch_first=True`: `[batch, steps, features]` to the same.
///
/// By default the inner network has 2,048 units with ReLU, the dropout's rate is 0.1, and normalisation comes last.
#[derive(Clone, Copy, Debug)]
pub struct TransformerEncoderLayer {
    features: usize,
    attention: MultiheadAttention,
    feedforward: usize,
    dropout: f32,
    norm_first: bool,
    gelu: bool,
}

impl TransformerEncoderLayer {
    /// A layer for so many features, which `heads` divides.
    pub fn new(features: usize, heads: usize) -> Self {
        let attention = MultiheadAttention::new(features, heads);
        Self { features, attention, feedforward: 2048, dropout: 0.1, norm_first: false, gelu: false }
    }

    /// The same with so many inner units, 1 at least.
    pub fn dim_feedforward(mut self, units: usize) -> Self {
        self.feedforward = units;
        self
    }

    /// The same with another rate of dropout: at least 0 and below 1.
    pub fn dropout(mut self, rate: f32) -> Self {
        self.dropout = rate;
        self
    }

    /// The same where normalisation comes before attention and inner network, not behind the ways around them.
    pub fn norm_first(mut self) -> Self {
        self.norm_first = true;
        self
    }

    /// The same with GELU instead of ReLU.
    pub fn gelu(mut self) -> Self {
        self.gelu = true;
        self
    }

    /// The same where a step sees only itself and those before it.
    pub fn causal(mut self) -> Self {
        self.attention = self.attention.causal();
        self
    }

    /// What the layer makes of `input`, where `mask` says which steps see which: see [`MultiheadAttention::attend`].
    ///
    /// # Errors
    /// Where a shape or a setting is wrong.
    pub fn encode(&self, input: &Var, mask: Option<&Var>) -> Result<Var, Error> {
        let norm = LayerNorm::new(self.features);
        if self.norm_first {
            let attended = input + self.attend(&input.layer("norm1", &norm)?, mask)?;
            let inner = self.feed_forward(&attended.layer("norm2", &norm)?)?;
            return Ok(attended + inner);
        }
        let attended = (input + self.attend(input, mask)?).layer("norm1", &norm)?;
        let inner = self.feed_forward(&attended)?;
        (attended + inner).layer("norm2", &norm)
    }

    fn attend(&self, input: &Var, mask: Option<&Var>) -> Result<Var, Error> {
        let attention = self.attention.dropout(self.dropout);
        let found = match mask {
            None => input.layer("self_attn", &attention),
            Some(_) => input.trace().part("self_attn", || attention.attend(input, input, input, mask)),
        };
        found?.layer("dropout1", &Dropout::new(self.dropout))
    }

    fn feed_forward(&self, input: &Var) -> Result<Var, Error> {
        let inner = input.layer("linear1", &Linear::new(self.features, self.feedforward))?;
        let active = if self.gelu { inner.gelu() } else { inner.relu() };
        let active = active.layer("dropout", &Dropout::new(self.dropout))?;
        active.layer("linear2", &Linear::new(self.feedforward, self.features))?.layer("dropout2", &Dropout::new(self.dropout))
    }
}

impl Layer for TransformerEncoderLayer {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        self.encode(input, None)
    }
}

/// Equal [`TransformerEncoderLayer`]s one after another, as PyTorch's
/// [`TransformerEncoder`](https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerEncoder.html). Each starts
/// with values of its own, unlike PyTorch's, which are copies of one.
#[derive(Clone, Copy, Debug)]
pub struct TransformerEncoder {
    layer: TransformerEncoderLayer,
    num_layers: usize,
}

impl TransformerEncoder {
    /// So many layers.
    pub fn new(layer: TransformerEncoderLayer, num_layers: usize) -> Self {
        Self { layer, num_layers }
    }

    /// What the layers make of `input`, where `mask` says in each which steps see which: see [`MultiheadAttention::attend`].
    /// A mask of padding is `[batch, 1, 1, steps]`, -1e30 at the steps that nobody shall see.
    ///
    /// # Errors
    /// Where a shape or a setting is wrong.
    pub fn encode(&self, input: &Var, mask: Option<&Var>) -> Result<Var, Error> {
        let layers = (0..self.num_layers).map(|index| format!("layers.{index}"));
        layers.into_iter().try_fold(input.clone(), |value, name| match mask {
            None => value.layer(&name, &self.layer),
            Some(_) => value.trace().part(&name, || self.layer.encode(&value, mask)),
        })
    }
}

impl Layer for TransformerEncoder {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        self.encode(input, None)
    }
}
