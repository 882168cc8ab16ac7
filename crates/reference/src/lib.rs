//! Runs wgrad's graphs on the CPU: the oracle of every kernel, and the device of last resort.
//!
//! | | numbers | through | for |
//! |---|---|---|---|
//! | [`Oracle`] | f64 | [`Op::reference`](wgrad_core::Op::reference) | judging devices, and finding the node that differs |
//! | [`Program`] and [`Store`] | f32 | [`Op::host`](wgrad_core::Op::host) | training and inference without a GPU |
//!
//! [`compare()`] holds a device's tensor against the oracle's, and [`GradientCheck`] an operation's gradient against
//! finite differences. None of them knows an operation by name.

pub mod compare;
mod error;
pub mod gradcheck;
pub mod oracle;
pub mod program;
mod schedule;
pub mod store;

pub use compare::{Mismatch, compare};
pub use error::ReferenceError;
pub use gradcheck::{Constructors, GradientCheck, GradientError, GradientReport};
pub use oracle::Oracle;
pub use program::Program;
pub use store::Store;
