//! The kernels of a matrix product and the tiles that they divide it into.

use wgrad_core::op::{AdapterClass, Cooperative};
use wgrad_core::{Kernel, Lanes, Literal, LoadHook, StoreHook, SumHook};

use super::{Extents, Matmul};
use crate::cases::grid;

/// The kernels for a product, the best for each class of adapter first. `axis` is the left operand's that is summed
/// over.
pub(crate) fn candidates(op: Matmul, extents: Extents, axis: usize) -> Vec<Kernel> {
    let registers = first(Tile::for_registers(extents), Tile::REGISTERS).map(|tile| register_tile(op, extents, axis, tile));
    let workgroups = first(Tile::for_workgroup(extents), Tile::WORKGROUPS).map(|tile| workgroup_tile(op, extents, axis, tile));
    registers.into_iter().chain(workgroups).collect()
}

/// The same for a product of halves, which adapters with cooperative matrices multiply by those.
pub(crate) fn candidates_of_halves(op: Matmul, extents: Extents, axis: usize) -> Vec<Kernel> {
    let mut candidates = candidates(op, extents, axis);
    // Tiles that are as large as the larger workgroup tile want as many of them.
    let is_best = Tile::for_workgroup(extents) == Tile::WORKGROUPS[0];
    let at = if is_best { Tile::REGISTERS.len() } else { candidates.len() };
    candidates.insert(at, cooperative_tile(op, extents));
    candidates
}

/// The tiles with the best of them in front.
fn first<const N: usize>(best: Tile, mut tiles: [Tile; N]) -> [Tile; N] {
    tiles.sort_by_key(|tile| *tile != best);
    tiles
}

/// What one invocation or workgroup makes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Tile {
    name: &'static str,
    rows: usize,
    columns: usize,
    /// The step along k.
    step: usize,
}

/// The step along k of a slice of a workgroup's tile.
const DEPTH: usize = 16;
/// The most blocks that an invocation brings into such a tile for a step.
const LOADS: usize = 4;

impl Tile {
    /// Those that an invocation makes alone.
    const REGISTERS: [Self; 3] = [
        Self { name: "register_tile_16", rows: 16, columns: 16, step: 4 },
        Self { name: "register_tile_8", rows: 8, columns: 16, step: 4 },
        Self { name: "register_tile_4", rows: 4, columns: 16, step: 4 },
    ];

    /// Those that a workgroup makes: a large one, and a small one whose inner extent is divided into four slices.
    const WORKGROUPS: [Self; 2] = [
        Self { name: "workgroup_tile_64", rows: 64, columns: 64, step: DEPTH },
        Self { name: "workgroup_tile_32", rows: 32, columns: 32, step: 4 * DEPTH },
    ];

    /// The one that a workgroup's four subgroups make by cooperative matrices.
    const COOPERATIVE: Self = Self { name: "cooperative_tile", rows: 64, columns: 64, step: 32 };

    /// Tiles down and across one output of a batch.
    fn counts(self, extents: Extents) -> [usize; 2] {
        [extents.m.div_ceil(self.rows), extents.n.div_ceil(self.columns)]
    }

    /// Tiles of all outputs of a batch.
    fn total(self, extents: Extents) -> usize {
        self.counts(extents).iter().product::<usize>() * extents.batch
    }

    /// Whether tiles reach beyond the matrices.
    fn is_ragged(self, extents: Extents) -> bool {
        let Extents { m, n, k, .. } = extents;
        !(m.is_multiple_of(self.rows) && n.is_multiple_of(self.columns) && k.is_multiple_of(self.step))
    }

    /// The register tile with the most rows, and so the fewest loads, of which there are enough to keep the vector
    /// lanes of a few processors busy.
    fn for_registers(extents: Extents) -> Self {
        const ENOUGH: usize = 16;
        let is_enough = |tile: &Tile| tile.total(extents) >= ENOUGH;
        let [.., smallest] = Self::REGISTERS;
        Self::REGISTERS.into_iter().find(is_enough).unwrap_or(smallest)
    }

    /// Where there are many tiles they are large, so that each operand is loaded least; where there are few, small ones
    /// and four slices of k in each workgroup keep more of a GPU busy.
    fn for_workgroup(extents: Extents) -> Self {
        const MANY: usize = 128;
        let [large, small] = Self::WORKGROUPS;
        if large.total(extents) >= MANY { large } else { small }
    }
}

/// A tile for each invocation, in registers: no workgroup memory and no barriers.
fn register_tile(op: Matmul, extents: Extents, axis: usize, tile: Tile) -> Kernel {
    const WORKGROUP_SIZE: usize = 8;
    let tiles: usize = tile.counts(extents).iter().product();
    Kernel {
        candidate: tile.name,
        source: include_str!("register_tile.wgsl"),
        entry: "matmul",
        class: Some(AdapterClass::Software),
        cooperative: None,
        dims: dims(extents),
        constants: sized_constants(op, extents, tile),
        workgroups: grid(tiles.div_ceil(WORKGROUP_SIZE) * extents.batch),
        // What is stored has loops too, of so many rounds together.
        rounds: (extents.k.div_ceil(tile.step) + 5 * tile.rows) as u64,
        loads: loads(),
        stores: stores(),
        sums: sums(axis),
    }
}

