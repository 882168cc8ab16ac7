//! Cross-entropy of probabilities.

use wgrad_core::Shape;
use wgrad_shaders::class_hits;

use crate::error::Error;
use crate::losses::{Loss, Losses, check_shares};
use crate::tensor::Tensor;
use crate::var::Var;

/// The mean of `-sum over classes of t log p` over all examples, for probabilities `p`, such as a softmax gives, and one-hot
/// or other shares `t`, both `[n, classes]`, as Keras'
/// [`CategoricalCrossentropy`](https://keras.io/api/losses/probabilistic_losses/#categoricalcrossentropy-class).
///
/// Probabilities end at 1e-7 and 1 - 1e-7, as there. An example is right where its largest share has the largest
/// probability. [`CrossEntropyLoss`](crate::losses::CrossEntropyLoss) on logits loses less precision.
#[derive(Clone, Copy, Debug)]
pub struct CategoricalCrossEntropy;

const SMALLEST: f32 = 1e-7;

impl Loss for CategoricalCrossEntropy {
    fn check(&self, output: &Shape, targets: &Tensor) -> Result<(), Error> {
        check_shares(output, targets)
    }

    fn forward(&self, output: &Var, targets: &Var) -> Result<Losses, Error> {
        let logarithms = output.clamp(SMALLEST, 1.0 - SMALLEST).log();
        Ok(Losses { losses: -(targets * logarithms).sum_axes(&[1], false), hits: Some(output.zip(targets, class_hits)) })
    }
}
