//! The kernels of maxima along one axis.

use wgrad_core::{Kernel, Shape};

use crate::cases::grid;
use crate::rowwise::{RowKernels, load_four, store_four};

/// The kernels for the maximum over `axis` of a tensor.
pub(super) fn kernels(shape: &Shape, axis: usize) -> Vec<Kernel> {
    let (before, behind) = (&shape.dims()[..axis], &shape.dims()[axis + 1..]);
    let (outer, extent) = (before.iter().product(), shape.dims()[axis]);
    match behind {
        [] => across(&[outer, extent].into()),
        _ => vec![down(outer, extent, behind.iter().product())],
    }
}

fn across(shape: &Shape) -> Vec<Kernel> {
    let kernels = RowKernels {
        source: include_str!("across.wgsl"),
        entry: "max_across",
        serial: "max_across_serial",
        serial_rows: 4,
        constants: ["max_across_strands", "max_across_rows"],
        stores_rows: true,
    };
    let loads = vec![load_four("max_across_input", "max_across_load")];
    kernels.kernels(shape, loads, vec![store_four("max_across_output", "max_across_store")])
}

fn down(outer: usize, extent: usize, columns: usize) -> Kernel {
    const WORKGROUP: usize = 64;
    Kernel {
        candidate: "down",
        source: include_str!("down.wgsl"),
        entry: "max_down",
        class: None,
        cooperative: None,
        dims: [outer, extent, columns].map(|extent| extent as u32).to_vec(),
        constants: Vec::new(),
        workgroups: grid((outer * columns.div_ceil(4)).div_ceil(WORKGROUP)),
        rounds: extent as u64,
        loads: vec![load_four("max_down_input", "max_down_load")],
        stores: vec![store_four("max_down_output", "max_down_store")],
        sums: Vec::new(),
    }
}
