//! Train and run neural networks with WGSL compute shaders on any GPU, or on the CPU where there is none.
//!
//! ```
//! use wgrad::prelude::*;
//!
//! let examples = Dataset::new([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [[0.0], [1.0], [1.0], [0.0]])?;
//! let model = Sequential::new().add(Linear::new(2, 8)).add(Tanh).add(Linear::new(8, 1)).add(Sigmoid);
//! println!("{}", model.summary(&[2])?);
//!
//! let options = Options { batch_size: 4, seed: 1, ..Options::default() };
//! let mut trainer = Trainer::new(&Device::cpu(), model, BCELoss, Adam::new(0.1), options)?;
//! let history = trainer.fit(&examples, 300, None, |_| Control::Continue)?;
//! println!("{}", trainer.predict(examples.inputs())?);
//! # assert!(history.epochs[299].loss < 0.1, "{history:?}");
//! # Ok::<(), Error>(())
//! ```
//!
//! A [`Layer`] says what it computes as operations on a graph. The [`Trainer`] adds the loss's gradient and the
//! optimizer's update to that graph, and has the device run the whole step by itself: the data set, its order, the
//! step counter, learning rates, dropout and the log of losses are on the device, which the host leaves alone for a
//! whole epoch. This crate only composes operations; what they compute is in [`ops`].

mod arena;
mod backend;
pub mod callbacks;
mod checkpoint;
mod cooperative;
pub mod data;
mod dataset;
mod device;
mod engine;
mod error;
mod files;
mod graphs;
mod history;
mod initial;
mod inputs;
pub mod layers;
mod loader;
pub mod losses;
pub mod optimizers;
mod parameters;
pub mod parity;
mod precision;
pub mod prelude;
pub mod schedules;
mod sequential;
mod session;
mod summary;
mod tensor;
mod trace;
mod trainer;
mod tuning;
mod var;
mod weights;

pub use callbacks::Callback;
pub use checkpoint::Checkpoint;
pub use dataset::Dataset;
pub use device::{Device, DeviceKind};
pub use engine::{CheckpointTicket, Engine, Evaluation, PredictOptions, Predictor, Reading, Ticket, Training};
pub use error::{Error, ParameterMismatch};
pub use history::{Epoch, History, Score};
pub use initial::{Fan, Initial};
pub use inputs::{Inputs, Normalization};
pub use layers::Layer;
pub use loader::Loader;
pub use losses::Loss;
pub use optimizers::{Optimizer, Optimizers};
pub use precision::{LossScale, Precision};
pub use schedules::Schedule;
pub use sequential::Sequential;
pub use session::{Program, Session};
pub use summary::{Summary, summary};
pub use tensor::Tensor;
pub use trace::Trace;
pub use trainer::{Control, Gradients, LearningRateCurve, LearningRateFinder, Options, Progress, Snapshot, Timeline, Trainer};
pub use tuning::{Measured, Tuning};
pub use var::Var;
pub use weights::Weights;

pub use wgrad_core as core;
pub use wgrad_executor as executor;
pub use wgrad_executor::{Checks, Choice, CooperativeMatrices, CopyFrom, CopyTo, Statistics, TensorBuffer, wgpu};
pub use wgrad_reference as reference;
pub use wgrad_shaders as ops;

/// The README's examples.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
