//! What nearly every program needs: `use wgrad::prelude::*;`.

pub use crate::layers::{Dropout, Flatten, Layer, LeakyRelu, Linear, Relu, Sigmoid, Tanh};
pub use crate::losses::{BceLoss, CrossEntropyLoss, MseLoss};
pub use crate::optimizers::{Adam, AdamW, Sgd};
pub use crate::{Control, Dataset, Device, Error, Loader, Options, Sequential, Tensor, Trainer};
