//! What can go wrong with a device or a plan on it.

use wgrad_core::TensorType;

use crate::choice::AdapterInfo;

/// Why there is no device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The machine has no adapter at all, not even a software one: what remains is the CPU.
    #[error("no Vulkan, Metal, DX12 or WebGPU adapter was found")]
    NoAdapter,
    /// No adapter is what was asked for.
    #[error("there is no adapter {wanted:?}; wanted auto, gpu, software, cpu, or a name or number of these: {}", list(available))]
    NoSuchAdapter {
        /// What was asked for.
        wanted: String,
        /// The adapters that there are.
        available: Vec<AdapterInfo>,
    },
    /// The adapter is there, but gives no device.
    #[error("{adapter} gives no device: {reason}")]
    Refused {
        /// The adapter.
        adapter: AdapterInfo,
        /// What its driver says.
        reason: String,
    },
    /// A device that an application lends lacks what kernels need.
    #[error("{adapter}: the device was made with too low limits; wanted at least {}", missing.join(", "))]
    TooLow {
        /// The adapter that the device is of.
        adapter: AdapterInfo,
        /// Each limit that is too low: its name, what is wanted and what it is.
        missing: Vec<String>,
    },
}

fn list(adapters: &[AdapterInfo]) -> String {
    let numbered = adapters.iter().enumerate();
    let lines: Vec<String> = numbered.map(|(number, adapter)| format!("{number}: {adapter}")).collect();
    lines.join("; ")
}

/// Why a plan cannot be loaded or run, or a tensor not be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecutorError {
    /// A kernel is no valid WGSL, or not what its plan says of it.
    #[error("shader {label}: {message}")]
    Shader {
        /// The shader's label.
        label: String,
        /// What the compiler says, with the line of WGSL that it is about.
        message: String,
    },
    /// A buffer cannot be had.
    #[error("buffer {label} of {bytes} bytes: {message}")]
    Allocation {
        /// What the buffer is for.
        label: String,
        /// Its size.
        bytes: u64,
        /// What the device says.
        message: String,
    },
    /// A plan refers to what it does not have, or to something that the device rejects.
    #[error("plan {plan}: {message}")]
    Plan {
        /// The plan's name.
        plan: String,
        /// Where, and what was wanted and got.
        message: String,
    },
    /// Two plans give one name to different things.
    #[error("{name} is already loaded as {known}, but plan {plan} has it as {got}")]
    Conflict {
        /// The input's or state's name.
        name: String,
        /// What is loaded.
        known: String,
        /// The plan that was to be loaded.
        plan: String,
        /// What it asks for.
        got: String,
    },
    /// There is nothing of that name.
    #[error("there is no {role} {name:?}; known are: {}", known.join(", "))]
    UnknownName {
        /// Whether an input, a state or an output was asked for.
        role: &'static str,
        /// The name.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A tensor is not of the type of what it should go into.
    #[error("{name}: wanted {wanted}, got {got}")]
    WrongType {
        /// The input's or state's name.
        name: String,
        /// Its type.
        wanted: String,
        /// The tensor's type.
        got: TensorType,
    },
    /// A tensor's data does not fill its shape.
    #[error("{name}: a tensor of type {kind} has {} elements, got {got}", kind.shape.elements())]
    Data {
        /// What it is for.
        name: String,
        /// Its type.
        kind: TensorType,
        /// The elements that it has.
        got: usize,
    },
    /// A kernel has written outside of a buffer.
    #[error("buffer {label} of {bytes} bytes: a kernel has written outside of it, at byte {at}")]
    Overrun {
        /// What the buffer is for.
        label: String,
        /// Its size.
        bytes: u64,
        /// Where, from the buffer's beginning: negative before it.
        at: i64,
    },
    /// The device is gone: its driver was reset, it was unplugged or destroyed.
    #[error("the device is lost: {reason}")]
    DeviceLost {
        /// What its driver says.
        reason: String,
    },
    /// The device found fault with a command.
    #[error("the device reports an error in {during}: {message}")]
    Device {
        /// What was being done.
        during: String,
        /// What the device says.
        message: String,
    },
    /// A buffer or texture of the application's does not fit a tensor.
    #[error("{what}: wanted {wanted}, got {got}")]
    Exchange {
        /// Whether an input or an output.
        what: &'static str,
        /// What the tensor needs.
        wanted: String,
        /// What it is.
        got: String,
    },
    /// Commands were recorded, but will never run.
    #[error("{what}: its encoder was dropped before it was submitted")]
    NotSubmitted {
        /// What they were to bring back.
        what: String,
    },
    /// A browser's pages cannot wait for a device.
    #[error("a page cannot wait for its device: use the asynchronous form")]
    CannotWait,
    /// The device cannot measure time.
    #[error("{adapter} has no timestamp queries")]
    NoTimestamps {
        /// The adapter.
        adapter: AdapterInfo,
    },
}

impl ExecutorError {
    /// Says what was being done when the device reported an error.
    pub(crate) fn during(during: impl Into<String>) -> impl FnOnce(String) -> Self {
        let during = during.into();
        move |message| Self::Device { during, message }
    }
}
