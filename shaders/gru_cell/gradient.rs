//! The gradient of one step.

use wgrad_core::{Array, Case, HostTensor, Lowering, Op, ShapeError, TensorType, Tolerance};

use super::{GATES, GRADIENTS, SAVED, extents};
use crate::cases::{case, floats, tolerance_of_sum};
use crate::gated::{CellKernel, as_floats, host_product, is_f32};

/// The gradient of [`gru_cell`](super::gru_cell()): of the inputs' products and the hidden state's, f32 `[b, 6, h]`, and
/// what flows back to the hidden state before the step past the gates, f32 `[b, h]`.
///
/// Its inputs are the gradients of the next step's products of the hidden state, f32 `[b, 3, h]`, or `[b, 0, h]` where
/// there is none; its weights; two more terms of the gradient of the hidden state, f32 `[b, h]`; what the step has saved;
/// and the hidden state before it.
#[derive(Clone, Copy, Debug)]
pub struct GruCellGradient;

/// The number of the next step's gates: none where there is no next step.
fn next_gates(inputs: &[TensorType]) -> usize {
    inputs[0].shape.dims()[1]
}

/// The gradients of one unit's products, and what flows back past its gates, given the gradient of its new hidden state,
/// what it has saved and its hidden state before.
fn unit_gradient(of_hidden: f64, saved: [f64; SAVED], hidden: f64) -> ([f64; GRADIENTS], f64) {
    let [r, z, n, q] = saved;
    let of_new = of_hidden * (1.0 - z) * (1.0 - n * n);
    let of_reset = of_new * q * r * (1.0 - r);
    let of_update = of_hidden * (hidden - n) * z * (1.0 - z);
    ([of_reset, of_update, of_new, of_reset, of_update, of_new * r], of_hidden * z)
}

impl Op for GruCellGradient {
    fn name(&self) -> &'static str {
        "gru_cell_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [next, weight, direct, upstream, saved, hidden] = inputs
            && let (&[batch, units @ 1..=usize::MAX], &[_, gates @ (0 | GATES), _]) = (hidden.shape.dims(), next.shape.dims())
            && is_f32(next, &[batch, gates, units])
            && is_f32(weight, &[GATES * units, units])
            && is_f32(saved, &[batch, SAVED, units])
            && [direct, upstream, hidden].iter().all(|input| is_f32(input, &[batch, units]))
        {
            return Ok(vec![TensorType::f32([batch, GRADIENTS, units]), hidden.clone()]);
        }
        let wanted =
            "gates f32[b, 3, h] or f32[b, 0, h], weights f32[3 h, h], two gradients f32[b, h], f32[b, 4, h] and f32[b, h]";
        Err(ShapeError::new(wanted, inputs))
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let (batch, units) = extents(&inputs[1..]);
        let kernel = |source| CellKernel {
            source,
            entry: "gru_cell_gradient",
            loads: vec![
                ("gru_cell_gradient_next", "gru_cell_gradient_load_next"),
                ("gru_cell_gradient_weight", "gru_cell_gradient_load_weight"),
                ("gru_cell_gradient_direct", "gru_cell_gradient_load_direct"),
                ("gru_cell_gradient_upstream", "gru_cell_gradient_load_upstream"),
                ("gru_cell_gradient_saved", "gru_cell_gradient_load_saved"),
                ("gru_cell_gradient_hidden", "gru_cell_gradient_load_hidden"),
            ],
            stores: vec![
                ("gru_cell_gradient_gates", "gru_cell_gradient_store_gates"),
                ("gru_cell_gradient_past", "gru_cell_gradient_store_past"),
            ],
            dims: vec![batch as u32, units as u32, next_gates(inputs) as u32],
        };
        let tile_rows = "gru_cell_gradient_tile_rows";
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
        let [next, weight, direct, upstream, saved, hidden] = inputs else { return };
        let (units, depth) = (hidden.kind.shape.columns(), next.kind.shape.dims()[1] * hidden.kind.shape.columns());
        for index in 0..hidden.data.len() {
            let (row, unit) = (index / units, index % units);
            let product: f64 = (0..depth).map(|k| next.data[row * depth + k] * weight.data[k * units + unit]).sum();
            let saved = std::array::from_fn(|plane| saved.data[(row * SAVED + plane) * units + unit]);
            let of_hidden = product + direct.data[index] + upstream.data[index];
            let (gradients, past) = unit_gradient(of_hidden, saved, hidden.data[index]);
            for (plane, value) in gradients.into_iter().enumerate() {
                outputs[0].data[(row * GRADIENTS + plane) * units + unit] = value;
            }
            outputs[1].data[index] = past;
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let floats: Vec<&[f32]> = inputs.iter().map_while(as_floats).collect();
        let ([next, weight, direct, upstream, saved, hidden], shape) = (floats.as_slice(), inputs[5].shape()) else {
            return false;
        };
        let [HostTensor::F32(_, gates), HostTensor::F32(_, pasts)] = outputs else { return false };
        let (batch, units) = (shape.rows(), shape.columns());
        let depth = next.len().checked_div(batch).unwrap_or(0);
        let weight = &weight[..depth * units];
        let Some(products) = host_product(next, weight, [batch, units, depth], false) else { return false };
        for index in 0..batch * units {
            let (row, unit) = (index / units, index % units);
            let saved = std::array::from_fn(|plane| saved[(row * SAVED + plane) * units + unit].into());
            let of_hidden = products[index] + direct[index] + upstream[index];
            let (gradients, past) = unit_gradient(of_hidden.into(), saved, hidden[index].into());
            for (plane, value) in gradients.into_iter().enumerate() {
                gates[(row * GRADIENTS + plane) * units + unit] = value as f32;
            }
            pasts[index] = past as f32;
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
            step("one unit", 1, 3, 1),
            step("odd extents", 5, 3, 3),
            step("whole blocks", 4, 3, 8),
            step("beyond a tile", 17, 3, 21),
            step("whole tiles", 32, 3, 32),
            step("no next step", 5, 0, 8),
            step("nobody", 0, 3, 4),
            step("digits", 64, 3, 128),
        ]
    }
}
