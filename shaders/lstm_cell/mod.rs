//! One step of an LSTM, by PyTorch's formulas and in its order of gates: input, forget, cell, output. For each unit
//!
//! ```text
//! i = sigmoid(x_i + W_i hidden)      c = f cell + i g
//! f = sigmoid(x_f + W_f hidden)      h = o tanh(c)
//! g = tanh(x_g + W_g hidden)
//! o = sigmoid(x_o + W_o hidden)
//! ```
//!
//! where `x` is the input's product with the biases, made for all steps at once. [`torch.nn.LSTM`].
//!
//! A step is one dispatch: the product of the hidden state is made with all gates of a unit in one invocation, which
//! applies them. So is its gradient: what flows back from the next step is a product with that step's gradients, and the
//! kernel makes that product and applies this step's gates to it.
//!
//! [`torch.nn.LSTM`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html

mod gradient;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wgrad_core::{Array, Case, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Tolerance, Value};

use crate::cases::{case, floats, tolerance_of_sum};
use crate::gated::{
    CellKernel, HiddenGradient, hidden_gradient, host_product, is_f32, or_zeros, sigmoid_f32, sigmoid_f64, split_hidden_gradient,
    weight_gradient,
};

pub use gradient::LstmCellGradient;

/// The operation of [`lstm_cell()`].
#[derive(Clone, Copy, Debug)]
pub struct LstmCell;

/// What [`lstm_cell()`] makes.
#[derive(Clone, Copy, Debug)]
pub struct LstmCellOutputs {
    /// The new hidden state, f32 `[b, h]`.
    pub hidden: Value,
    /// The new cell, f32 `[b, h]`.
    pub cell: Value,
}

/// What each unit has of gates, and of what is saved for the gradient: the gates and the new cell's tanh.
const GATES: usize = 4;
const SAVED: usize = 5;

/// One step from `hidden` and `cell`, f32 `[b, h]`, where `input` is the inputs' product with the biases, f32
/// `[b, 4, h]`, and `weight` that of the hidden state, f32 `[4 h, h]`.
///
/// # Errors
/// Where the types are others, or `h` is 0.
pub fn lstm_cell(
    graph: &mut Graph,
    input: Value,
    hidden: Value,
    cell: Value,
    weight: Value,
) -> Result<LstmCellOutputs, GraphError> {
    let hidden = graph.apply_one(LstmCell, &[input, hidden, cell, weight])?;
    Ok(LstmCellOutputs { hidden, cell: Value { output: 1, ..hidden } })
}

/// Batch and units of inputs that [`Op::infer`] has accepted.
fn extents(inputs: &[TensorType]) -> (usize, usize) {
    (inputs[1].shape.rows(), inputs[1].shape.columns())
}

