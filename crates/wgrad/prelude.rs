//! What nearly every program needs: `use wgrad::prelude::*;`.

pub use crate::layers::*;
pub use crate::losses::{BCELoss, BCEWithLogitsLoss, CategoricalCrossEntropy, CrossEntropyLoss, MSELoss};
pub use crate::optimizers::{Adam, AdamW, SGD};
pub use crate::{
    Control, Dataset, Device, Epoch, Error, Loader, LossScale, Options, Precision, Sequential, Tensor, Trainer, Var,
};
