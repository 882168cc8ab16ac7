//! The gradient of one step.

use wgrad_core::{Array, Case, HostTensor, Lowering, Op, ShapeError, TensorType, Tolerance};

use super::{GATES, SAVED, extents};
use crate::cases::{case, floats, tolerance_of_sum};
use crate::gated::{CellKernel, as_floats, host_product, is_f32};

/// The gradient of [`lstm_cell`](super::lstm_cell()): of the gates before their nonlinearities, f32 `[b, 4, h]`, which are
/// also those of its input; and of the cell before the step.
///
/// Its inputs are the next step's gradients of the gates, f32 `[b, 4, h]`, or `[b, 0, h]` where there is none; its
/// weights; what else is the gradient of the hidden state, and that of the new cell, f32 `[b, h]`; what the step has
/// saved; and the cell before it.
#[derive(Clone, Copy, Debug)]
pub struct LstmCellGradient;

/// The number of the next step's gates: none where there is no next step.
fn next_gates(inputs: &[TensorType]) -> usize {
    inputs[0].shape.dims()[1]
}

/// The gradients of one unit's gates and of its cell, given that of its hidden state, that of its new cell, what it has
/// saved and its cell.
fn unit_gradient(hidden: f64, cell_upstream: f64, saved: [f64; SAVED], cell: f64) -> ([f64; GATES], f64) {
    let [i, f, g, o, squashed] = saved;
    let of_cell = cell_upstream + hidden * o * (1.0 - squashed * squashed);
    let of_gates = [
        of_cell * g * i * (1.0 - i),
        of_cell * cell * f * (1.0 - f),
        of_cell * i * (1.0 - g * g),
        hidden * squashed * o * (1.0 - o),
    ];
    (of_gates, of_cell * f)
}

impl Op for LstmCellGradient {
    fn name(&self) -> &'static str {
        "lstm_cell_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [next, weight, upstream, cell_upstream, saved, cell] = inputs
            && let (&[batch, units @ 1..=usize::MAX], &[_, gates @ (0 | GATES), _]) = (upstream.shape.dims(), next.shape.dims())
            && is_f32(next, &[batch, gates, units])
            && is_f32(weight, &[GATES * units, units])
            && is_f32(saved, &[batch, SAVED, units])
            && [upstream, cell_upstream, cell].iter().all(|input| is_f32(input, &[batch, units]))
        {
            return Ok(vec![TensorType::f32([batch, GATES, units]), cell.clone()]);
        }
        let wanted =
            "gates f32[b, 4, h] or f32[b, 0, h], weights f32[4 h, h], two gradients f32[b, h], f32[b, 5, h] and f32[b, h]";
        Err(ShapeError::new(wanted, inputs))
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let (batch, units) = extents(&inputs[1..]);
        let kernel = |source| CellKernel {
            source,
            entry: "lstm_cell_gradient",
            loads: vec![
                ("lstm_cell_gradient_next", "lstm_cell_gradient_load_next"),
                ("lstm_cell_gradient_weight", "lstm_cell_gradient_load_weight"),
                ("lstm_cell_gradient_upstream", "lstm_cell_gradient_load_upstream"),
                ("lstm_cell_gradient_cell_upstream", "lstm_cell_gradient_load_cell_upstream"),
                ("lstm_cell_gradient_saved", "lstm_cell_gradient_load_saved"),
                ("lstm_cell_gradient_cell", "lstm_cell_gradient_load_cell"),
            ],
            stores: vec![
                ("lstm_cell_gradient_gates", "lstm_cell_gradient_store_gates"),
                ("lstm_cell_gradient_cell_gradient", "lstm_cell_gradient_store_cell_gradient"),
            ],
            dims: vec![batch as u32, units as u32, next_gates(inputs) as u32],
        };
        let tile_rows = "lstm_cell_gradient_tile_rows";
        Lowering::Kernels(vec![
            kernel(include_str!("gradient_registers.wgsl")).in_registers(tile_rows, batch, units, 16),
            kernel(include_str!("gradient_workgroup.wgsl")).in_workgroups(batch, units),
        ])
    }

    /// The product, and some twenty-five for each unit.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        let (batch, units) = extents(&inputs[1..]);
        (batch * units) as u64 * (2 * next_gates(inputs) * units + 25) as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let [next, weight, upstream, cell_upstream, saved, cell] = inputs else { return };
        let (units, depth) = (cell.kind.shape.columns(), next.kind.shape.dims()[1] * cell.kind.shape.columns());
        for index in 0..cell.data.len() {
            let (row, unit) = (index / units, index % units);
            let product: f64 = (0..depth).map(|k| next.data[row * depth + k] * weight.data[k * units + unit]).sum();
            let saved: [f64; SAVED] = std::array::from_fn(|plane| saved.data[(row * SAVED + plane) * units + unit]);
            let hidden = product + upstream.data[index];
            let (of_gates, of_cell) = unit_gradient(hidden, cell_upstream.data[index], saved, cell.data[index]);
            for (gate, value) in of_gates.into_iter().enumerate() {
                outputs[0].data[(row * GATES + gate) * units + unit] = value;
            }
            outputs[1].data[index] = of_cell;
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let floats: Vec<&[f32]> = inputs.iter().map_while(as_floats).collect();
        let ([next, weight, upstream, cell_upstream, saved, cell], shape) = (floats.as_slice(), inputs[5].shape()) else {
            return false;
        };
        let [HostTensor::F32(_, gates), HostTensor::F32(_, cell_gradient)] = outputs else { return false };
        let (batch, units) = (shape.rows(), shape.columns());
        let depth = next.len().checked_div(batch).unwrap_or(0);
        let weight = &weight[..depth * units];
        let Some(products) = host_product(next, weight, [batch, units, depth], false) else { return false };
        for index in 0..batch * units {
            let (row, unit) = (index / units, index % units);
            let saved = std::array::from_fn(|plane| saved[(row * SAVED + plane) * units + unit].into());
            let hidden = products[index] + upstream[index];
            let (of_gates, of_cell) = unit_gradient(hidden.into(), cell_upstream[index].into(), saved, cell[index].into());
            for (gate, value) in of_gates.into_iter().enumerate() {
                gates[(row * GATES + gate) * units + unit] = value as f32;
            }
            cell_gradient[index] = of_cell as f32;
        }
        true
    }

    /// Terms of the product are multiplied by factors of which none is above 2.
    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(2 * GATES * extents(&inputs[1..]).1)
    }

    fn cases(&self) -> Vec<Case> {
        let step = |label, batch: usize, gates: usize, units: usize| {
            let plane = vec![batch, units];
            let shapes = [
                vec![batch, gates, units],
                vec![GATES * units, units],
                plane.clone(),
                plane.clone(),
                vec![batch, SAVED, units],
                plane,
            ];
            let inputs: Vec<Array> = (1..).zip(shapes).map(|(seed, shape)| floats(seed, shape)).collect();
            Case { differentiable: false, ..case(label, inputs) }
        };
        vec![
            step("one unit", 1, 4, 1),
            step("odd extents", 5, 4, 3),
            step("whole blocks", 4, 4, 8),
            step("beyond a tile", 17, 4, 21),
            step("whole tiles", 32, 4, 32),
            step("no next step", 5, 0, 8),
            step("nobody", 0, 4, 4),
            step("digits", 64, 4, 128),
        ]
    }
}
