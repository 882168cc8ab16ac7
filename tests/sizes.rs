//! Sizes that nothing has memory for, and axes that are not there, are errors that say so, never panics.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use wgrad::Layer;
use wgrad::core::TensorType;
use wgrad::prelude::*;

/// Sizes whose products, or whose bytes, do not fit into what counts them.
const SIZES: [usize; 3] = [1 << 33, usize::MAX / 2, usize::MAX];

/// The error that something ends with, which says what was wanted.
fn error<T>(what: &str, run: impl FnOnce() -> Result<T, Error>) -> String {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Err(error)) => {
            let text = error.to_string();
            assert!(text.contains("wanted"), "{what}: {text}");
            text
        }
        Ok(Ok(_)) => panic!("{what}: no error"),
        Err(_) => panic!("{what}: a panic"),
    }
}

/// What is wrong with a graph of a matrix `[2, 2]`.
fn graph_error<T>(what: &str, build: impl FnOnce(&Trace, &Var) -> T) -> String {
    error(what, || {
        Session::new(&Device::cpu()).compile("sizes", |graph| {
            build(graph, &graph.constant([[1.0, 2.0], [3.0, 4.0]]));
            Ok([])
        })
    })
}

/// What is wrong with a layer, for inputs of this shape.
fn layer_error(layer: impl Layer + 'static, input: impl Into<TensorType> + Debug) -> String {
    error(&format!("{layer:?} on {input:?}"), || {
        Trainer::new(&Device::cpu(), layer, MSELoss, SGD::new(0.1), Options::default())?.build(input)
    })
}

#[test]
fn shapes_that_cannot_be_are_errors() {
    for n in SIZES {
        let named = |operation: &str, error: String| assert!(error.starts_with(operation), "{n}: {error}");
        named("reshape: ", graph_error("reshape", |_, x| x.reshape([n, n])));
        named("reshape: ", graph_error("reshape", |_, x| x.reshape([n, 2])));
        named("narrow: ", graph_error("narrow", |_, x| x.narrow(0, n, n)));
        named("narrow: ", graph_error("narrow", |_, x| x.narrow(0, 1, n)));
        named("input x: ", graph_error("input", |graph, _| graph.input("x", TensorType::f32([n, n]))));
    }
    let product = graph_error("matmul", |graph, _| {
        let column = graph.constant(Tensor::zeros([70_000, 1]));
        column.matmul(&column.t())
    });
    assert_eq!(product, "matmul: wanted a tensor of 4294967295 elements at most, got f32[70000, 70000]");
}

#[test]
fn axes_that_are_not_there_are_errors() {
    for axis in [2, -3, isize::MAX, isize::MIN] {
        let is =
            |operation: &str, error: String| assert_eq!(error, format!("{operation}: wanted an axis from -2 to 1, got {axis}"));
        is("permute", graph_error("permute", |_, x| x.permute(&[axis, 0])));
        is("transpose", graph_error("transpose", |_, x| x.transpose(0, axis)));
        is("narrow", graph_error("narrow", |_, x| x.narrow(axis, 0, 1)));
        is("pick", graph_error("pick", |_, x| x.pick(axis, 0)));
        is("concat", graph_error("concat", |_, x| Var::concat([x, x], axis)));
        is("flatten", graph_error("flatten", |_, x| x.flatten(axis)));
        is("softmax", graph_error("softmax", |_, x| x.softmax(axis)));
        is("log_softmax", graph_error("log_softmax", |_, x| x.log_softmax(axis)));
        is("sum_axes", graph_error("sum_axes", |_, x| x.sum_axes(&[axis], false)));
        is("mean_axes", graph_error("mean_axes", |_, x| x.mean_axes(&[axis], false)));
        is("max_axes", graph_error("max_axes", |_, x| x.max_axes(&[axis], false)));
        let chunks = graph_error("chunk", |_, x| x.chunk::<2>(axis));
        assert_eq!(chunks, format!("chunk: wanted an axis {axis} that 2 equal parts make up, got [2, 2]"));
    }
    assert_eq!(graph_error("pick", |_, x| x.pick(0, 2)), "pick: wanted an index from -2 to 1, got 2");
    assert_eq!(graph_error("chunk", |_, x| x.chunk::<0>(0)), "chunk: wanted an axis 0 that 0 equal parts make up, got [2, 2]");
    assert_eq!(graph_error("softmax", |_, x| x.sum().softmax(-1)), "softmax: wanted an axis, but there is none, got -1");
    assert_eq!(graph_error("matmul", |_, x| x.matmul(&x.sum())), "matmul: wanted tensors with an axis at least, got [2, 2], []");
}

#[test]
fn layers_of_sizes_that_cannot_be_are_errors() {
    let image = &[1, 6, 6];
    let sequence = &[6, 6];
    for n in SIZES {
        for error in [
            layer_error(Linear::new(2, n), &[2]),
            layer_error(Linear::new(n, n), &[2]),
            layer_error(Conv2d::new(1, n, 3), image),
            layer_error(Conv2d::new(n, 1, 3), image),
            layer_error(Conv2d::new(1, 1, n), image),
            layer_error(Conv2d::new(1, 1, [3, n]), image),
            layer_error(Conv2d::new(1, 1, 3).padding(n), image),
            layer_error(Conv2d::new(1, 1, 3).dilation([1, n]), image),
            layer_error(MaxPool2d::new(n), image),
            layer_error(MaxPool2d::new(2).padding(n), image),
            layer_error(AvgPool2d::new([1, n]), image),
            layer_error(AdaptiveAvgPool2d::new(n), image),
            layer_error(BatchNorm1d::new(n), &[6]),
            layer_error(LayerNorm::new(n), &[6]),
            layer_error(Embedding::new(n, n), TensorType::u32([6])),
            layer_error(RNN::new(6, n), sequence),
            layer_error(LSTM::new(6, n), sequence),
            layer_error(GRU::new(n, n), sequence),
            layer_error(MultiheadAttention::new(n, 2), sequence),
            layer_error(MultiheadAttention::new(6, n), sequence),
            layer_error(TransformerEncoderLayer::new(6, 2).dim_feedforward(n), sequence),
        ] {
            // The user's layout, not that of kernels.
            assert!(!error.contains("h, w, c") && !error.contains('{'), "{error}");
        }
    }
    for (layer, wanted) in [
        (Conv2d::new(1, 1, 3).stride(0), "stride and dilation: wanted 1 at least"),
        (Conv2d::new(1, 1, [3, 0]), "kernel width: wanted 1 at least, got 0"),
        (Conv2d::new(1, 1, [7, 3]).dilation(2), "input: wanted [batch, 1, height, width] with a place for 13 x 5 pixels"),
    ] {
        let error = layer_error(layer, image);
        assert!(error.starts_with(&format!("model (Conv2d): {wanted}")), "{error}");
    }
    assert!(layer_error(MaxPool2d::new(7), image).ends_with("with a place for 7 x 7 pixels, padding included, got [1, 1, 6, 6]"));
    assert!(layer_error(MaxPool2d::new(0), image).starts_with("model (MaxPool2d): kernel and stride: wanted 1 at least"));
    assert!(
        layer_error(AvgPool2d::new(2).stride(0), image).starts_with("model (AvgPool2d): kernel and stride: wanted 1 at least")
    );
    assert!(
        layer_error(AdaptiveAvgPool2d::new([1, 0]), image).starts_with("model (AdaptiveAvgPool2d): windows: wanted 1 at least")
    );
}
