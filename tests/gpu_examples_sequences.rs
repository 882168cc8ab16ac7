//! The networks on sequences as programs, in their short forms, on the machine's adapter.

mod support {
    pub mod figure;
    pub mod program;
}

use support::figure::{figure, last};
use support::program::{example, succeed};

#[test]
fn a_recurrent_network_learns() {
    let text = succeed(example("mnist_rnn").arg("--short"));
    assert!(figure(last(&text), "test: ", "accuracy ") > 60.0, "{text}");
}

#[test]
fn long_short_term_memory_learns() {
    let text = succeed(example("mnist_lstm").arg("--short"));
    assert!(figure(last(&text), "test: ", "accuracy ") > 60.0, "{text}");
}

#[test]
fn a_transformer_needs_positions() {
    let text = succeed(example("transformer").arg("--short"));
    let (with, without) = last(&text).split_once("; ").unwrap();
    assert!(figure(with, "with positions: ", "accuracy ") > 90.0, "{text}");
    assert!(figure(without, "without positions: ", "accuracy ") < 60.0, "{text}");
}
