//! The precision of matrix products.

use wgrad_core::DType;

use crate::error::Error;

/// How precise a model's matrix products are, in training and outside of it.
///
/// ```
/// # use wgrad::prelude::*;
/// let options = Options { precision: Precision::Mixed(LossScale::default()), ..Options::default() };
/// let model = Sequential::new().add(Linear::new(4, 8)).add(ReLU).add(Linear::new(8, 1));
/// let mut trainer = Trainer::new(&Device::cpu(), model, MSELoss, Adam::new(0.001), options)?;
/// assert_eq!(trainer.loss_scale()?, Some(65536.0));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Precision {
    /// All is f32.
    #[default]
    Single,
    /// What PyTorch calls automatic mixed precision: the operands of [`Var::matmul`](crate::Var::matmul), and so of
    /// [`Linear`](crate::layers::Linear) and the linear maps of attention, are rounded to f16, and their products summed up
    /// in f32. All else stays f32: parameters, optimizers' states, biases, normalisations, softmax, attention's weights,
    /// losses, convolutions, and layers that read a sequence step by step.
    ///
    /// Every adapter takes it: f16 is stored in 16 bits and computed with in f32. It halves the memory that operands take, and
    /// the bytes that products load. Where a device has [cooperative matrices](crate::Device::cooperative_matrices), large
    /// products go through them.
    Mixed(LossScale),
}

/// What losses are multiplied with in mixed precision, so that small gradients are not lost in f16, as PyTorch's
/// [`GradScaler`](https://docs.pytorch.org/docs/stable/amp.html#torch.amp.GradScaler) does. The device keeps and changes the
/// scale by itself.
///
/// An update whose gradients are not all finite is skipped: parameters and optimizers' states stay as they are, and the
/// scale halves. After so many updates in a row that were not skipped it doubles. A skipped update counts as one: the
/// schedule goes on, as in PyTorch, and so does the bias correction of Adam, which there waits. The log has the loss without
/// the scale, and a loss that is itself NaN or infinite ends the training as ever.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossScale {
    /// The scale before the first step, finite and above 0: 65,536 by default.
    pub initial: f32,
    /// After how many updates in a row the scale doubles, at least 1: 2,000 by default.
    pub growth_interval: u32,
}

impl Default for LossScale {
    fn default() -> Self {
        Self { initial: 65536.0, growth_interval: 2000 }
    }
}

impl Precision {
    /// What matrix products take their operands as.
    pub(crate) fn products(self) -> DType {
        match self {
            Self::Single => DType::F32,
            Self::Mixed(_) => DType::F16,
        }
    }

    /// How losses are scaled; none where they are not.
    pub(crate) fn loss_scale(self) -> Option<LossScale> {
        match self {
            Self::Single => None,
            Self::Mixed(scale) => Some(scale),
        }
    }

    /// Fails where a number is out of its range.
    pub(crate) fn check(self) -> Result<(), Error> {
        match self.loss_scale() {
            Some(LossScale { initial, .. }) if !(initial > 0.0 && initial.is_normal()) => {
                Err(Error::mismatch("initial loss scale", "a finite number above 0", initial))
            }
            Some(LossScale { growth_interval: 0, .. }) => {
                Err(Error::mismatch("growth interval of the loss scale", "1 at least", 0))
            }
            _ => Ok(()),
        }
    }
}
