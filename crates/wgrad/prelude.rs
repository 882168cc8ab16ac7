//! What nearly every program needs: `use wgrad::prelude::*;`.

pub use crate::layers::*;
pub use crate::losses::{BCELoss, BCEWithLogitsLoss, CategoricalCrossEntropy, CrossEntropyLoss, MSELoss};
pub use crate::optimizers::{Adam, AdamW, SGD};
pub use crate::{
    Control, Dataset, Device, Epoch, Error, Initial, Loader, LossScale, Optimizer, Options, Precision, Sequential, Session,
    Tensor, Trace, Trainer, Var,
};
