//! Where training runs.

use std::fmt;

#[cfg(not(target_arch = "wasm32"))]
use wgrad_executor::{AdapterInfo, DeviceError};
use wgrad_executor::{Choice, CooperativeMatrices, wgpu};

use crate::error::Error;
#[cfg(not(target_arch = "wasm32"))]
use crate::tuning::Store;

/// A GPU, a software adapter, or the CPU itself. Clones are the same device.
#[derive(Clone, Debug)]
pub enum Device {
    /// An adapter of Vulkan, Metal or DX12, which runs WGSL.
    Adapter(wgrad_executor::Device),
    /// The interpreter, which runs the same graph without WGSL.
    Cpu,
}

/// The kinds of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// An adapter that is hardware.
    Gpu,
    /// An adapter that runs shaders on the CPU.
    Software,
    /// The CPU, without shaders.
    Cpu,
}

impl Device {
    /// The device that the environment variable `WGRAD_DEVICE` names, as [`Device::choose`] takes it. Without it the best
    /// adapter: a discrete GPU before an integrated one before a software adapter; the CPU where there is none.
    ///
    /// A browser has no such function, since it gives devices only to those that await them: there see [`Device::request`].
    ///
    /// # Errors
    /// Where there is no device of that name, or the adapter gives none.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn auto() -> Result<Self, Error> {
        match std::env::var_os("WGRAD_DEVICE") {
            // No adapter's name has a part that is not UTF-8.
            Some(word) if word != "auto" => Self::choose(&word.to_string_lossy()),
            _ => Self::best(),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn best() -> Result<Self, Error> {
        match Self::adapter(&Choice::Auto) {
            Err(Error::Device(DeviceError::NoAdapter)) => Ok(Self::Cpu),
            other => other,
        }
    }

    /// The device that a word names, with the kernels that [`Trainer::tune`](crate::Trainer::tune) has chosen for it, if it
    /// has: `auto`, `gpu`, `software`, `cpu`, a part of an adapter's name, or its number in
    /// [`Device::adapters`].
    ///
    /// # Errors
    /// Where there is no such device; the error lists those that there are. Where it cannot be used.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn choose(word: &str) -> Result<Self, Error> {
        match word {
            "auto" => Self::auto(),
            "cpu" => Ok(Self::Cpu),
            word => Self::adapter(&Choice::from(word)),
        }
    }

    /// The device of an adapter that is wanted, without blocking. A browser has one adapter at most, for [`Choice::Auto`].
    ///
    /// # Errors
    /// Where there is no such adapter; the error lists those that there are. Where it gives no device.
    pub async fn request(choice: &Choice) -> Result<Self, Error> {
        Ok(Self::Adapter(wgrad_executor::Device::request(choice).await?))
    }

    /// The CPU, through the interpreter.
    pub fn cpu() -> Self {
        Self::Cpu
    }

    /// A device that an application lends, with its queue. What waits for it polls it; [`Engine`](crate::Engine) never does.
    ///
    /// # Errors
    /// Where limits of the device are too low: the error lists them.
    pub fn from_wgpu(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self, Error> {
        Ok(Self::Adapter(wgrad_executor::Device::from_wgpu(device, queue)?))
    }

    /// All adapters of this machine, in the order of their numbers.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn adapters() -> Vec<AdapterInfo> {
        wgrad_executor::Device::list_blocking()
    }

    /// The kind of device.
    pub fn kind(&self) -> DeviceKind {
        match self {
            Self::Adapter(device) if device.info().device_type == wgpu::DeviceType::Cpu => DeviceKind::Software,
            Self::Adapter(_) => DeviceKind::Gpu,
            Self::Cpu => DeviceKind::Cpu,
        }
    }

    /// The adapter's name, or `CPU`.
    pub fn name(&self) -> &str {
        match self {
            Self::Adapter(device) => &device.info().name,
            Self::Cpu => "CPU",
        }
    }

    /// What it is reached through: `vulkan`, `metal`, `dx12`, or `interpreter` on the CPU.
    pub fn backend(&self) -> &'static str {
        match self {
            Self::Adapter(device) => device.info().backend.to_str(),
            Self::Cpu => "interpreter",
        }
    }

    /// Whether it multiplies f16 by cooperative matrices. They are tested, and used or left off, when the first graph is loaded
    /// that has tensors of f16: before that a device which has them is [`CooperativeMatrices::Untested`].
    pub fn cooperative_matrices(&self) -> CooperativeMatrices {
        match self {
            Self::Adapter(device) => device.cooperative_matrices(),
            Self::Cpu => CooperativeMatrices::Missing,
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn adapter(choice: &Choice) -> Result<Self, Error> {
        let device = wgrad_executor::Device::request_blocking(choice)?;
        let choices = Store::of_user().map(|store| store.load(device.info())).unwrap_or_default();
        Ok(Self::Adapter(device.with_choices(choices)))
    }
}

impl From<wgrad_executor::Device> for Device {
    fn from(device: wgrad_executor::Device) -> Self {
        Self::Adapter(device)
    }
}

impl fmt::Display for Device {
    /// Name, backend and driver in one line.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Adapter(device) => device.info().fmt(formatter),
            Self::Cpu => formatter.write_str("CPU (interpreter: no WGSL runs)"),
        }
    }
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Self::Gpu => "gpu",
            Self::Software => "software",
            Self::Cpu => "cpu",
        })
    }
}
