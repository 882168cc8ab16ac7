//! Layers that read a sequence step by step, by PyTorch's formulas: [`torch.nn.RNN`] with tanh,
//! [`torch.nn.LSTM`] and [`torch.nn.GRU`].
//!
//! What does not depend on the step before, the products of the inputs, is computed for all steps at once. A step is
//! then one dispatch, forward and backward, and the weights' gradients are again one product over all steps.
//!
//! [`torch.nn.RNN`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html
//! [`torch.nn.LSTM`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html
//! [`torch.nn.GRU`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html

use wgrad_core::{Graph, GraphError, ShapeError, Value};

use crate::gated::zeros;
use crate::{LstmCellOutputs, add, concat, gru_cell, lstm_cell, matmul, reshape, split, tanh};

/// The parameters of one layer with `g` gates of `h` units, for inputs of `i` features.
#[derive(Clone, Copy, Debug)]
pub struct Recurrent {
    /// The inputs' weights, f32 `[g h, i]`.
    pub weight_ih: Value,
    /// The hidden state's weights, f32 `[g h, h]`.
    pub weight_hh: Value,
    /// The biases of the inputs' and the hidden state's products, f32 `[g h]` each; none for no bias.
    pub biases: Option<[Value; 2]>,
}

/// What a layer makes of a sequence.
#[derive(Clone, Copy, Debug)]
pub struct RecurrentOutputs {
    /// The hidden states after each step, f32 `[t, b, h]`.
    pub outputs: Value,
    /// The hidden state after the last step, f32 `[b, h]`: cheaper, as a whole network's end, than the last of
    /// `outputs`, whose gradient is a sequence of zeros before it.
    pub hidden: Value,
}

/// What an LSTM makes of a sequence.
#[derive(Clone, Copy, Debug)]
pub struct LstmOutputs {
    /// The hidden states after each step, f32 `[t, b, h]`.
    pub outputs: Value,
    /// The hidden state after the last step, f32 `[b, h]`: see [`RecurrentOutputs::hidden`].
    pub hidden: Value,
    /// The cell after the last step, f32 `[b, h]`.
    pub cell: Value,
}

/// Runs a layer `hidden = tanh(W_ih input + b_ih + W_hh hidden + b_hh)` over `inputs`, f32 `[t, b, i]` with the time
/// first, from a hidden state of zeros or from `hidden`, f32 `[b, h]`.
///
/// # Errors
/// Where the inputs are no f32 of three axes with one step or more, or the parameters do not go with them.
pub fn rnn(graph: &mut Graph, inputs: Value, layer: &Recurrent, hidden: Option<Value>) -> Result<RecurrentOutputs, GraphError> {
    let bias = layer.biases.map(|[input, hidden]| add(graph, input, hidden)).transpose()?;
    let steps = input_products(graph, inputs, layer.weight_ih, bias, &[units(graph, layer)])?;
    let mut hiddens: Vec<Value> = Vec::with_capacity(steps.len());
    for step in steps {
        let sum = match hiddens.last().copied().or(hidden) {
            Some(hidden) => {
                let product = matmul(graph, hidden, layer.weight_hh, false, true)?;
                add(graph, product, step)?
            }
            None => step,
        };
        hiddens.push(tanh(graph, sum)?);
    }
    outputs(graph, &hiddens)
}

/// Runs an LSTM, whose gates are in the order input, forget, cell, output, over `inputs`, f32 `[t, b, i]` with the time
/// first, from a hidden state and a cell of zeros or from `state`, f32 `[b, h]` each.
///
/// # Errors
/// As [`rnn()`].
pub fn lstm(graph: &mut Graph, inputs: Value, layer: &Recurrent, state: Option<[Value; 2]>) -> Result<LstmOutputs, GraphError> {
    let bias = layer.biases.map(|[input, hidden]| add(graph, input, hidden)).transpose()?;
    let steps = input_products(graph, inputs, layer.weight_ih, bias, &[4, units(graph, layer)])?;
    let [mut hidden, mut cell] = initial_states(graph, inputs, layer, state)?;
    let mut hiddens = Vec::with_capacity(steps.len());
    for step in steps {
        LstmCellOutputs { hidden, cell } = lstm_cell(graph, step, hidden, cell, layer.weight_hh)?;
        hiddens.push(hidden);
    }
    let RecurrentOutputs { outputs, hidden } = outputs(graph, &hiddens)?;
    Ok(LstmOutputs { outputs, hidden, cell })
}

