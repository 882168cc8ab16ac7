//! Fully connected layers.

use wgrad_core::{Shape, Value};
use wgrad_shaders::{add, matmul, reshape};

use crate::error::Error;
use crate::initial::Initial;
use crate::layers::Layer;
use crate::trace::Trace;

/// `y = x W^T + b` along the last axis, as PyTorch's [`Linear`](https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html).
///
/// Its parameters are `weight`, `[outputs, inputs]`, and `bias`, `[outputs]`, both drawn evenly from
/// `-1 / sqrt(inputs) .. 1 / sqrt(inputs)`.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    inputs: usize,
    outputs: usize,
}

impl Linear {
    /// A layer from so many inputs to so many outputs, each at least 1.
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs }
    }
}

impl Layer for Linear {
    fn name(&self) -> &str {
        "Linear"
    }

    fn forward(&self, trace: &mut Trace, input: Value) -> Result<Value, Error> {
        for (what, size) in [("inputs", self.inputs), ("outputs", self.outputs)] {
            if size == 0 {
                return Err(Error::mismatch(what, "1 at least", size));
            }
        }
        let shape = trace.graph.kind(input).shape.clone();
        let leading = match shape.dims().split_last() {
            Some((&inputs, leading)) if inputs == self.inputs && !leading.is_empty() => leading,
            _ => return Err(Error::mismatch("input", format!("[batch, {}]", self.inputs), shape)),
        };
        let initial = Initial::linear(self.inputs);
        let weight = trace.parameter("weight", [self.outputs, self.inputs], initial)?;
        let bias = trace.parameter("bias", [self.outputs], initial)?;
        let rows = reshape(trace.graph, input, [shape.rows(), self.inputs])?;
        let product = matmul(trace.graph, rows, weight, false, true)?;
        let output = add(trace.graph, product, bias)?;
        Ok(reshape(trace.graph, output, Shape::from([leading, &[self.outputs]].concat()))?)
    }
}
