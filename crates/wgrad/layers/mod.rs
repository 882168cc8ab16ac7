//! Parts of models.

mod activation;
mod attention;
mod batch_norm;
mod conv;
mod dropout;
mod embedding;
mod flatten;
mod layer_norm;
mod linear;
mod pair;
mod pooling;
mod recurrent;
mod transformer;

use std::any;
use std::fmt::Debug;

use crate::error::Error;
use crate::var::Var;

pub use activation::{ELU, GELU, LeakyReLU, ReLU, SiLU, Sigmoid, Softmax, Softplus, Tanh};
pub use attention::MultiheadAttention;
pub use batch_norm::{BatchNorm1d, BatchNorm2d};
pub use conv::Conv2d;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use flatten::Flatten;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use pair::Pair;
pub use pooling::{AdaptiveAvgPool2d, AvgPool2d, MaxPool2d};
pub use recurrent::{GRU, LSTM, RNN};
pub use transformer::{TransformerEncoder, TransformerEncoderLayer};

/// A part of a model, or a whole one: anything that makes a value of a value.
///
/// A model that is no mere sequence is a struct with its layers as fields:
///
/// ```
/// use wgrad::layers::Linear;
/// use wgrad::{Error, Layer, Var};
///
/// #[derive(Debug)]
/// struct Residual {
///     inner: Linear,
/// }
///
/// impl Layer for Residual {
///     fn forward(&self, input: &Var) -> Result<Var, Error> {
///         Ok(input + input.layer("inner", &self.inner)?)
///     }
/// }
///
/// let summary = wgrad::summary(&Residual { inner: Linear::new(3, 3) }, &[3])?;
/// assert_eq!(summary.parameters, 12);
/// # Ok::<(), Error>(())
/// ```
pub trait Layer: Debug + Send {
    /// Its kind, such as `Linear`: the type's own name, unless told otherwise.
    fn name(&self) -> &str {
        let path = any::type_name::<Self>();
        let path = path.split('<').next().unwrap_or(path);
        path.rsplit("::").next().unwrap_or(path)
    }

    /// Adds what it computes to the graph of `input`, whose first axis is that of the examples, and returns the output.
    ///
    /// # Errors
    /// Where the layer cannot be built, or does not take this input.
    fn forward(&self, input: &Var) -> Result<Var, Error>;
}

impl<L: Layer + ?Sized> Layer for Box<L> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn forward(&self, input: &Var) -> Result<Var, Error> {
        (**self).forward(input)
    }
}