/// A tile for each workgroup, whose operands pass through its memory.
fn workgroup_tile(op: Matmul, extents: Extents, axis: usize, tile: Tile) -> Kernel {
    let mut constants = sized_constants(op, extents, tile);
    constants.push(("matmul_tile_depth", Literal::U32(DEPTH as u32)));
    constants.push(("matmul_slices", Literal::U32((tile.step / DEPTH) as u32)));
    Kernel {
        candidate: tile.name,
        source: include_str!("workgroup_tile.wgsl"),
        entry: "matmul",
        class: Some(AdapterClass::Gpu),
        cooperative: None,
        dims: dims(extents),
        constants,
        workgroups: grid(tile.total(extents)),
        rounds: (extents.k.div_ceil(tile.step) * (DEPTH + LOADS) + tile.step) as u64,
        loads: loads(),
        stores: stores(),
        sums: sums(axis),
    }
}

/// A tile for each workgroup, whose operands pass through its memory into cooperative matrices.
fn cooperative_tile(op: Matmul, extents: Extents) -> Kernel {
    const MATRICES: Cooperative = Cooperative { edge: 16, subgroup_size: 32 };
    let tile = Tile::COOPERATIVE;
    let mut constants = constants(op, extents, tile);
    constants.push(("matmul_subgroup_size", Literal::U32(MATRICES.subgroup_size)));
    Kernel {
        candidate: tile.name,
        source: include_str!("cooperative_tile.wgsl"),
        entry: "matmul",
        class: Some(AdapterClass::Gpu),
        cooperative: Some(MATRICES),
        dims: dims(extents),
        constants,
        workgroups: grid(tile.total(extents)),
        rounds: (extents.k.div_ceil(tile.step) * tile.step) as u64,
        loads: loads(),
        stores: stores(),
        // There is no sum of halves that it could make on the way.
        sums: Vec::new(),
    }
}

fn dims(extents: Extents) -> Vec<u32> {
    [extents.m, extents.n, extents.k, extents.batch].map(|extent| extent as u32).to_vec()
}

fn constants(op: Matmul, extents: Extents, tile: Tile) -> Vec<(&'static str, Literal)> {
    vec![
        ("matmul_transpose_lhs", Literal::Bool(op.transpose_lhs)),
        ("matmul_transpose_rhs", Literal::Bool(op.transpose_rhs)),
        ("matmul_ragged", Literal::Bool(tile.is_ragged(extents))),
        ("matmul_batched", Literal::Bool(extents.batch != 1)),
    ]
}

/// Those of a kernel whose tiles may have any size.
fn sized_constants(op: Matmul, extents: Extents, tile: Tile) -> Vec<(&'static str, Literal)> {
    let mut constants = constants(op, extents, tile);
    constants.push(("matmul_tile_rows", Literal::U32(tile.rows as u32)));
    constants.push(("matmul_tile_columns", Literal::U32(tile.columns as u32)));
    constants
}

fn loads() -> Vec<LoadHook> {
    let load = |variable, function, row| LoadHook { variable, function: Some((function, Lanes::Four)), row: Some(row) };
    vec![load("matmul_lhs", "matmul_load_lhs", "matmul_lhs_row"), load("matmul_rhs", "matmul_load_rhs", "matmul_rhs_row")]
}

fn stores() -> Vec<StoreHook> {
    vec![StoreHook { variable: "matmul_output", function: Some(("matmul_store", Lanes::Four)) }]
}

/// The kernels can sum the left operand over k: the gradient of a bias, where that operand is an upstream gradient.
fn sums(axis: usize) -> Vec<SumHook> {
    vec![SumHook { input: 0, axis, function: "matmul_store_lhs_sum", flag: "matmul_sum_lhs" }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ragged_is_told_only_where_tiles_reach_beyond() {
        let tile = Tile { name: "", rows: 32, columns: 16, step: 4 };
        assert!(!tile.is_ragged(Extents { batch: 3, m: 64, n: 48, k: 12 }));
        for (m, n, k) in [(65, 48, 12), (64, 40, 12), (64, 48, 10)] {
            assert!(tile.is_ragged(Extents { batch: 1, m, n, k }));
        }
    }

    #[test]
    fn large_products_take_large_workgroup_tiles() {
        let op = Matmul { transpose_lhs: false, transpose_rhs: false };
        let constants = |batch, m, n| {
            let extents = Extents { batch, m, n, k: 784 };
            workgroup_tile(op, extents, 1, Tile::for_workgroup(extents)).constants
        };
        for ((batch, m, n), edge, slices) in [((1, 64, 256), 32, 4), ((1, 10_000, 256), 64, 1), ((128, 64, 64), 64, 1)] {
            assert!(constants(batch, m, n).contains(&("matmul_tile_rows", Literal::U32(edge))));
            assert!(constants(batch, m, n).contains(&("matmul_slices", Literal::U32(slices))));
        }
    }

    #[test]
    fn small_products_take_small_register_tiles() {
        let rows = |m, n| Tile::for_registers(Extents { batch: 1, m, n, k: 64 }).rows;
        assert_eq!([rows(64, 256), rows(64, 128), rows(10, 128), rows(64, 10)], [16, 16, 8, 4]);
        assert_eq!(Tile::for_registers(Extents { batch: 4, m: 64, n: 10, k: 64 }).rows, 16);
    }

    #[test]
    fn cooperative_tiles_come_first_of_a_gpu_s_where_there_are_many_and_never_for_f32() {
        let op = Matmul { transpose_lhs: false, transpose_rhs: true };
        let is_cooperative = |kernel: &Kernel| kernel.cooperative.is_some();
        for ((batch, m, n), place) in [((1, 2048, 2048), 3), ((128, 64, 64), 3), ((1, 64, 256), 5), ((0, 4, 4), 5)] {
            let extents = Extents { batch, m, n, k: 784 };
            let kernels = candidates_of_halves(op, extents, 1);
            assert_eq!(kernels.iter().position(is_cooperative), Some(place), "{extents:?}");
            assert!(!candidates(op, extents, 1).iter().any(is_cooperative));
        }
    }
}
