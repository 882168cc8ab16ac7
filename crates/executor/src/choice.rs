//! Which of a machine's adapters to use.

use std::fmt;

use wgpu::{Backend, DeviceType};
use wgrad_core::op::AdapterClass;

use crate::error::DeviceError;

/// What an adapter says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterInfo {
    /// Its name, such as `NVIDIA GeForce RTX 3060`.
    pub name: String,
    /// The interface that it is reached through.
    pub backend: Backend,
    /// The driver's name and version.
    pub driver: String,
    /// Whether it is discrete, integrated or software.
    pub device_type: DeviceType,
}

impl AdapterInfo {
    /// The class of kernels that suit it.
    pub fn class(&self) -> AdapterClass {
        match self.device_type {
            DeviceType::Cpu => AdapterClass::Software,
            _ => AdapterClass::Gpu,
        }
    }

    fn is_gpu(&self) -> bool {
        self.class() == AdapterClass::Gpu
    }

    /// Lower is better.
    fn rank(&self) -> u32 {
        match self.device_type {
            DeviceType::DiscreteGpu => 0,
            DeviceType::IntegratedGpu => 1,
            DeviceType::VirtualGpu => 2,
            DeviceType::Other => 3,
            DeviceType::Cpu => 4,
        }
    }
}

impl From<wgpu::AdapterInfo> for AdapterInfo {
    fn from(info: wgpu::AdapterInfo) -> Self {
        let driver = format!("{} {}", info.driver, info.driver_info).trim().to_owned();
        Self { name: info.name, backend: info.backend, driver, device_type: info.device_type }
    }
}

impl fmt::Display for AdapterInfo {
    /// Such as `llvmpipe (LLVM 15.0.6, 256 bits) (Vulkan, software, llvmpipe Mesa 22.3.6)`.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let device_type = match self.device_type {
            DeviceType::DiscreteGpu => "discrete",
            DeviceType::IntegratedGpu => "integrated",
            DeviceType::VirtualGpu => "virtual",
            DeviceType::Other => "unknown type",
            DeviceType::Cpu => "software",
        };
        write!(formatter, "{} ({:?}, {device_type}", self.name, self.backend)?;
        match self.driver.as_str() {
            "" => write!(formatter, ")"),
            driver => write!(formatter, ", {driver})"),
        }
    }
}

/// Which adapter is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// A discrete GPU, else an integrated one, else a software adapter.
    #[default]
    Auto,
    /// A GPU and nothing else.
    Gpu,
    /// An adapter that runs on the CPU.
    Software,
    /// The first adapter whose name contains this, whatever the case; or its number in [`Device::list`].
    ///
    /// [`Device::list`]: crate::Device::list
    Named(String),
}

impl From<&str> for Choice {
    /// `auto`, `gpu`, `software`, or a name or number.
    fn from(word: &str) -> Self {
        match word {
            "auto" => Self::Auto,
            "gpu" => Self::Gpu,
            "software" => Self::Software,
            name => Self::Named(name.to_owned()),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Self::Auto => "auto",
            Self::Gpu => "gpu",
            Self::Software => "software",
            Self::Named(name) => name,
        })
    }
}

impl Choice {
    /// The index of the adapter to use.
    pub(crate) fn pick(&self, adapters: &[AdapterInfo]) -> Result<usize, DeviceError> {
        if adapters.is_empty() {
            return Err(DeviceError::NoAdapter);
        }
        let best = |wanted: fn(&AdapterInfo) -> bool| {
            let candidates = (0..adapters.len()).filter(|&index| wanted(&adapters[index]));
            candidates.min_by_key(|&index| adapters[index].rank())
        };
        let index = match self {
            Self::Auto => best(|_| true),
            Self::Gpu => best(AdapterInfo::is_gpu),
            Self::Software => best(|adapter| !adapter.is_gpu()),
            Self::Named(name) => named(name, adapters),
        };
        index.ok_or_else(|| DeviceError::NoSuchAdapter { wanted: self.to_string(), available: adapters.to_vec() })
    }
}

fn named(name: &str, adapters: &[AdapterInfo]) -> Option<usize> {
    let number = name.parse().ok().filter(|&number: &usize| number < adapters.len());
    let contains = |adapter: &AdapterInfo| adapter.name.to_lowercase().contains(&name.to_lowercase());
    number.or_else(|| adapters.iter().position(contains).filter(|_| !name.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(name: &str, device_type: DeviceType) -> AdapterInfo {
        AdapterInfo { name: name.to_owned(), backend: Backend::Vulkan, driver: String::new(), device_type }
    }

    fn laptop() -> Vec<AdapterInfo> {
        vec![
            adapter("llvmpipe", DeviceType::Cpu),
            adapter("Intel Iris", DeviceType::IntegratedGpu),
            adapter("GeForce RTX 3060", DeviceType::DiscreteGpu),
        ]
    }

    #[test]
    fn hardware_comes_before_software() {
        assert_eq!(Choice::Auto.pick(&laptop()), Ok(2));
        assert_eq!(Choice::Auto.pick(&laptop()[..2]), Ok(1));
        assert_eq!(Choice::Auto.pick(&laptop()[..1]), Ok(0));
        assert_eq!(Choice::Gpu.pick(&laptop()), Ok(2));
        assert_eq!(Choice::Software.pick(&laptop()), Ok(0));
    }

    #[test]
    fn a_name_is_a_part_of_the_adapter_s_or_its_number() {
        assert_eq!(Choice::from("iris").pick(&laptop()), Ok(1));
        assert_eq!(Choice::from("0").pick(&laptop()), Ok(0));
        assert_eq!(Choice::from("3060").pick(&laptop()), Ok(2));
    }

    #[test]
    fn what_is_not_there_is_an_error_that_lists_what_is() {
        let error = Choice::from("Radeon").pick(&laptop()).unwrap_err().to_string();
        assert!(error.contains("\"Radeon\"") && error.contains("1: Intel Iris"), "{error}");
        assert!(matches!(Choice::Gpu.pick(&laptop()[..1]), Err(DeviceError::NoSuchAdapter { .. })));
        assert!(matches!(Choice::Software.pick(&laptop()[1..]), Err(DeviceError::NoSuchAdapter { .. })));
        assert_eq!(Choice::Auto.pick(&[]), Err(DeviceError::NoAdapter));
    }
}
