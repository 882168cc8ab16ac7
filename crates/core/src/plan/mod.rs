//! Plans: a network's step as data, ready to be run by whatever knows buffers and dispatches.

mod choices;
mod memory;
mod order;
mod print;
mod schedule;
mod verify;

use std::sync::Arc;

use crate::graph::{NodeId, Value};
use crate::op::{AdapterClass, Cooperative, Kernel, Work};
use crate::tensor::{HostTensor, TensorType};

pub use choices::Choices;
pub use schedule::plan;
pub use verify::Violation;

/// What a plan may ask of the adapter that will run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Which kernels suit it.
    pub class: AdapterClass,
    /// The cooperative matrices that its kernels may use; none where it has none, or none that were tested.
    pub cooperative: Option<Cooperative>,
    /// Storage buffers that one dispatch can bind.
    pub storage_buffers: u32,
    /// The largest binding, in bytes.
    pub binding_bytes: u64,
    /// Workgroups along one dimension.
    pub workgroups: u32,
    /// Whether operations are fused; otherwise each has a dispatch of its own.
    pub fuse: bool,
    /// The kernels that were measured to be the fastest there.
    pub choices: Arc<Choices>,
}

impl Target {
    /// WebGPU's default limits, which every adapter grants.
    pub fn webgpu(class: AdapterClass) -> Self {
        Self {
            class,
            cooperative: None,
            storage_buffers: 8,
            binding_bytes: 128 << 20,
            workgroups: 65_535,
            fuse: true,
            choices: Arc::default(),
        }
    }

    /// Whether the adapter has what a kernel cannot do without, though another kernel may suit it better.
    pub fn can_run(&self, kernel: &Kernel) -> bool {
        (kernel.cooperative.is_none() || kernel.cooperative == self.cooperative) && kernel.rounds <= self.most_rounds()
    }

    /// The most rounds that an invocation can make in all of its loops together.
    ///
    /// Mesa's software driver (22.3, `LP_MAX_TGSI_LOOP_ITERATIONS`) ends loops after so many, and goes on behind them as if they
    /// were done.
    pub fn most_rounds(&self) -> u64 {
        match self.class {
            AdapterClass::Software => 65_535,
            AdapterClass::Gpu => u64::MAX,
        }
    }
}

/// One step: dispatches in an order in which they can run, and the buffers that they bind.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it is for, such as `train 64`: a prefix of labels.
    pub name: String,
    /// The limits that it keeps.
    pub target: Target,
    /// All buffers.
    pub buffers: Vec<Buffer>,
    /// All kernels, each once.
    pub shaders: Vec<Arc<Shader>>,
    /// The dispatches, by level.
    pub dispatches: Vec<Dispatch>,
    /// Where the graph's outputs are, by name.
    pub outputs: Vec<(String, Location)>,
}

/// Names a buffer of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BufferId(pub u32);

/// Memory that dispatches bind, whole.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// What it holds: a name for debuggers and profiles.
    pub label: String,
    /// Where its contents come from.
    pub role: Role,
    /// Its size, a multiple of 16.
    pub bytes: u64,
}

/// Where a buffer's contents come from, and who else sees them.
#[derive(Clone, Debug)]
pub enum Role {
    /// The host writes it; shared by name with other plans.
    Input(String, TensorType),
    /// Kept from step to step; shared by name with other plans.
    State(String, Arc<HostTensor>),
    /// Fixed.
    Constant(Arc<HostTensor>),
    /// Values of one step, possibly several after one another.
    Scratch,
    /// Values of one step next to each other. What lies between them is zero from the beginning, and stays so.
    Pack,
}

/// A tensor in a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The buffer.
    pub buffer: BufferId,
    /// Elements before the tensor's first.
    pub offset: usize,
    /// Shape and element type.
    pub kind: TensorType,
}

/// A complete WGSL file. The uniform with the dispatch's dims is binding 0 of group 0; storage bindings follow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shader {
    /// What it computes: the names of the operations in it.
    pub label: String,
    /// The WGSL.
    pub source: String,
    /// The entry point.
    pub entry: String,
    /// Whether each storage binding is written.
    pub writes: Vec<bool>,
}

