//! Fully connected layers.

use wgrad_core::Shape;

use crate::error::Error;
use crate::initial::Initial;
use crate::layers::Layer;
use crate::var::Var;

/// `y = x W^T + b` along the last axis, as PyTorch's [`Linear`](https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html).
///
/// Its parameters are `weight`, `[outputs, inputs]`, and `bias`, `[outputs]`, both drawn evenly from
/// `-1 / sqrt(inputs) .. 1 / sqrt(inputs)` unless told otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    inputs: usize,
    outputs: usize,
    weight: Initial,
    bias: Option<Initial>,
}

impl Linear {
    /// A layer from so many inputs to so many outputs, each at least 1.
    pub fn new(inputs: usize, outputs: usize) -> Self {
        let initial = Initial::linear(inputs);
        Self { inputs, outputs, weight: initial, bias: Some(initial) }
    }

    /// The same with other initial weights.
    pub fn weight(mut self, initial: Initial) -> Self {
        self.weight = initial;
        self
    }

    /// The same with other initial biases.
    pub fn bias(mut self, initial: Initial) -> Self {
        self.bias = Some(initial);
        self
    }

    /// The same without biases.
    pub fn without_bias(mut self) -> Self {
        self.bias = None;
        self
    }
}

impl Layer for Linear {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        for (what, size) in [("inputs", self.inputs), ("outputs", self.outputs)] {
            if size == 0 {
                return Err(Error::mismatch(what, "1 at least", size));
            }
        }
        let shape = input.shape();
        let leading = match shape.dims().split_last() {
            Some((&inputs, leading)) if inputs == self.inputs && !leading.is_empty() => leading,
            _ => return Err(Error::mismatch("input", format!("[batch, {}]", self.inputs), shape)),
        };
        let weight = input.trace().parameter("weight", [self.outputs, self.inputs], self.weight)?;
        let rows = input.reshape([shape.rows(), self.inputs]);
        let product = rows.matmul_transposed(&weight);
        let output = match self.bias {
            Some(initial) => product + input.trace().parameter("bias", [self.outputs], initial)?,
            None => product,
        };
        Ok(output.reshape(Shape::from([leading, &[self.outputs]].concat())))
    }
}
