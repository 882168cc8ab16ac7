//! What an operation tells the engine about itself.

use std::any::Any;
use std::fmt::Debug;

use crate::graph::{Graph, GraphError, Node, Value};
use crate::tensor::{Array, HostTensor, Shape, TensorType};
use crate::windows::Windows;

/// An operation: its shapes, gradient, kernels and reference. One pair of files implements it.
///
/// `Any` lets operations of one crate recognise each other; the engine itself never asks.
pub trait Op: Any + Debug + Send + Sync {
    /// The stem of its files, which is its label in graphs, plans and profiles.
    fn name(&self) -> &'static str;

    /// The types of the outputs, or what is wrong with the inputs.
    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError>;

    /// The gradient of each input, given that of each output (none where nothing depends on it), as nodes that are
    /// added to `graph`. None stands for an input that has no gradient, such as a label.
    ///
    /// The default is an error: right for operations on indices, for updates, and for those that are gradients themselves.
    ///
    /// # Errors
    /// Where the operation cannot be differentiated, or a gradient's own operations do not take what they are given.
    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let _ = (graph, upstream);
        Err(GraphError::NoGradient { scope: at.scope.clone(), operation: self.name().to_owned() })
    }

    /// How the operation becomes WGSL.
    fn lowering(&self, inputs: &[TensorType]) -> Lowering;

    /// The view of an input, and its shape, that the kernels' hook for that input sees instead of the input itself;
    /// none where they see it as it is.
    fn operand_view(&self, inputs: &[TensorType], input: usize) -> Option<(View, Shape)> {
        let _ = (inputs, input);
        None
    }

    /// Pairs of output and input, where the output is the input's next value: a kernel that reads and writes both
    /// through one binding, or an update of a state.
    fn in_place(&self) -> &[(usize, usize)] {
        &[]
    }

    /// The axis that the only output sums the only input over, where that is all that the operation does.
    fn sums_axis(&self) -> Option<usize> {
        None
    }

    /// Floating-point operations. Bytes are counted by the plan, which knows what is loaded and stored.
    fn flops(&self, inputs: &[TensorType]) -> u64;

    /// The outputs by their definition, in double precision and without regard to speed. `outputs` arrive as zeros.
    fn reference(&self, inputs: &[Array], outputs: &mut [Array]);

    /// The same outputs on the CPU in single precision, fast, for operations where the reference would be too slow.
    /// Says whether it has computed them; `outputs` arrive as zeros.
    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let _ = (inputs, outputs);
        false
    }

    /// How far a kernel may stray from the reference.
    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        let _ = inputs;
        Tolerance::default()
    }

    /// Inputs that its kernels and gradient are tested with.
    fn cases(&self) -> Vec<Case>;
}

/// Inputs that an operation does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("wanted {wanted}, got {got}")]
pub struct ShapeError {
    /// What the operation takes.
    pub wanted: String,
    /// What it was given.
    pub got: String,
}

impl ShapeError {
    /// An error that lists the types of all inputs as what was got.
    pub fn new(wanted: impl Into<String>, inputs: &[TensorType]) -> Self {
        let got: Vec<String> = inputs.iter().map(TensorType::to_string).collect();
        Self { wanted: wanted.into(), got: got.join(", ") }
    }
}

/// The kinds of ways in which an operation becomes WGSL.
#[derive(Clone, Debug)]
pub enum Lowering {
    /// A function of the elements at one index; inputs broadcast to the first output's shape.
    Pointwise(Function),
    /// Each output shows elements of the first input in its own way, without computing.
    View(Vec<View>),
    /// The flattened inputs stand behind one another in the output, each from the offset given, in elements.
    Pack(Vec<usize>),
    /// One dispatch of one of these candidates, best first for each class of adapter.
    Kernels(Vec<Kernel>),
}

/// How many elements a WGSL function or hook handles in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lanes {
    /// One: `f32` or `u32`.
    One,
    /// Four consecutive ones of one row: `vec4f` or `vec4u`.
    Four,
}

/// A pointwise operation's WGSL function.
///
/// It is called with the logical index of the (first) element if it asks for it, one argument for each input, and
/// one for each constant. With several outputs it returns a struct of them in their order.
#[derive(Clone, Debug)]
pub struct Function {
    /// The WGSL file.
    pub source: &'static str,
    /// The function's name, which begins with the operation's.
    pub name: &'static str,
    /// How many elements one call handles.
    pub lanes: Lanes,
    /// Whether the first argument is the logical index, a `u32`, of the (first) element in the output.
    pub takes_index: bool,
    /// The last arguments. Without an index they are the same whatever the inputs' shapes: the operation may be moved to
    /// other shapes of the same elements.
    pub constants: Vec<Literal>,
}

impl Function {
    /// A function of four elements that wants nothing but its inputs.
    pub fn new(source: &'static str, name: &'static str) -> Self {
        Self { source, name, lanes: Lanes::Four, takes_index: false, constants: Vec::new() }
    }

    /// The same with these constants as its last arguments.
    pub fn with_constants(mut self, constants: impl Into<Vec<Literal>>) -> Self {
        self.constants = constants.into();
        self
    }

    /// The same with the index as its first argument.
    pub fn with_index(mut self) -> Self {
        self.takes_index = true;
        self
    }

