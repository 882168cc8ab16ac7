//! Layers one after another.

use wgrad_core::TensorType;

use crate::error::Error;
use crate::layers::Layer;
use crate::summary::{Summary, summary};
use crate::var::Var;

/// A model whose layers each take what the one before gives. They are named by their places, from 0, as in PyTorch.
#[derive(Debug, Default)]
pub struct Sequential {
    layers: Vec<Box<dyn Layer>>,
}

impl Sequential {
    /// A model without layers, which gives what it takes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same model with another layer at its end.
    #[allow(clippy::should_implement_trait, reason = "the word that models are built with; it adds no numbers")]
    pub fn add(mut self, layer: impl Layer + 'static) -> Self {
        self.layers.push(Box::new(layer));
        self
    }

    /// Layers, shapes and numbers of parameters for an input of type `input`, without the axis of examples: `&[784]` for
    /// floats, `TensorType::u32([64])` for tokens.
    ///
    /// # Errors
    /// Where a layer cannot be built or does not take what the one before gives.
    pub fn summary(&self, input: impl Into<TensorType>) -> Result<Summary, Error> {
        summary(self, input)
    }
}

impl Layer for Sequential {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        let mut layers = self.layers.iter().enumerate();
        layers.try_fold(input.clone(), |value, (index, layer)| value.layer(&index.to_string(), layer.as_ref()))
    }
}
