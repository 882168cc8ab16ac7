//! Tensors, graphs, automatic differentiation, fusion and plans of wgrad, without a GPU.
//!
//! Each stage is a function from one plain value to the next:
//!
//! ```text
//! Graph --differentiate--> Graph --sink--> Graph --fuse--> Groups --schedule--> Plan
//!       autodiff.rs              sink/           fuse/           plan/
//! ```
//!
//! This crate knows no operation by name. What it needs to know of one, it asks through [`Op`].

pub mod autodiff;
pub mod compose;
pub mod fuse;
pub mod graph;
pub mod op;
pub mod plan;
pub mod sink;
pub mod tensor;
pub mod windows;

pub use graph::{Graph, GraphError, Kind, MOST_ELEMENTS, Node, NodeId, Source, Value};
pub use op::{
    Case, Function, Kernel, Lanes, Literal, LoadHook, Lowering, Op, ShapeError, StoreHook, SumHook, Tolerance, View, Work,
};
pub use tensor::{Array, DType, HostTensor, Shape, TensorType};
pub use windows::{WindowAxis, Windows};
