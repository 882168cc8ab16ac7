//! What all plans on one device share: inputs and states by name.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

use wgrad_core::{HostTensor, TensorType};

use crate::buffers::{self, Region};
use crate::device::Device;
use crate::error::ExecutorError;
use crate::guards::Guarded;
use crate::landing::Landings;
use crate::pack;
use crate::pipelines::Checks;
use crate::run::Submission;
use crate::tensor_buffer::TensorBuffer;

/// Runs plans on a device. Plans that name the same input or state share its buffer.
#[derive(Debug)]
pub struct Executor {
    pub(crate) device: Device,
    pub(crate) checks: Checks,
    pub(crate) shared: BTreeMap<String, Shared>,
    pub(crate) guarded: Vec<Guarded>,
    pub(crate) in_flight: VecDeque<Submission>,
    pub(crate) landings: Landings,
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

impl Source {
    fn kind(&self) -> &TensorType {
        match self {
            Self::Input(kind) | Self::State(kind) => kind,
        }
    }
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
            landings: Landings::default(),
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

    /// Where an input or state lies. None where no plan has it.
    pub fn buffer(&self, name: &str) -> Option<TensorBuffer> {
        let shared = self.shared.get(name)?;
        Some(TensorBuffer::new(&shared.region, 0, shared.source.kind().clone()))
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
    pub fn write_input(&self, name: &str, tensor: &HostTensor) -> Result<(), ExecutorError> {
        let (input, kind) = match self.shared.get(name) {
            Some(shared @ Shared { source: Source::Input(kind), .. }) => (shared, kind),
            _ => return Err(unknown("input", name, self.inputs())),
        };
        check_kind(name, kind, &tensor.kind())?;
        self.write(name, input, tensor)
    }

    /// Overwrites a state; steps that are recorded but not yet submitted see it too.
    ///
    /// # Errors
    /// Where no plan has such a state, or the tensor has another type; on errors of the device.
    pub fn write_state(&self, name: &str, tensor: &HostTensor) -> Result<(), ExecutorError> {
        let (state, kind) = self.state(name)?;
        check_kind(name, kind, &tensor.kind())?;
        self.write(name, state, tensor)
    }

    /// The memory of an input or state that a tensor fits.
    pub(crate) fn fitting(&self, name: &str, tensor: &HostTensor) -> Result<&Region, ExecutorError> {
        let names = || self.shared.keys().map(String::as_str);
        let shared = self.shared.get(name).ok_or_else(|| unknown("input or state", name, names()))?;
        check_kind(name, shared.source.kind(), &tensor.kind())?;
        Ok(&shared.region)
    }

    /// Overwrites a tensor's memory; steps that are recorded but not yet submitted see it too.
    ///
    /// # Errors
    /// Where the tensor has another type; on errors of the device.
    pub fn write_buffer(&self, buffer: &TensorBuffer, tensor: &HostTensor) -> Result<(), ExecutorError> {
        const LABEL: &str = "a tensor in a buffer";
        check_kind(LABEL, buffer.kind(), &tensor.kind())?;
        self.device.check()?;
        buffers::write_at(&self.device, buffer.buffer(), buffer.offset(), LABEL, &pack::pack(LABEL, tensor)?)
    }

    fn write(&self, name: &str, shared: &Shared, tensor: &HostTensor) -> Result<(), ExecutorError> {
        self.device.check()?;
        shared.region.write(&self.device, name, &pack::pack(name, tensor)?)
    }

    pub(crate) fn state(&self, name: &str) -> Result<(&Shared, &TensorType), ExecutorError> {
        match self.shared.get(name) {
            Some(shared @ Shared { source: Source::State(kind), .. }) => Ok((shared, kind)),
            _ => Err(unknown("state", name, self.states().map(|(name, _)| name))),
        }
    }
}

pub(crate) fn check_kind(name: &str, wanted: &TensorType, got: &TensorType) -> Result<(), ExecutorError> {
    if got == wanted {
        return Ok(());
    }
    Err(ExecutorError::WrongType { name: name.to_owned(), wanted: wanted.to_string(), got: got.clone() })
}

/// The error for a name that is not there.
pub(crate) fn unknown<'a>(role: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> ExecutorError {
    ExecutorError::UnknownName { role, name: name.to_owned(), known: known.map(str::to_owned).collect() }
}
