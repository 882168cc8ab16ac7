//! Training and inference on the device of another application, in its own frames.

mod evaluation;
mod predictor;
mod reading;
mod training;

use wgrad_core::TensorType;
use wgrad_executor::wgpu;

use crate::backend::Gpu;
use crate::dataset::Dataset;
use crate::device::Device;
use crate::error::Error;
use crate::layers::Layer;
use crate::losses::Loss;
use crate::optimizers::Optimizers;
use crate::trainer::Options;
use crate::weights::Weights;

pub use evaluation::Evaluation;
use predictor::Prepared;
pub use predictor::{PredictOptions, Predictor};
pub use reading::Reading;
pub use training::{CheckpointTicket, Ticket, Training};

/// A device that an application lends, on which networks are trained and run in the application's own frames. Clones
/// use the same device.
///
/// An engine and all that comes from it record commands into the application's encoders. They never submit, never poll
/// or wait for the device, and set no callback on it: results land while the application drives its device. Everything
/// can go to another thread.
///
/// What the device finds wrong with a call is that call's error. A browser does not say so at once: there the handlers of
/// the device's owner hear of it. A device that is lost is [`Error::DeviceLost`] where that is noticed first, which is where
/// results fail to land or memory is asked for, and from then on in all calls that record for it.
///
/// ```
/// # use wgrad::prelude::*;
/// # use wgrad::{Engine, wgpu};
/// # let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
/// #     backends: wgpu::Backends::PRIMARY,
/// #     ..wgpu::InstanceDescriptor::new_without_display_handle()
/// # });
/// # let Ok(adapter) = pollster::block_on(instance.request_adapter(&Default::default())) else { return Ok(()) };
/// // The application's own device; `Limits::default()` and no feature would do.
/// let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
///     required_features: Engine::required_features(&adapter),
///     required_limits: Engine::required_limits(&adapter),
///     ..Default::default()
/// }))?;
///
/// let engine = Engine::from_wgpu(device.clone(), queue.clone(), Options { batch_size: 4, ..Options::default() })?;
/// let model = Sequential::new().add(Linear::new(2, 8)).add(Tanh).add(Linear::new(8, 1));
/// let data = wgrad::data::xor();
/// let mut training = pollster::block_on(engine.training(model, MSELoss, Adam::new(0.01), &data))?;
///
/// // A frame of the application:
/// let mut encoder = device.create_command_encoder(&Default::default());
/// let ticket = training.record_steps(&mut encoder, 10)?;
/// queue.submit([encoder.finish()]);
///
/// // Any later frame:
/// device.poll(wgpu::PollType::wait_indefinitely())?;
/// let loss = training.try_loss(&ticket)?;
/// assert!(loss.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Engine {
    device: wgrad_executor::Device,
    options: Options,
}

impl Engine {
    /// The features that an application should ask for, where its adapter has them: timestamps, from which
    /// [`Training::record_within`] learns how long steps take. None is needed.
    pub fn required_features(adapter: &wgpu::Adapter) -> wgpu::Features {
        wgrad_executor::Device::required_features(adapter)
    }

    /// The limits that an application should ask for: WebGPU's defaults, with as much storage as its adapter has.
    pub fn required_limits(adapter: &wgpu::Adapter) -> wgpu::Limits {
        wgrad_executor::Device::required_limits(adapter)
    }

    /// Whether a device is enough. One with `Limits::default()` and no feature is.
    ///
    /// # Errors
    /// Lists all limits that are too low, with what is wanted.
    pub fn check(device: &wgpu::Device) -> Result<(), Error> {
        Ok(wgrad_executor::Device::check_wgpu(device)?)
    }

    /// An engine on a device and its queue, which stay the application's.
    ///
    /// # Errors
    /// As [`Engine::check`].
    pub fn from_wgpu(device: wgpu::Device, queue: wgpu::Queue, options: Options) -> Result<Self, Error> {
        Ok(Self { device: wgrad_executor::Device::from_wgpu(device, queue)?, options })
    }

    /// The same device with other options.
    pub fn with_options(&self, options: Options) -> Self {
        Self { device: self.device.clone(), options }
    }

    /// The device, for a [`Trainer`](crate::Trainer), which polls it where it waits.
    pub fn device(&self) -> Device {
        self.device.clone().into()
    }

    /// Makes all that the training of a model on these data needs: graphs, kernels, memory.
    ///
    /// Kernels are compiled while the future is polled: natively the application polls it in a thread of its own, so that
    /// no frame waits (`std::thread::spawn(move || pollster::block_on(engine.training(..)))`); a browser compiles them beside
    /// the page.
    ///
    /// # Errors
    /// As [`Trainer::new`](crate::Trainer::new) and [`Trainer::fit`](crate::Trainer::fit).
    pub async fn training(
        &self,
        model: impl Layer + 'static,
        loss: impl Loss + 'static,
        optimizers: impl Into<Optimizers>,
        data: &Dataset,
    ) -> Result<Training, Error> {
        let trainer = crate::Trainer::new(&self.device(), model, loss, optimizers, self.options)?;
        Training::open(trainer, data).await
    }

    /// Makes all that a model's outputs need, for inputs of type `input`, without the axis of examples, and weights from a
    /// file or from bytes. There is no optimizer and no gradient in its memory. See [`Engine::training`] for where to await
    /// it.
    ///
    /// ```
    /// # use wgrad::prelude::*;
    /// # use wgrad::{Engine, PredictOptions, Weights, wgpu};
    /// # async fn load(engine: Engine, bytes: &[u8]) -> Result<(), Error> {
    /// let model = Sequential::new().add(Linear::new(784, 128)).add(ReLU).add(Linear::new(128, 10));
    /// let weights = Weights::from_bytes(bytes)?; // of `include_bytes!`
    /// let predictor = engine.predictor(model, &weights, &[784], PredictOptions::default()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where a layer cannot be built, or the weights are not those of the model: the error lists all that do not fit. On
    /// errors of the device.
    pub async fn predictor(
        &self,
        model: impl Layer + 'static,
        weights: &Weights,
        input: impl Into<TensorType>,
        options: PredictOptions,
    ) -> Result<Predictor, Error> {
        let prepared = Prepared::with_weights(&model, weights, input.into(), self.options.precision, options)?;
        // From here on only the graph is needed.
        drop(model);
        let mut gpu = Gpu::new(self.device.clone(), self.options.checks, self.options.fuse);
        Predictor::load(&mut gpu, prepared).await
    }
}
