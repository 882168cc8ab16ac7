//! What all plans on one device share: inputs and states by name.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

use wgrad_core::{HostTensor, TensorType};

use crate::buffers::Region;
use crate::device::Device;
use crate::error::ExecutorError;
use crate::guards::Guarded;
use crate::pack;
use crate::pipelines::Checks;
use crate::run::Submission;

/// Runs plans on a device. Plans that name the same input or state share its buffer.
#[derive(Debug)]
pub struct Executor {
    pub(crate) device: Device,
    pub(crate) checks: Checks,
    pub(crate) shared: BTreeMap<String, Shared>,
    pub(crate) guarded: Vec<Guarded>,
    pub(crate) in_flight: VecDeque<Submission>,
    pub(crate) counters: Counters,
}

/// The buffer of an input or state.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) region: Region,
    pub(crate) source: Source,
}

/// Who writes a shared buffer, and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Input(TensorType),
    State(TensorType),
}

/// What an executor has asked of its device so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Submissions to the queue.
    pub submissions: u64,
    /// Tensors and profiles that were read back.
    pub read_backs: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) submissions: AtomicU64,
    pub(crate) read_backs: AtomicU64,
}

impl Executor {
    /// An executor with no plans.
    pub fn new(device: Device, checks: Checks) -> Self {
        Self {
            device,
            checks,
            shared: BTreeMap::new(),
            guarded: Vec::new(),
            in_flight: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// The device that it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What it has asked of the device so far.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            submissions: self.counters.submissions.load(Ordering::Relaxed),
            read_backs: self.counters.read_backs.load(Ordering::Relaxed),
        }
    }

    /// The buffer of an input or state, for an application that draws from it. With [`Checks::Guarded`] it begins with
    /// 256 bytes of guard words.
    pub fn buffer(&self, name: &str) -> Option<&wgpu::Buffer> {
        self.shared.get(name).map(|shared| &shared.region.buffer)
    }

    /// The states' names and types, by name.
    pub fn states(&self) -> impl Iterator<Item = (&str, &TensorType)> {
        self.shared.iter().filter_map(|(name, shared)| match &shared.source {
            Source::State(kind) => Some((name.as_str(), kind)),
            Source::Input(_) => None,
        })
    }

    /// The inputs' names.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        let inputs = self.shared.iter().filter(|(_, shared)| matches!(shared.source, Source::Input(_)));
        inputs.map(|(name, _)| name.as_str())
    }

    /// Writes an input; steps that are recorded but not yet submitted see it too.
    ///
    /// # Errors
    /// Where no plan has such an input, or the tensor has another type; on errors of the device.
    pub async fn write_input(&self, name: &str, tensor: &HostTensor) -> Result<(), ExecutorError> {
        let (input, kind) = match self.shared.get(name) {
            Some(shared @ Shared { source: Source::Input(kind), .. }) => (shared, kind),
            _ => return Err(unknown("input", name, self.inputs())),
        };
        if tensor.kind() != *kind {
            return Err(ExecutorError::WrongType { name: name.to_owned(), wanted: kind.to_string(), got: tensor.kind() });
        }
        self.write(name, input, tensor).await
    }

    /// Overwrites a state; steps that are recorded but not yet submitted see it too.
    ///
    /// # Errors
    /// Where no plan has such a state, or the tensor has another type; on errors of the device.
    pub async fn write_state(&self, name: &str, tensor: &HostTensor) -> Result<(), ExecutorError> {
        let (state, kind) = self.state(name)?;
        if tensor.kind() != *kind {
            return Err(ExecutorError::WrongType { name: name.to_owned(), wanted: kind.to_string(), got: tensor.kind() });
        }
        self.write(name, state, tensor).await
    }

    async fn write(&self, name: &str, shared: &Shared, tensor: &HostTensor) -> Result<(), ExecutorError> {
        self.device.check()?;
        shared.region.write(&self.device, name, &pack::pack(name, tensor)?).await
    }

    pub(crate) fn state(&self, name: &str) -> Result<(&Shared, &TensorType), ExecutorError> {
        match self.shared.get(name) {
            Some(shared @ Shared { source: Source::State(kind), .. }) => Ok((shared, kind)),
            _ => Err(unknown("state", name, self.states().map(|(name, _)| name))),
        }
    }
}

/// The error for a name that is not there.
pub(crate) fn unknown<'a>(role: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> ExecutorError {
    ExecutorError::UnknownName { role, name: name.to_owned(), known: known.map(str::to_owned).collect() }
}
