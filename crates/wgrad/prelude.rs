//! What nearly every program needs: `use wgrad::prelude::*;`.

pub use crate::layers::{Dropout, Flatten, Layer, LeakyReLU, Linear, ReLU, Sigmoid, Tanh};
pub use crate::losses::{BCELoss, CrossEntropyLoss, MSELoss};
pub use crate::optimizers::{Adam, AdamW, SGD};
pub use crate::{Control, Dataset, Device, Error, Loader, Options, Sequential, Tensor, Trainer};
