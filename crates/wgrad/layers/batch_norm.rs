//! Batch normalisation.

use wgrad_shaders::{MomentsOutputs, batch_norm, batch_norm_with};

use crate::error::Error;
use crate::initial::Initial;
use crate::layers::Layer;
use crate::var::Var;

/// Normalises each of the features of `[batch, features]` over the batch, or of `[batch, features, length]` over batch and
/// length, as PyTorch's
/// [`BatchNorm1d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html).
///
/// In training by the batch's mean and variance, of which running ones are kept; in evaluation by those. A batch of a single
/// number for each feature, which PyTorch refuses, becomes the bias. Its parameters
/// are `weight`, ones, and `bias`, zeros; its buffers `running_mean`, `running_var` and `num_batches_tracked`.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm1d(Normalization);

/// Normalises each channel of images `[batch, channels, height, width]` over batch and pixels, as PyTorch's
/// [`BatchNorm2d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html); otherwise as
/// [`BatchNorm1d`].
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm2d(Normalization);

#[derive(Clone, Copy, Debug)]
struct Normalization {
    features: usize,
    epsilon: f32,
    momentum: f32,
}

macro_rules! attributes {
    ($name:ident) => {
        impl $name {
            /// For so many features, 1 at least, with an epsilon of 1e-5 and a momentum of 0.1.
            pub fn new(features: usize) -> Self {
                Self(Normalization { features, epsilon: 1e-5, momentum: 0.1 })
            }

            /// The same with another number added to variances: above 0.
            pub fn epsilon(mut self, epsilon: f32) -> Self {
                self.0.epsilon = epsilon;
                self
            }

            /// The same where a step takes another share of the running statistics: from 0 to 1.
            pub fn momentum(mut self, momentum: f32) -> Self {
                self.0.momentum = momentum;
                self
            }
        }
    };
}

attributes!(BatchNorm1d);
attributes!(BatchNorm2d);

impl Normalization {
    /// Normalises the columns of a matrix.
    fn forward(&self, rows: &Var) -> Result<Var, Error> {
        if !(0.0..=1.0).contains(&self.momentum) {
            return Err(Error::mismatch("momentum", "0 to 1", self.momentum));
        }
        let trace = rows.trace();
        let vector = |name: &str, value| trace.parameter(name, [self.features], Initial::Constant(value));
        let (weight, bias) = (vector("weight", 1.0)?, vector("bias", 0.0)?);
        let mean = trace.buffer("running_mean", [self.features], Initial::Constant(0.0))?;
        let variance = trace.buffer("running_var", [self.features], Initial::Constant(1.0))?;
        let batches = trace.counting_buffer("num_batches_tracked")?;
        if !trace.is_training() {
            return Ok(rows.with([rows, &mean, &variance, &weight, &bias], |graph, [rows, mean, variance, weight, bias]| {
                batch_norm_with(graph, rows, MomentsOutputs { mean, variance }, weight, bias, self.epsilon)
            }));
        }
        let [output, batch_mean, batch_variance] = rows.with_several([rows, &weight, &bias], |graph, [rows, weight, bias]| {
            let made = batch_norm(graph, rows, weight, bias, self.epsilon)?;
            Ok([made.output, made.mean, made.variance])
        });
        // As in PyTorch, the running variance is the unbiased one.
        let count = rows.shape().rows() as f32;
        let unbiased = batch_variance * (count / (count - 1.0).max(1.0));
        let running = |old: &Var, new: Var| old * (1.0 - self.momentum) + new * self.momentum;
        trace.set_buffer("running_mean", &running(&mean, batch_mean))?;
        trace.set_buffer("running_var", &running(&variance, unbiased))?;
        trace.set_buffer("num_batches_tracked", &(batches + 1.0))?;
        Ok(output)
    }
}

impl Layer for BatchNorm1d {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        let (shape, wanted) = (input.shape(), self.0.features);
        match *shape.dims() {
            [_, features] if features == wanted => self.0.forward(input),
            [batch, features, length] if features == wanted => {
                let rows = input.permute(&[0, 2, 1]).reshape([batch * length, features]);
                Ok(self.0.forward(&rows)?.reshape([batch, length, features]).permute(&[0, 2, 1]))
            }
            _ => Err(Error::mismatch("input", format!("[batch, {wanted}] or [batch, {wanted}, length]"), shape)),
        }
    }
}

impl Layer for BatchNorm2d {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        let shape = input.shape();
        match *shape.dims() {
            [batch, channels, height, width] if channels == self.0.features => {
                let rows = input.permute(&[0, 2, 3, 1]).reshape([batch * height * width, channels]);
                Ok(self.0.forward(&rows)?.reshape([batch, height, width, channels]).permute(&[0, 3, 1, 2]))
            }
            _ => Err(Error::mismatch("input", format!("[batch, {}, height, width]", self.0.features), shape)),
        }
    }
}
