//! One step of a GRU, by PyTorch's formulas and in its order of gates: reset, update, new. For each unit
//!
//! ```text
//! r = sigmoid(x_r + W_r hidden + b_r)      q = W_n hidden + b_n
//! z = sigmoid(x_z + W_z hidden + b_z)      n = tanh(x_n + r q)      h = (1 - z) n + z hidden
//! ```
//!
//! where `x` is the input's product with its own biases, made for all steps at once. [`torch.nn.GRU`].
//!
//! A step is one dispatch, and so is its gradient, as in [`lstm_cell`](crate::lstm_cell()).
//!
//! [`torch.nn.GRU`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html

mod gradient;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wgrad_core::{Array, Case, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Tolerance, Value};

use crate::cases::{case, floats, tolerance_of_sum};
use crate::gated::{
    CellKernel, HiddenGradient, as_floats, gate_rows, hidden_gradient, host_product, is_f32, sigmoid_f32, sigmoid_f64,
    split_hidden_gradient, weight_gradient,
};
use crate::{add, reshape, split, sum_axes};

pub use gradient::GruCellGradient;

/// The operation of [`gru_cell()`].
#[derive(Clone, Copy, Debug)]
pub struct GruCell;

/// What each unit has of gates, of what is saved for the gradient, the gates and `q`, and of what the gradient makes:
/// the gradients of the inputs' products, and those of the hidden state's, which differ in the last.
const GATES: usize = 3;
const SAVED: usize = 4;
const GRADIENTS: usize = 2 * GATES;

/// One step from `hidden`, f32 `[b, h]`, where `input` is the inputs' product with its biases, f32 `[b, 3, h]`; `weight`
/// that of the hidden state, f32 `[3 h, h]`, and `bias` what is added to its product, f32 `[3, h]`. Returns the new hidden
/// state, f32 `[b, h]`.
///
/// # Errors
/// Where the types are others, or `h` is 0.
pub fn gru_cell(graph: &mut Graph, input: Value, hidden: Value, weight: Value, bias: Value) -> Result<Value, GraphError> {
    graph.apply_one(GruCell, &[input, hidden, weight, bias])
}

/// Batch and units of inputs that [`Op::infer`] has accepted.
fn extents(inputs: &[TensorType]) -> (usize, usize) {
    (inputs[1].shape.rows(), inputs[1].shape.columns())
}

impl Op for GruCell {
    fn name(&self) -> &'static str {
        "gru_cell"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [input, hidden, weight, bias] = inputs
            && let &[batch, units @ 1..=usize::MAX] = hidden.shape.dims()
            && is_f32(input, &[batch, GATES, units])
            && is_f32(hidden, &[batch, units])
            && is_f32(weight, &[GATES * units, units])
            && is_f32(bias, &[GATES, units])
        {
            return Ok(vec![hidden.clone(), TensorType::f32([batch, SAVED, units])]);
        }
        Err(ShapeError::new("f32[b, 3, h], hidden state f32[b, h], weights f32[3 h, h] and biases f32[3, h]", inputs))
    }

    /// Nothing is differentiated through what is saved.
    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[_, hidden, weight, bias], &[Some(of_hidden), _]) = (at.inputs.as_slice(), upstream) else {
            return Ok(vec![None; at.inputs.len()]);
        };
        let shape = graph.kind(hidden).shape.clone();
        let HiddenGradient { gates: next, rest: [direct, rest] } = split_hidden_gradient(graph, Some(of_hidden), weight, &shape)?;
        let inputs = [next, weight, direct, rest, at.output(1), hidden];
        let made = graph.apply(GruCellGradient, &inputs)?;
        let parts = split(graph, made[0], 1, &[GATES, GATES])?;
        let product = hidden_gradient(graph, parts[1], weight)?;
        let of_hidden = add(graph, product, made[1])?;
        let of_weight = weight_gradient(graph, parts[1], hidden)?;
        let rows = gate_rows(graph, parts[1])?;
        let of_bias = sum_axes(graph, rows, &[0], false)?;
        let of_bias = reshape(graph, of_bias, graph.kind(bias).shape.clone())?;
        Ok(vec![Some(parts[0]), Some(of_hidden), of_weight, Some(of_bias)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let (batch, units) = extents(inputs);
        let kernel = |source| CellKernel {
            source,
            entry: "gru_cell",
            loads: vec![
                ("gru_cell_input", "gru_cell_load_input"),
                ("gru_cell_hidden", "gru_cell_load_hidden"),
                ("gru_cell_weight", "gru_cell_load_weight"),
                ("gru_cell_bias", "gru_cell_load_bias"),
            ],
            stores: vec![("gru_cell_new_hidden", "gru_cell_store_hidden"), ("gru_cell_saved", "gru_cell_store_saved")],
            dims: vec![batch as u32, units as u32],
        };
        Lowering::Kernels(vec![
            kernel(include_str!("registers.wgsl")).in_registers("gru_cell_tile_rows", batch, units, 4),
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
        let [input, hidden, weight, bias] = inputs else { return };
        for index in 0..hidden.data.len() {
            let (row, unit) = (index / units, index % units);
            let product = |gate: usize| -> f64 {
                let weights = &weight.data[(gate * units + unit) * units..][..units];
                let product: f64 = weights.iter().zip(&hidden.data[row * units..]).map(|(weight, hidden)| weight * hidden).sum();
                product + bias.data[gate * units + unit]
            };
            let input = |gate: usize| input.data[(row * GATES + gate) * units + unit];
            let (r, z, q) = (sigmoid_f64(input(0) + product(0)), sigmoid_f64(input(1) + product(1)), product(2));
            let n = (input(2) + r * q).tanh();
            outputs[0].data[index] = (1.0 - z) * n + z * hidden.data[index];
            for (plane, value) in [r, z, n, q].into_iter().enumerate() {
                outputs[1].data[(row * SAVED + plane) * units + unit] = value;
            }
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let floats: Vec<&[f32]> = inputs.iter().map_while(as_floats).collect();
        let ([input, hidden, weight, bias], shape) = (floats.as_slice(), inputs[1].shape()) else { return false };
        let [HostTensor::F32(_, new_hidden), HostTensor::F32(_, saved)] = outputs else { return false };
        let (batch, units) = (shape.rows(), shape.columns());
        let Some(products) = host_product(hidden, weight, [batch, GATES * units, units], true) else { return false };
        for index in 0..batch * units {
            let (row, unit) = (index / units, index % units);
            let product = |gate: usize| products[(row * GATES + gate) * units + unit] + bias[gate * units + unit];
            let input = |gate: usize| input[(row * GATES + gate) * units + unit];
            let (r, z, q) = (sigmoid_f32(input(0) + product(0)), sigmoid_f32(input(1) + product(1)), product(2));
            let n = (input(2) + r * q).tanh();
            new_hidden[index] = (1.0 - z) * n + z * hidden[index];
            for (plane, value) in [r, z, n, q].into_iter().enumerate() {
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
            let shapes = [vec![batch, GATES, units], vec![batch, units], vec![GATES * units, units], vec![GATES, units]];
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
    vec![Arc::new(GruCell), Arc::new(GruCellGradient)]
}