/// One dispatch.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// Operation and node, such as `matmul+add+relu %12`.
    pub label: String,
    /// Which of the plan's shaders.
    pub shader: usize,
    /// The uniform's contents: the kernel's dims, and where tensors begin that are parts of what is bound.
    pub dims: Vec<u32>,
    /// The storage bindings: binding `i + 1` is the `i`th.
    pub bindings: Vec<Binding>,
    /// Workgroups along each dimension.
    pub workgroups: [u32; 3],
    /// Dispatches of one level do not depend on each other; each depends on one of the level before.
    pub level: u32,
    /// What it loads, stores and computes at least.
    pub work: Work,
    /// The nodes of the graph that it covers.
    pub nodes: Vec<NodeId>,
    /// The tensors that it reads.
    pub reads: Vec<Tensor>,
    /// The tensors that it writes.
    pub writes: Vec<Tensor>,
}

/// A tensor with a place in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// What it is in the graph; a state's next value where that is written.
    pub value: Value,
    /// Where it is.
    pub location: Location,
}

/// A buffer in a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The buffer.
    pub buffer: BufferId,
    /// Whether the dispatch writes it.
    pub writes: bool,
}

/// Why no plan can be made of a graph for this target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A tensor does not fit into a binding.
    #[error("{label}: a buffer of {wanted} bytes is needed, but the adapter binds {limit} at most")]
    TooLarge {
        /// What the buffer would hold.
        label: String,
        /// Its size in bytes.
        wanted: u64,
        /// The adapter's limit in bytes.
        limit: u64,
    },
    /// A kernel binds more buffers than the adapter allows.
    #[error("{label}: {wanted} storage buffers are needed, but the adapter binds {limit} at most")]
    TooManyBindings {
        /// The dispatch.
        label: String,
        /// How many it needs.
        wanted: usize,
        /// The adapter's limit.
        limit: u32,
    },
    /// A kernel's grid has too many workgroups.
    #[error("{label}: {wanted:?} workgroups are needed, but the adapter runs {limit} along a dimension at most")]
    TooManyWorkgroups {
        /// The dispatch.
        label: String,
        /// Workgroups along each dimension.
        wanted: [u32; 3],
        /// The adapter's limit along each.
        limit: u32,
    },
    /// A dispatch stores bytes of which some neighbours in a word of memory are written by other invocations.
    #[error("{label}: bytes are stored in words of four, so that a lone row or rows of a multiple of four are wanted, got {got}")]
    PartialWords {
        /// The dispatch.
        label: String,
        /// The tensor.
        got: TensorType,
    },
    /// An operation has no kernel for this class of adapter.
    #[error("{operation} has no kernel for an adapter of class {class:?}")]
    NoKernel {
        /// The operation.
        operation: String,
        /// The adapter's class.
        class: AdapterClass,
    },
    /// An operation's loops are longer than the adapter's driver runs them.
    #[error("{operation} needs {rounds} rounds of a loop; wanted {most} at most, after which the adapter's driver ends it")]
    TooLong {
        /// The operation.
        operation: String,
        /// The rounds of the shortest of its kernels.
        rounds: u64,
        /// The most that there can be.
        most: u64,
    },
    /// Two inputs or states have the same name.
    #[error("two inputs or states of one graph are called {name}")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// States take each other's values, so that none can be written first.
    #[error("states exchange their values, or wait for each other: {0}")]
    Cycle(String),
    /// A kernel's WGSL is not what its Rust half says.
    #[error(transparent)]
    Compose(#[from] crate::compose::ComposeError),
}

impl Plan {
    /// The number of levels: what a large GPU pays for.
    pub fn levels(&self) -> u32 {
        self.dispatches.last().map_or(0, |last| last.level + 1)
    }

    /// The work of all dispatches.
    pub fn work(&self) -> Work {
        self.dispatches.iter().fold(Work::default(), |total, dispatch| Work {
            bytes: total.bytes + dispatch.work.bytes,
            flops: total.flops + dispatch.work.flops,
        })
    }
}
