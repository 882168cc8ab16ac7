//! Adapters and the devices that they give.

use std::sync::{Arc, OnceLock};

use wgpu::Backends;
use wgrad_core::plan::{Choices, Target};

use crate::choice::{AdapterInfo, Choice};
use crate::cooperative::{self, CooperativeMatrices, Offer};
use crate::error::{DeviceError, ExecutorError};
use crate::exchange::Textures;
use crate::faults::Faults;
use crate::limits;
use crate::pipelines::PipelineCache;

/// All backends but OpenGL, which finds the same adapters again, and slower.
const BACKENDS: Backends = Backends::VULKAN.union(Backends::METAL).union(Backends::DX12).union(Backends::BROWSER_WEBGPU);

/// A device with its queue, and the pipelines that were made for it. Clones are the same device.
#[derive(Clone, Debug)]
pub struct Device {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: AdapterInfo,
    pub(crate) faults: Arc<Faults>,
    choices: Arc<Choices>,
    cooperative: Offer,
    pub(crate) pipelines: PipelineCache,
    textures: Arc<OnceLock<Textures>>,
}

impl Device {
    /// All adapters of this machine, in the order of the numbers that [`Choice::Named`] takes.
    pub async fn list() -> Vec<AdapterInfo> {
        adapters().await.iter().map(|adapter| adapter.get_info().into()).collect()
    }

    /// A device of the adapter that is wanted. Its errors and its loss are reported by the executor's calls.
    ///
    /// # Errors
    /// [`DeviceError::NoAdapter`] where there is none at all; otherwise an error that lists those that there are, or
    /// tells why the adapter gives no device.
    pub async fn request(choice: &Choice) -> Result<Self, DeviceError> {
        let adapters = adapters().await;
        let mut infos: Vec<AdapterInfo> = adapters.iter().map(|adapter| adapter.get_info().into()).collect();
        let index = choice.pick(&infos)?;
        let (adapter, info) = (&adapters[index], infos.swap_remove(index));
        let offer = Offer::of(adapter);
        let (device, queue, cooperative) = match request(adapter, &offer).await {
            // What is experimental may be refused, and can be done without.
            Err(_) if offer.is_any() => request(adapter, &Offer::default()).await,
            outcome => outcome,
        }
        .map_err(|error| DeviceError::Refused { adapter: info.clone(), reason: error.to_string() })?;
        let faults = Arc::new(Faults::default());
        faults.watch(&device);
        Ok(Self::new(device, queue, info, faults, cooperative))
    }

    /// The features that an application should ask for, where this adapter has them. None of them is needed. What wgpu counts as
    /// experimental is not among them: only devices of [`Device::request`] use that.
    pub fn required_features(adapter: &wgpu::Adapter) -> wgpu::Features {
        adapter.features() & limits::features()
    }

    /// The limits that an application should ask for: WebGPU's defaults, with as much storage as the adapter has.
    pub fn required_limits(adapter: &wgpu::Adapter) -> wgpu::Limits {
        limits::wanted(&adapter.limits())
    }

    /// Whether a device that an application owns can run plans. `Limits::default()` and no feature are enough.
    ///
    /// # Errors
    /// [`DeviceError::TooLow`], which lists all limits that are too low.
    pub fn check_wgpu(device: &wgpu::Device) -> Result<(), DeviceError> {
        let missing = limits::missing(&device.limits());
        if missing.is_empty() {
            return Ok(());
        }
        Err(DeviceError::TooLow { adapter: device.adapter_info().into(), missing })
    }

