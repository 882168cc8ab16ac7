//! The operations of wgrad: each one a pair of a WGSL and a Rust file, and one word in the list below.

mod accumulate;
mod axes;
mod binary;
mod broadcasting;
mod cases;
mod columnwise;
mod elementwise;
mod gated;
mod mean;
mod pooling;
mod recurrent;
mod rowwise;
mod strided;
mod unary;

use std::sync::Arc;

use wgrad_core::Op;

pub use accumulate::accumulate;
pub use binary::{Binary, BinaryFunction, BinaryValues};
pub use mean::{mean, mean_axes};
pub use pooling::PoolAxis;
pub use recurrent::{LstmOutputs, Recurrent, RecurrentOutputs, gru, lstm, rnn};
pub use unary::{Reads, Unary, UnaryFunction, UnaryGradient};

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
    abs,
    adam,
    add,
    argmax,
    attention,
    avg_pool2d,
    batch_norm,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    binary_hits,
    broadcast,
    cast,
    clamp,
    class_hits,
    concat,
    conv2d,
    cross_entropy,
    div,
    dropout,
    elu,
    equal,
    exp,
    gather_rows,
    gelu,
    greater,
    greater_equal,
    gru_cell,
    layer_norm,
    leaky_relu,
    log,
    lookup,
    lstm_cell,
    matmul,
    max,
    max_pool2d,
    maximum,
    minimum,
    moments,
    momentum,
    mul,
    neg,
    normalize,
    pack,
    permute,
    power,
    record,
    relu,
    rescale,
    reshape,
    scatter_rows,
    select,
    sequence,
    sgd,
    shuffle,
    sigmoid,
    silu,
    slice,
    softmax,
    softplus,
    split,
    sqrt,
    square,
    step,
    sub,
    sum,
    tanh,
    tick,
];
