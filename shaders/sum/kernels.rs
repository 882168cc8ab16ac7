//! The kernels of sums along one axis.

use wgrad_core::{Kernel, Shape};

use crate::columnwise::ColumnKernels;
use crate::rowwise::{RowKernels, load_four, store_four};

/// The kernels that sum over `axis` of a tensor, in parts of `chunk` elements.
pub(super) fn kernels(shape: &Shape, axis: usize, chunk: usize) -> Vec<Kernel> {
    let (before, behind) = (&shape.dims()[..axis], &shape.dims()[axis + 1..]);
    let (outer, extent): (usize, usize) = (before.iter().product(), shape.dims()[axis]);
    let parts = extent.div_ceil(chunk.max(1)).max(1);
    match behind {
        [] => across([outer * parts, extent, chunk, parts]),
        _ => down([outer * parts, extent, behind.iter().product(), chunk, parts]),
    }
}

/// Along the last axis: neighbours in memory are added up.
fn across(dims: [usize; 4]) -> Vec<Kernel> {
    let [sums, columns, chunk, _] = dims;
    let kernels = RowKernels {
        source: include_str!("across.wgsl"),
        entry: "sum_across",
        serial: "sum_across_serial",
        serial_rows: 4,
        constants: ["sum_across_strands", "sum_across_rows"],
        stores_rows: true,
    };
    let load = load_four("sum_across_input", "sum_across_load");
    let store = store_four("sum_across_output", "sum_across_store");
    let mut kernels = kernels.kernels(&[sums, chunk.min(columns)].into(), vec![load], vec![store]);
    kernels.iter_mut().for_each(|kernel| kernel.dims = dims.map(|extent| extent as u32).to_vec());
    kernels
}

/// Along an axis before the last: each sum takes an element of each row.
fn down(dims: [usize; 5]) -> Vec<Kernel> {
    let [rows, extent, columns, chunk, _] = dims;
    let kernels = ColumnKernels {
        source: include_str!("down.wgsl"),
        entry: "sum_down",
        serial: "sum_down_serial",
        constants: ["sum_down_blocks", "sum_down_strands"],
    };
    let load = load_four("sum_down_input", "sum_down_load");
    let store = store_four("sum_down_output", "sum_down_store");
    kernels.kernels(rows * columns.div_ceil(4), chunk.min(extent), &dims, (vec![load], vec![store]))
}