    /// The same for a function of single elements.
    pub fn of_one_lane(mut self) -> Self {
        self.lanes = Lanes::One;
        self
    }
}

/// A value that is written into the WGSL.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Literal {
    /// A finite `f32`.
    F32(f32),
    /// A `u32`.
    U32(u32),
    /// A `bool`.
    Bool(bool),
}

/// Which element of its first input an output element shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// The element at `offset` plus the product of index and stride for each axis of the output.
    Strided {
        /// Elements to skip.
        offset: usize,
        /// Distance in elements between neighbours along each axis of the output.
        strides: Vec<usize>,
    },
    /// Row `i` of the output (all axes but the first are one row) is the row of the first input that element `i` of
    /// the second input, a vector of u32, names.
    GatherRows,
    /// Rows are windows of images, and columns what they show.
    Windows(Windows),
}

/// A WGSL kernel: one candidate for an operation on one class of adapter.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// The file's stem, such as `register_tile`.
    pub candidate: &'static str,
    /// The WGSL file.
    pub source: &'static str,
    /// The entry point.
    pub entry: &'static str,
    /// The class of adapter that it is for; none is any.
    pub class: Option<AdapterClass>,
    /// The cooperative matrices that it multiplies by, without which it cannot run; none where it uses none.
    pub cooperative: Option<Cooperative>,
    /// The values of the members of the uniform struct at binding 0, all `u32`.
    pub dims: Vec<u32>,
    /// Module-scope constants that take other values than in the file.
    pub constants: Vec<(&'static str, Literal)>,
    /// Workgroups along each dimension.
    pub workgroups: [u32; 3],
    /// The most rounds that an invocation makes in all loops whose length depends on shapes, one after another and one inside
    /// another.
    pub rounds: u64,
    /// How each input is read. The last inputs may be left out: the kernel reads nothing of them, and binds nothing.
    pub loads: Vec<LoadHook>,
    /// How each output is written.
    pub stores: Vec<StoreHook>,
    /// Sums over an input that the kernel can make on the way.
    pub sums: Vec<SumHook>,
}

/// Classes of adapters that want different kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AdapterClass {
    /// Shaders run on the CPU: workgroup memory and barriers are slow, every load is paid for.
    Software,
    /// Shaders run on a GPU.
    Gpu,
}

/// Cooperative matrices: square ones of f16, which all invocations of a subgroup hold together, and whose products they sum
/// up in f32, in units that a GPU has for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cooperative {
    /// Rows and columns of each matrix.
    pub edge: u32,
    /// The invocations of a subgroup, which is the same for all kernels of the adapter.
    pub subgroup_size: u32,
}

/// How a kernel reads an input.
///
/// The function takes a row and a column of the input, or of the [view](Op::operand_view) of it, seen as a matrix of its last
/// axis by all others, and returns one element or four; beyond the end of a row it returns zeros. `row`, where there is one,
/// takes a row and returns what the function wants as its row: a kernel calls it once for all columns, and fusion puts a
/// gather there, or the place of a window.
#[derive(Clone, Copy, Debug)]
pub struct LoadHook {
    /// The storage binding that the function's default reads.
    pub variable: &'static str,
    /// `fn(row: u32, column: u32) -> vec4f`, or of one element; none where the kernel reads the binding itself.
    pub function: Option<(&'static str, Lanes)>,
    /// `fn(row: u32) -> u32`.
    pub row: Option<&'static str>,
}

/// How a kernel writes an output: `fn(row: u32, column: u32, value: vec4f)`, once for each element.
#[derive(Clone, Copy, Debug)]
pub struct StoreHook {
    /// The storage binding that the function's default writes.
    pub variable: &'static str,
    /// The function; none where the kernel writes the binding itself.
    pub function: Option<(&'static str, Lanes)>,
}

/// A sum over one axis of an input, which the kernel makes while it reads that input, if asked to.
#[derive(Clone, Copy, Debug)]
pub struct SumHook {
    /// Which input is summed.
    pub input: usize,
    /// The axis that is summed over, of a matrix.
    pub axis: usize,
    /// `fn(index: u32, value: f32)`, called once for each element of the sum.
    pub function: &'static str,
    /// The `bool` constant that switches the sum on.
    pub flag: &'static str,
}

/// How far an element may lie from the reference: `absolute + relative * |reference|`, for inputs of magnitude 1.
///
/// A sum of `n` terms states `n` times the precision of f32 as absolute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Allowed whatever the value.
    pub absolute: f64,
    /// Allowed for each unit of the reference's magnitude.
    pub relative: f64,
}

impl Default for Tolerance {
    /// PyTorch's `assert_close` for f32: 1.3e-6 relative, 1e-5 absolute.
    fn default() -> Self {
        Self { absolute: 1e-5, relative: 1.3e-6 }
    }
}

/// Inputs to test an operation with.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is awkward about it.
    pub label: String,
    /// The inputs, exact in their types.
    pub inputs: Vec<Array>,
    /// Whether finite differences exist there: false at kinks and for large sizes.
    pub differentiable: bool,
}

/// What a dispatch costs at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Bytes loaded and stored, each tensor counted once.
    pub bytes: u64,
    /// Floating-point operations.
    pub flops: u64,
}
