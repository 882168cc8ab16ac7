//! What kernels have in common that reduce a matrix's rows: how columns and rows are divided over invocations.

use wgrad_core::op::AdapterClass;
use wgrad_core::{Kernel, Literal, LoadHook, StoreHook};

use crate::cases::grid;

/// Invocations of a workgroup on a GPU.
const INVOCATIONS: usize = 256;
/// The most of them that share a block of four columns.
const STRANDS: usize = 32;
/// Invocations of a workgroup on a software adapter, where it sets how the work is divided over the processors.
const SERIAL_INVOCATIONS: usize = 8;

/// How often a kernel goes over its rows, at most.
const PASSES: usize = 2;

/// The parts of such a kernel's WGSL that have names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ColumnKernels {
    /// The WGSL file.
    pub source: &'static str,
    /// The entry point for GPUs, whose invocations are a number of blocks times a number of strands.
    pub entry: &'static str,
    /// The entry point for software adapters, in workgroups of eight invocations, one for each block.
    pub serial: &'static str,
    /// The constants that say how many blocks a workgroup takes, and how many strands share one.
    pub constants: [&'static str; 2],
}

impl ColumnKernels {
    /// The kernels for so many blocks of four columns, each the reduction of `extent` rows, with these uniforms.
    pub fn kernels(&self, blocks: usize, extent: usize, dims: &[usize], hooks: (Vec<LoadHook>, Vec<StoreHook>)) -> Vec<Kernel> {
        let serial = Kernel {
            candidate: "serial",
            source: self.source,
            entry: self.serial,
            class: Some(AdapterClass::Software),
            cooperative: None,
            dims: dims.iter().map(|&extent| extent as u32).collect(),
            constants: Vec::new(),
            workgroups: grid(blocks.div_ceil(SERIAL_INVOCATIONS)),
            rounds: (PASSES * extent) as u64,
            loads: hooks.0,
            stores: hooks.1,
            sums: Vec::new(),
        };
        let strands = extent.next_power_of_two().min(STRANDS);
        let across = INVOCATIONS / strands;
        let values = [across, strands].map(|value| Literal::U32(value as u32));
        let shared = Kernel {
            candidate: "shared",
            entry: self.entry,
            class: Some(AdapterClass::Gpu),
            cooperative: None,
            constants: self.constants.into_iter().zip(values).collect(),
            workgroups: grid(blocks.div_ceil(across)),
            rounds: (PASSES * extent.div_ceil(strands) + STRANDS) as u64,
            ..serial.clone()
        };
        vec![serial, shared]
    }
}

/// The rows of each chunk where the reduction of a matrix's rows, or of a vector, is best done in two stages: that of
/// chunks, as many as each has rows, and that of their results. None where one stage is best.
///
/// A reduction with few results is the work of few invocations, however many rows it has.
pub(crate) fn chunk(rows: usize, columns: usize) -> Option<usize> {
    /// Four columns each for some hundreds of invocations, which are enough without chunks.
    const MANY_COLUMNS: usize = 1024;
    let is_long = if columns == 1 { rows > 1 << 14 } else { rows > 1 << 11 };
    (is_long && columns < MANY_COLUMNS).then(|| rows.isqrt().next_power_of_two())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_reductions_with_few_results_have_chunks() {
        assert_eq!(chunk(10_000_000, 1), Some(4096));
        assert_eq!(chunk(50_176, 32), Some(256));
        assert_eq!(chunk(1024, 1), None);
        assert_eq!(chunk(1024, 10), None);
        assert_eq!(chunk(50_176, 4096), None);
        assert_eq!(chunk(50_176, 0), Some(256));
    }

    #[test]
    fn workgroups_are_full_whatever_the_shape() {
        let kernels = ColumnKernels { source: "", entry: "", serial: "", constants: ["blocks", "strands"] };
        let constants = |extent| {
            let kernels = kernels.kernels(3, extent, &[], (Vec::new(), Vec::new()));
            [kernels[1].constants[0].1, kernels[1].constants[1].1]
        };
        assert_eq!(constants(64), [Literal::U32(8), Literal::U32(32)]);
        assert_eq!(constants(3), [Literal::U32(64), Literal::U32(4)]);
        assert_eq!(constants(0), [Literal::U32(256), Literal::U32(1)]);
    }
}
