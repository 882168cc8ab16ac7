//! Parts of models.

mod activation;
mod dropout;
mod flatten;
mod linear;

use std::fmt::Debug;

use crate::error::Error;
use crate::var::Var;

pub use activation::{LeakyRelu, Relu, Sigmoid, Tanh};
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use linear::Linear;

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
///     fn name(&self) -> &str {
///         "Residual"
///     }
///
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
    /// Its kind, such as `Linear`.
    fn name(&self) -> &str;

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