impl Op for LstmCell {
    fn name(&self) -> &'static str {
        "lstm_cell"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [input, hidden, cell, weight] = inputs
            && let &[batch, units @ 1..=usize::MAX] = hidden.shape.dims()
            && is_f32(input, &[batch, GATES, units])
            && is_f32(hidden, &[batch, units])
            && is_f32(cell, &[batch, units])
            && is_f32(weight, &[GATES * units, units])
        {
            return Ok(vec![hidden.clone(), cell.clone(), TensorType::f32([batch, SAVED, units])]);
        }
        Err(ShapeError::new("f32[b, 4, h], hidden state f32[b, h], cell f32[b, h] and weights f32[4 h, h]", inputs))
    }

    /// Nothing is differentiated through what is saved.
    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[_, hidden, cell, weight], &[of_hidden, of_cell, _]) = (at.inputs.as_slice(), upstream) else {
            return Ok(vec![None; at.inputs.len()]);
        };
        if of_hidden.or(of_cell).is_none() {
            return Ok(vec![None; at.inputs.len()]);
        }
        let shape = graph.kind(hidden).shape.clone();
        let HiddenGradient { gates: next, rest: [rest] } = split_hidden_gradient(graph, of_hidden, weight, &shape)?;
        let of_cell = or_zeros(graph, of_cell, &shape)?;
        let inputs = [next, weight, rest, of_cell, at.output(2), cell];
        let gates = graph.apply_one(LstmCellGradient, &inputs)?;
        let of_hidden = hidden_gradient(graph, gates, weight)?;
        let of_weight = weight_gradient(graph, gates, hidden)?;
        Ok(vec![Some(gates), Some(of_hidden), Some(Value { output: 1, ..gates }), of_weight])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let (batch, units) = extents(inputs);
        let kernel = |source| CellKernel {
            source,
            entry: "lstm_cell",
            loads: vec![
                ("lstm_cell_input", "lstm_cell_load_input"),
                ("lstm_cell_hidden", "lstm_cell_load_hidden"),
                ("lstm_cell_cell", "lstm_cell_load_cell"),
                ("lstm_cell_weight", "lstm_cell_load_weight"),
            ],
            stores: vec![
                ("lstm_cell_new_hidden", "lstm_cell_store_hidden"),
                ("lstm_cell_new_cell", "lstm_cell_store_cell"),
                ("lstm_cell_saved", "lstm_cell_store_saved"),
            ],
            dims: vec![batch as u32, units as u32],
        };
        Lowering::Kernels(vec![
            kernel(include_str!("registers.wgsl")).in_registers("lstm_cell_tile_rows", batch, units, 4),
            kernel(include_str!("workgroup.wgsl")).in_workgroups(batch, units),
        ])
    }

    /// The product, and some forty for each unit's nonlinearities.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        let (batch, units) = extents(inputs);
        (batch * units) as u64 * (2 * GATES * units + 40) as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let units = inputs[1].kind.shape.columns();
        let [input, hidden, cell, weight] = inputs else { return };
        for index in 0..hidden.data.len() {
            let (row, unit) = (index / units, index % units);
            let gate = |gate: usize| -> f64 {
                let weights = &weight.data[(gate * units + unit) * units..][..units];
                let product: f64 = weights.iter().zip(&hidden.data[row * units..]).map(|(weight, hidden)| weight * hidden).sum();
                input.data[(row * GATES + gate) * units + unit] + product
            };
            let (i, f, g, o) = (sigmoid_f64(gate(0)), sigmoid_f64(gate(1)), gate(2).tanh(), sigmoid_f64(gate(3)));
            let new = f * cell.data[index] + i * g;
            outputs[0].data[index] = o * new.tanh();
            outputs[1].data[index] = new;
            for (plane, value) in [i, f, g, o, new.tanh()].into_iter().enumerate() {
                outputs[2].data[(row * SAVED + plane) * units + unit] = value;
            }
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let [HostTensor::F32(_, input), HostTensor::F32(shape, hidden), HostTensor::F32(_, cell), HostTensor::F32(_, weight)] =
            inputs
        else {
            return false;
        };
        let [HostTensor::F32(_, new_hidden), HostTensor::F32(_, new_cell), HostTensor::F32(_, saved)] = outputs else {
            return false;
        };
        let (batch, units) = (shape.rows(), shape.columns());
        let Some(products) = host_product(hidden, weight, [batch, GATES * units, units], true) else { return false };
        for index in 0..batch * units {
            let (row, unit) = (index / units, index % units);
            let gate = |gate: usize| {
                let at = (row * GATES + gate) * units + unit;
                input[at] + products[at]
            };
            let (i, f, g, o) = (sigmoid_f32(gate(0)), sigmoid_f32(gate(1)), gate(2).tanh(), sigmoid_f32(gate(3)));
            new_cell[index] = f * cell[index] + i * g;
            let squashed = new_cell[index].tanh();
            new_hidden[index] = o * squashed;
            for (plane, value) in [i, f, g, o, squashed].into_iter().enumerate() {
                saved[(row * SAVED + plane) * units + unit] = value;
            }
        }
        true
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(2 * extents(inputs).1)
    }

    fn cases(&self) -> Vec<Case> {
        let step = |label, batch: usize, units: usize| {
            let shapes = [vec![batch, GATES, units], vec![batch, units], vec![batch, units], vec![GATES * units, units]];
            let inputs: Vec<Array> = (1..).zip(shapes).map(|(seed, shape)| floats(seed, shape)).collect();
            case(label, inputs)
        };
        let large = |label, batch, units| Case { differentiable: false, ..step(label, batch, units) };
        let mut saturated = large("saturated gates", 5, 8);
        for (index, element) in saturated.inputs[0].data.iter_mut().enumerate() {
            *element *= [1e2, 1e30, 0.0][index % 3];
        }
        vec![
            step("one unit", 1, 1),
            step("odd extents", 5, 3),
            step("whole blocks", 4, 8),
            step("beyond a tile", 17, 21),
            step("nobody", 0, 4),
            large("whole tiles", 32, 32),
            large("digits", 64, 128),
            saturated,
        ]
    }
}

/// The cell, and its gradient.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(LstmCell), Arc::new(LstmCellGradient)]
}
