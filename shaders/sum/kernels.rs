//! The kernels of sums along one axis.

use wgrad_core::op::AdapterClass;
use wgrad_core::{Kernel, Lanes, Literal, LoadHook, Shape, StoreHook};

use crate::cases::grid;

/// Invocations of a workgroup on a GPU.
const INVOCATIONS: usize = 256;
/// Invocations of a workgroup on a software adapter, where it sets how the work is divided over the processors.
const SERIAL_INVOCATIONS: usize = 8;

/// The kernels that sum over `axis` of a tensor, in parts of `chunk` elements.
pub(super) fn kernels(shape: &Shape, axis: usize, chunk: usize) -> Vec<Kernel> {
    let (before, behind) = (&shape.dims()[..axis], &shape.dims()[axis + 1..]);
    let (outer, extent): (usize, usize) = (before.iter().product(), shape.dims()[axis]);
    let parts = extent.div_ceil(chunk.max(1)).max(1);
    match behind {
        [] => across(outer * parts, extent, chunk, parts),
        _ => down(outer * parts, extent, behind.iter().product(), chunk, parts),
    }
}

/// Along the last axis: neighbours in memory are added up.
fn across(sums: usize, columns: usize, chunk: usize, parts: usize) -> Vec<Kernel> {
    let blocks = chunk.min(columns).div_ceil(4).next_power_of_two();
    // Sums are stored four at a time, so that several need four rows at least.
    let strands = if sums == 1 { INVOCATIONS } else { blocks.min(INVOCATIONS / 4) };
    let rows = if sums == 1 { 1 } else { INVOCATIONS / strands };
    let serial = Kernel {
        candidate: "serial",
        source: include_str!("across.wgsl"),
        entry: "sum_across_serial",
        class: Some(AdapterClass::Software),
        dims: [sums, columns, chunk, parts].map(|extent| extent as u32).to_vec(),
        constants: Vec::new(),
        workgroups: grid(sums.div_ceil(4 * SERIAL_INVOCATIONS)),
        loads: vec![LoadHook { variable: "sum_across_input", function: Some(("sum_across_load", Lanes::Four)), row: None }],
        stores: vec![StoreHook { variable: "sum_across_output", function: Some(("sum_across_store", Lanes::Four)) }],
        sums: Vec::new(),
    };
    let strands = [("sum_across_strands", strands), ("sum_across_rows", rows)];
    let shared = shared(&serial, "sum_across", strands, sums.div_ceil(rows));
    vec![serial, shared]
}

/// Along an axis before the last: each sum takes an element of each row.
fn down(rows: usize, extent: usize, columns: usize, chunk: usize, parts: usize) -> Vec<Kernel> {
    const STRANDS: usize = 32;
    let strands = chunk.min(extent).next_power_of_two().min(STRANDS);
    let blocks = rows * columns.div_ceil(4);
    let serial = Kernel {
        candidate: "serial",
        source: include_str!("down.wgsl"),
        entry: "sum_down_serial",
        class: Some(AdapterClass::Software),
        dims: [rows, extent, columns, chunk, parts].map(|extent| extent as u32).to_vec(),
        constants: Vec::new(),
        workgroups: grid(blocks.div_ceil(SERIAL_INVOCATIONS)),
        loads: vec![LoadHook { variable: "sum_down_input", function: Some(("sum_down_load", Lanes::Four)), row: None }],
        stores: vec![StoreHook { variable: "sum_down_output", function: Some(("sum_down_store", Lanes::Four)) }],
        sums: Vec::new(),
    };
    let across = INVOCATIONS / strands;
    let shared =
        shared(&serial, "sum_down", [("sum_down_strands", strands), ("sum_down_blocks", across)], blocks.div_ceil(across));
    vec![serial, shared]
}

/// The same sums, each by several invocations of a workgroup.
fn shared(serial: &Kernel, entry: &'static str, constants: [(&'static str, usize); 2], workgroups: usize) -> Kernel {
    Kernel {
        candidate: "shared",
        entry,
        class: Some(AdapterClass::Gpu),
        constants: constants.map(|(name, value)| (name, Literal::U32(value as u32))).to_vec(),
        workgroups: grid(workgroups),
        ..serial.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strands(shape: impl Into<Shape>, axis: usize) -> [Literal; 2] {
        let shape = shape.into();
        let kernels = kernels(&shape, axis, shape.dims()[axis]);
        [kernels[1].constants[0].1, kernels[1].constants[1].1]
    }

    #[test]
    fn workgroups_are_full_whatever_the_shape() {
        let pair = |strands, others| [Literal::U32(strands), Literal::U32(others)];
        assert_eq!(strands([100_000], 0), pair(256, 1));
        assert_eq!(strands([64, 784], 1), pair(64, 4));
        assert_eq!(strands([64, 10], 1), pair(4, 64));
        assert_eq!(strands([64, 10], 0), pair(32, 8));
        assert_eq!(strands([8, 3, 10], 1), pair(4, 64));
        assert_eq!(strands([0, 10], 0), pair(1, 256));
    }
}
