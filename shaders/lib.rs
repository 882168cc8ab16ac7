//! The operations of wgrad: each one a pair of a WGSL and a Rust file, and one word in the list below.

mod axes;
mod broadcasting;
mod cases;
mod columnwise;
mod elementwise;
mod mean;
mod rowwise;

use std::sync::Arc;

use wgrad_core::Op;

pub use mean::{mean, mean_axes};

macro_rules! operations {
    ($($name:ident),* $(,)?) => {
        $(mod $name; pub use $name::*;)*

        /// Every operation with typical attributes: what the tests of kernels, gradients and interfaces walk through.
        pub fn examples() -> Vec<Arc<dyn Op>> {
            [$($name::examples()),*].concat()
        }
    };
}

operations![
    adam,
    add,
    argmax,
    batch_norm,
    binary_cross_entropy,
    binary_hits,
    broadcast,
    cross_entropy,
    dropout,
    gather_rows,
    layer_norm,
    leaky_relu,
    lookup,
    matmul,
    max,
    moments,
    momentum,
    mul,
    normalize,
    pack,
    record,
    relu,
    reshape,
    scatter_rows,
    sequence,
    sgd,
    shuffle,
    sigmoid,
    slice,
    softmax,
    sub,
    sum,
    tanh,
    tick,
];