/// Runs a GRU, whose gates are in the order reset, update, new, over `inputs`, f32 `[t, b, i]` with the time first, from a
/// hidden state of zeros or from `hidden`, f32 `[b, h]`.
///
/// # Errors
/// As [`rnn()`].
pub fn gru(graph: &mut Graph, inputs: Value, layer: &Recurrent, hidden: Option<Value>) -> Result<RecurrentOutputs, GraphError> {
    let units = units(graph, layer);
    let [input_bias, hidden_bias] = layer.biases.map_or([None; 2], |biases| biases.map(Some));
    let bias = match hidden_bias {
        Some(bias) => reshape(graph, bias, [3, units])?,
        None => zeros(graph, [3, units])?,
    };
    let steps = input_products(graph, inputs, layer.weight_ih, input_bias, &[3, units])?;
    let [mut hidden] = initial_states(graph, inputs, layer, hidden.map(|hidden| [hidden]))?;
    let mut hiddens = Vec::with_capacity(steps.len());
    for step in steps {
        hidden = gru_cell(graph, step, hidden, layer.weight_hh, bias)?;
        hiddens.push(hidden);
    }
    outputs(graph, &hiddens)
}

fn units(graph: &Graph, layer: &Recurrent) -> usize {
    graph.kind(layer.weight_hh).shape.columns()
}

/// The states before the first step: zeros where none are given.
fn initial_states<const N: usize>(
    graph: &mut Graph,
    inputs: Value,
    layer: &Recurrent,
    states: Option<[Value; N]>,
) -> Result<[Value; N], GraphError> {
    if let Some(states) = states {
        return Ok(states);
    }
    let batch = graph.kind(inputs).shape.dims().get(1).copied().unwrap_or_default();
    let units = units(graph, layer);
    let zeros = zeros(graph, [batch, units])?;
    Ok([zeros; N])
}

/// `W_ih input + bias` of all steps, by one product, cut into steps of shape `[b, step...]`.
fn input_products(
    graph: &mut Graph,
    inputs: Value,
    weight: Value,
    bias: Option<Value>,
    step: &[usize],
) -> Result<Vec<Value>, GraphError> {
    let &[steps @ 1..=usize::MAX, batch, features] = graph.kind(inputs).shape.dims() else {
        let source = ShapeError::new("inputs f32[t, b, i] of one step or more", &[graph.kind(inputs).clone()]);
        return Err(GraphError::Shape { scope: String::new(), operation: "recurrent layer".to_owned(), source });
    };
    let rows = reshape(graph, inputs, [steps * batch, features])?;
    let mut product = matmul(graph, rows, weight, false, true)?;
    if let Some(bias) = bias {
        product = add(graph, product, bias)?;
    }
    let product = reshape(graph, product, [&[steps * batch], step].concat())?;
    split(graph, product, 0, &vec![batch; steps])
}

/// All steps' hidden states together, and the last.
fn outputs(graph: &mut Graph, hiddens: &[Value]) -> Result<RecurrentOutputs, GraphError> {
    let together = concat(graph, hiddens, 0)?;
    let hidden = hiddens[hiddens.len() - 1];
    let step = graph.kind(hidden).shape.dims().to_vec();
    Ok(RecurrentOutputs { outputs: reshape(graph, together, [&[hiddens.len()], &step[..]].concat())?, hidden })
}
