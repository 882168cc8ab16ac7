//! The operations of wgrad: each one a pair of a WGSL and a Rust file, and one word in the list below.

mod accumulate;
mod broadcasting;
mod cases;
mod elementwise;
mod gated;
mod recurrent;
mod strided;
mod sum_to;

use std::sync::Arc;

use wgrad_core::Op;

pub use accumulate::accumulate;
pub use recurrent::{LstmOutputs, Recurrent, RecurrentOutputs, gru, lstm, rnn};
pub use sum_to::sum_to;

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
    binary_cross_entropy,
    binary_hits,
    broadcast,
    concat,
    cross_entropy,
    dropout,
    gather_rows,
    gru_cell,
    leaky_relu,
    lookup,
    lstm_cell,
    matmul,
    momentum,
    mul,
    normalize,
    pack,
    permute,
    record,
    relu,
    reshape,
    sequence,
    sgd,
    shuffle,
    sigmoid,
    slice,
    split,
    sub,
    sum,
    sum_columns,
    sum_rows,
    tanh,
    tick,
];