    /// A device that its owner lends. No callback is ever set on it, and its limits are taken as they are.
    ///
    /// What goes wrong in a call of the executor is returned from that call, and never reaches the owner's handlers.
    /// The loss of the device is known only from what fails, since its callback is the owner's.
    ///
    /// # Errors
    /// As [`Device::check_wgpu`].
    pub fn from_wgpu(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self, DeviceError> {
        Self::check_wgpu(&device)?;
        let info = device.adapter_info().into();
        Ok(Self::new(device, queue, info, Arc::default(), Offer::default()))
    }

    fn new(device: wgpu::Device, queue: wgpu::Queue, info: AdapterInfo, faults: Arc<Faults>, cooperative: Offer) -> Self {
        let (choices, pipelines, textures) = (Arc::default(), PipelineCache::default(), Arc::default());
        Self { device, queue, info, faults, choices, cooperative, pipelines, textures }
    }

    /// The adapter that it comes from.
    pub fn info(&self) -> &AdapterInfo {
        &self.info
    }

    /// The same device, whose plans take kernels that were measured to be the fastest.
    pub fn with_choices(self, choices: Choices) -> Self {
        Self { choices: Arc::new(choices), ..self }
    }

    /// What a plan may ask of it.
    pub fn target(&self) -> Target {
        Target {
            choices: self.choices.clone(),
            cooperative: self.cooperative.usable(),
            ..limits::target(self.info.class(), &self.device.limits())
        }
    }

    /// Whether plans use cooperative matrices.
    pub fn cooperative_matrices(&self) -> CooperativeMatrices {
        self.cooperative.state()
    }

    /// Has a test decide whether plans use the cooperative matrices that the adapter says it has, and all clones of this device
    /// keep to that. The test gets a target with them. It is not called where there are none, nor a second time; natively
    /// it may wait for the device, which nobody else polls.
    pub fn test_cooperative_matrices(&self, test: impl FnOnce(&Target) -> Result<(), String>) {
        self.cooperative.test(|matrices| test(&Target { cooperative: Some(matrices), ..self.target() }));
    }

    /// The device as wgpu knows it.
    pub fn wgpu(&self) -> &wgpu::Device {
        &self.device
    }

    /// Its queue.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    /// The kernels for textures, which are compiled now unless the device has them.
    pub(crate) async fn textures(&self) -> Result<Textures, ExecutorError> {
        if let Some(known) = self.textures.get() {
            return Ok(known.clone());
        }
        let created = Textures::create(self).await?;
        Ok(self.textures.get_or_init(|| created).clone())
    }

    /// Lets a browser's page answer its events between two pieces of work that would keep it from that together. Natively it
    /// takes no time.
    pub async fn pause(&self) {
        // A question whose answer comes from another process; a future that was merely polled again would keep the page waiting.
        // Twice, since what has become due meanwhile is only queued behind the first answer. Nothing is done that could fail.
        for _ in 0..2 {
            let _ = self.scoped(|| ()).await;
        }
    }

    /// Waits for a submission, or for all of them, or reports after no time that it has not finished.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn poll(&self, poll: wgpu::PollType) -> Result<bool, ExecutorError> {
        self.check()?;
        // wgpu 30 panics when the wait itself finds that the device is lost; no lock of its is held at that point.
        let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.device.poll(poll)));
        let finished = match polled {
            Ok(Ok(_)) => true,
            Ok(Err(wgpu::PollError::Timeout)) => false,
            // All else that a queue refuses a submission for is caught when it is submitted.
            Ok(Err(wgpu::PollError::WrongSubmissionIndex(..))) => return Err(self.lose("it takes no more submissions")),
            Err(_) => return Err(self.lose("found while waiting for it")),
        };
        self.check().map(|()| finished)
    }
}

/// A device of an adapter, with what it offers.
async fn request(adapter: &wgpu::Adapter, offer: &Offer) -> Result<(wgpu::Device, wgpu::Queue, Offer), wgpu::RequestDeviceError> {
    let mut descriptor = wgpu::DeviceDescriptor {
        label: Some("wgrad"),
        required_features: Device::required_features(adapter),
        required_limits: Device::required_limits(adapter),
        ..Default::default()
    };
    if offer.is_any() {
        descriptor.required_features |= cooperative::features();
        descriptor.experimental_features = cooperative::experimental();
    }
    let (device, queue) = adapter.request_device(&descriptor).await?;
    Ok((device, queue, offer.clone()))
}

async fn adapters() -> Vec<wgpu::Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: BACKENDS,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    instance.enumerate_adapters(BACKENDS).await
}
