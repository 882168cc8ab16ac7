//! Layers that read a sequence step by step.

use wgrad_core::{Graph, GraphError, Shape, Value};
use wgrad_shaders::{self as ops, Recurrent};

use crate::error::Error;
use crate::initial::Initial;
use crate::layers::Layer;
use crate::var::Var;

/// What all kinds of recurrent layers have in common.
#[derive(Clone, Copy, Debug)]
struct Stack {
    input_size: usize,
    hidden_size: usize,
    num_layers: usize,
    dropout: f32,
    last_step: bool,
}

/// What reads a sequence, f32 `[t, b, i]`: the hidden states after all steps, `[t, b, h]`, and after the last.
type Run = fn(&mut Graph, Value, &Recurrent) -> Result<[Value; 2], GraphError>;

impl Stack {
    fn new(input_size: usize, hidden_size: usize) -> Self {
        Self { input_size, hidden_size, num_layers: 1, dropout: 0.0, last_step: false }
    }

    /// Runs layers of so many gates for each unit.
    fn forward(&self, input: &Var, gates: usize, run: Run) -> Result<Var, Error> {
        let sizes = [("input size", self.input_size), ("hidden size", self.hidden_size), ("number of layers", self.num_layers)];
        if let Some((what, size)) = sizes.into_iter().find(|(_, size)| *size == 0) {
            return Err(Error::mismatch(what, "1 at least", size));
        }
        let shape = input.shape();
        match shape.dims() {
            [_, steps, features] if *steps > 0 && *features == self.input_size => {}
            _ => return Err(Error::mismatch("input", format!("[batch, steps, {}]", self.input_size), shape)),
        }
        // Steps first: what belongs to a step is one piece of memory then.
        let mut sequence = input.permute(&[1, 0, 2]);
        for layer in 0..self.num_layers {
            let is_last = layer + 1 == self.num_layers;
            let [outputs, hidden] = self.run_layer(&sequence, layer, gates, run)?;
            if is_last && self.last_step {
                return Ok(hidden);
            }
            sequence = if is_last || self.dropout == 0.0 { outputs } else { outputs.dropout(self.dropout) };
        }
        Ok(sequence.permute(&[1, 0, 2]))
    }

    fn run_layer(&self, sequence: &Var, layer: usize, gates: usize, run: Run) -> Result<[Var; 2], Error> {
        let (rows, hidden) = (gates.saturating_mul(self.hidden_size), self.hidden_size);
        let inputs = if layer == 0 { self.input_size } else { hidden };
        let parameter =
            |name: &str, shape: Shape| sequence.trace().parameter(&format!("{name}_l{layer}"), shape, Initial::linear(hidden));
        let weight_ih = parameter("weight_ih", [rows, inputs].into())?;
        let weight_hh = parameter("weight_hh", [rows, hidden].into())?;
        let bias_ih = parameter("bias_ih", [rows].into())?;
        let bias_hh = parameter("bias_hh", [rows].into())?;
        let inputs = [sequence, &weight_ih, &weight_hh, &bias_ih, &bias_hh];
        Ok(sequence.with_several(inputs, |graph, [sequence, weight_ih, weight_hh, bias_ih, bias_hh]| {
            run(graph, sequence, &Recurrent { weight_ih, weight_hh, biases: Some([bias_ih, bias_hh]) })
        }))
    }
}

macro_rules! recurrent {
    ($(#[doc = $doc:literal])* $name:ident, $gates:literal, $run:expr) => {
        $(#[doc = $doc])*
        ///
        /// It takes `[batch, steps, inputs]` and gives the last layer's hidden states after all steps, `[batch, steps,
        /// hidden]`: PyTorch's first output with `batch_first=True`. All states begin as zeros. Parameters are named,
        /// shaped and drawn as PyTorch's are: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, and so on for each
        /// layer, evenly from `-1 / sqrt(hidden) .. 1 / sqrt(hidden)`.
        #[derive(Clone, Copy, Debug)]
        pub struct $name(Stack);

        impl $name {
            /// One layer from so many inputs a step to so many hidden units, each at least 1.
            pub fn new(input_size: usize, hidden_size: usize) -> Self {
                Self(Stack::new(input_size, hidden_size))
            }

            /// The same with so many layers, each of which reads the one before.
            pub fn num_layers(mut self, num_layers: usize) -> Self {
                self.0.num_layers = num_layers;
                self
            }

            /// The same with dropout between layers, at a rate of at least 0 and below 1.
            pub fn dropout(mut self, rate: f32) -> Self {
                self.0.dropout = rate;
                self
            }

            /// The same, but it gives the hidden states after the last step only, `[batch, hidden]`: PyTorch's
            /// `output[:, -1]`.
            pub fn last_step(mut self) -> Self {
                self.0.last_step = true;
                self
            }
        }

        impl Layer for $name {
            fn forward(&self, input: &Var) -> Result<Var, Error> {
                self.0.forward(input, $gates, $run)
            }
        }
    };
}

recurrent!(
    /// `h = tanh(W_ih x + b_ih + W_hh h + b_hh)` for each step, as PyTorch's
    /// [`RNN`](https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html).
    RNN, 1, |graph, inputs, layer| {
        let made = ops::rnn(graph, inputs, layer, None)?;
        Ok([made.outputs, made.hidden])
    }
);

recurrent!(
    /// Long short-term memory, as PyTorch's
    /// [`LSTM`](https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html), with its gates in the order input,
    /// forget, cell, output.
    LSTM, 4, |graph, inputs, layer| {
        let made = ops::lstm(graph, inputs, layer, None)?;
        Ok([made.outputs, made.hidden])
    }
);

recurrent!(
    /// Gated recurrent units, as PyTorch's
    /// [`GRU`](https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html), with its gates in the order reset,
    /// update, new.
    GRU, 3, |graph, inputs, layer| {
        let made = ops::gru(graph, inputs, layer, None)?;
        Ok([made.outputs, made.hidden])
    }
);
