//! How to train.

use wgrad_executor::Checks;

use crate::error::Error;
use crate::precision::Precision;

/// How to train: `Options { batch_size: 32, ..Options::default() }`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The examples in a step of [`Trainer::fit`](crate::Trainer::fit): at least 1, 64 by default. The last step of an
    /// epoch takes what is left.
    pub batch_size: usize,
    /// What initial values, the order of examples and dropout depend on: 0 by default. The same seed on the same device
    /// gives the same bits.
    pub seed: u32,
    /// The largest norm of the gradients of all parameters together, above 0: larger ones are scaled down to it, as
    /// PyTorch's `clip_grad_norm_` does. None, the default, leaves them as they are.
    pub clip_norm: Option<f32>,
    /// How many steps' gradients are averaged for each update: 1 by default. Steps of as many examples are as one of them all;
    /// each of a smaller one, at the end of an epoch, weighs more, as with PyTorch's `loss / accumulation`.
    pub accumulation: u32,
    /// How precise matrix products are: single by default.
    pub precision: Precision,
    /// Whether operations are fused into few kernels: true by default. It makes no difference on the CPU.
    pub fuse: bool,
    /// Whether kernels are guarded against their own mistakes: not by default, since those of wgrad are tested. A user's
    /// own operations may want it.
    pub checks: Checks,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch_size: 64,
            seed: 0,
            clip_norm: None,
            accumulation: 1,
            precision: Precision::Single,
            fuse: true,
            checks: Checks::Unchecked,
        }
    }
}

impl Options {
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.batch_size == 0 {
            return Err(Error::mismatch("batch size", "1 at least", 0));
        }
        if self.accumulation == 0 {
            return Err(Error::mismatch("accumulation", "1 at least", 0));
        }
        self.precision.check()?;
        self.clip_norm.map_or(Ok(()), check_clip_norm)
    }
}

/// Fails where gradients cannot be clipped at this norm.
pub(super) fn check_clip_norm(norm: f32) -> Result<(), Error> {
    match norm > 0.0 && norm.is_finite() {
        true => Ok(()),
        false => Err(Error::mismatch("clip_norm", "a finite number above 0", norm)),
    }
}
