//! What kernels have in common that handle each row of a matrix for itself: how rows are divided over invocations.

use wgrad_core::op::AdapterClass;
use wgrad_core::{Kernel, Lanes, Literal, LoadHook, Shape, StoreHook};

use crate::cases::grid;

/// Invocations of a workgroup on a GPU.
const INVOCATIONS: usize = 256;
/// Invocations of a workgroup on a software adapter, where it sets how rows are divided over the processors.
const SERIAL_INVOCATIONS: usize = 8;

/// How often a kernel goes over a row, at most.
const PASSES: usize = 3;

/// The parts of a row-wise kernel's WGSL that have names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowKernels {
    /// The WGSL file. Its uniform has two members: rows and columns.
    pub source: &'static str,
    /// The entry point for GPUs, whose invocations are a number of strands times a number of rows.
    pub entry: &'static str,
    /// The entry point for software adapters, in workgroups of eight invocations.
    pub serial: &'static str,
    /// The rows that an invocation of that entry point handles.
    pub serial_rows: usize,
    /// The constants that say how many strands share a row, and how many rows a workgroup has.
    pub constants: [&'static str; 2],
    /// Whether results of four rows are stored at once, so that a workgroup has four rows or the only one.
    pub stores_rows: bool,
}

impl RowKernels {
    /// The kernels for the rows of a tensor of this shape.
    pub fn kernels(&self, shape: &Shape, loads: Vec<LoadHook>, stores: Vec<StoreHook>) -> Vec<Kernel> {
        let (rows, columns) = (shape.rows(), shape.columns());
        let strands = self.strands(rows, columns);
        let serial = Kernel {
            candidate: "serial",
            source: self.source,
            entry: self.serial,
            class: Some(AdapterClass::Software),
            cooperative: None,
            dims: vec![rows as u32, columns as u32],
            constants: Vec::new(),
            workgroups: grid(rows.div_ceil(self.serial_rows * SERIAL_INVOCATIONS)),
            rounds: (self.serial_rows * PASSES * columns.div_ceil(4)) as u64,
            loads,
            stores,
            sums: Vec::new(),
        };
        let in_group = if self.stores_rows && rows == 1 { 1 } else { INVOCATIONS / strands };
        let values = [strands, in_group].map(|value| Literal::U32(value as u32));
        let shared = Kernel {
            candidate: "shared",
            entry: self.entry,
            class: Some(AdapterClass::Gpu),
            cooperative: None,
            constants: self.constants.into_iter().zip(values).collect(),
            workgroups: grid(rows.div_ceil(in_group)),
            rounds: (PASSES * columns.div_ceil(4 * strands) + INVOCATIONS) as u64,
            ..serial.clone()
        };
        vec![serial, shared]
    }

    /// As many strands as a row has blocks of four columns, within a workgroup.
    fn strands(&self, rows: usize, columns: usize) -> usize {
        let most = if self.stores_rows && rows != 1 { INVOCATIONS / 4 } else { INVOCATIONS };
        columns.div_ceil(4).next_power_of_two().min(most)
    }
}

/// A hook that reads four elements of a row.
pub(crate) fn load_four(variable: &'static str, function: &'static str) -> LoadHook {
    LoadHook { variable, function: Some((function, Lanes::Four)), row: None }
}

/// A hook that writes four elements of a row.
pub(crate) fn store_four(variable: &'static str, function: &'static str) -> StoreHook {
    StoreHook { variable, function: Some((function, Lanes::Four)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workgroup(rows: usize, columns: usize, stores_rows: bool) -> [Literal; 2] {
        let kernels = RowKernels {
            source: "",
            entry: "rows",
            serial: "rows_serial",
            serial_rows: 1,
            constants: ["strands", "rows"],
            stores_rows,
        };
        let kernels = kernels.kernels(&[rows, columns].into(), Vec::new(), Vec::new());
        [kernels[1].constants[0].1, kernels[1].constants[1].1]
    }

    #[test]
    fn workgroups_are_full_whatever_the_shape() {
        let pair = |strands, rows| [Literal::U32(strands), Literal::U32(rows)];
        assert_eq!(workgroup(64, 10, false), pair(4, 64));
        assert_eq!(workgroup(64, 1000, false), pair(256, 1));
        assert_eq!(workgroup(5, 0, false), pair(1, 256));
    }

    #[test]
    fn four_rows_are_stored_by_one_workgroup() {
        let pair = |strands, rows| [Literal::U32(strands), Literal::U32(rows)];
        assert_eq!(workgroup(64, 1000, true), pair(64, 4));
        assert_eq!(workgroup(1, 1000, true), pair(256, 1));
    }
}
