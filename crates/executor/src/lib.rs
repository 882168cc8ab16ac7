//! Runs wgrad's plans through wgpu, and holds all of wgpu that wgrad has.
//!
//! ```text
//! Choice --Device::request--> Device --Executor::new--> Executor --load(Plan)--> LoadedPlan
//! ```
//!
//! The core is [`LoadedPlan::record`]: it writes any number of steps into an encoder, and neither submits nor waits.
//! [`Executor::run`] stands on top of it and keeps the device busy with submissions of about 50 ms each. Whatever
//! waits is a future, with a twin that blocks where threads may block: anywhere but in a browser.

mod blocking;
mod buffers;
mod choice;
mod completion;
mod cooperative;
mod device;
mod error;
mod exchange;
mod executor;
mod faults;
mod guards;
mod landing;
mod latency;
mod limits;
mod load;
mod loaded;
mod oneshot;
mod pace;
mod pack;
mod pipelines;
mod profile;
mod readback;
mod record;
mod run;
mod sample;
mod snapshot;
mod tensor_buffer;
mod uniforms;

pub use choice::{AdapterInfo, Choice};
pub use cooperative::CooperativeMatrices;
pub use device::Device;
pub use error::{DeviceError, ExecutorError};
pub use exchange::{CopyFrom, CopyTo, Exchange};
pub use executor::{Executor, Statistics};
pub use landing::{Landed, Landing, Took};
pub use loaded::LoadedPlan;
pub use pipelines::Checks;
pub use profile::{DispatchSpan, DispatchTime};
pub use record::Action;
pub use sample::Samples;
pub use snapshot::Snapshot;
pub use tensor_buffer::TensorBuffer;
/// The version of wgpu that devices and encoders come from.
pub use wgpu;
