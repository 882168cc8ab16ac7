//! The kernels of a pass over keys or queries, for software adapters and for GPUs.

use wgrad_core::op::AdapterClass;
use wgrad_core::{Kernel, Lanes, Literal, LoadHook, StoreHook};

use super::{Attention, Extents};
use crate::cases::grid;

/// The names of a pass's bindings, hooks and constants, and the rows that it divides over invocations.
pub(super) struct Pass {
    pub source: &'static str,
    pub entry: &'static str,
    /// The binding and the function of each input that is read by fours, and then by single elements; outputs likewise.
    pub loads: Vec<(&'static str, &'static str)>,
    pub scalar_loads: Vec<(&'static str, &'static str)>,
    pub stores: Vec<(&'static str, &'static str)>,
    pub scalar_stores: Vec<(&'static str, &'static str)>,
    pub names: Names,
    pub rows: usize,
}

/// The constants of a pass's WGSL.
#[derive(Clone, Copy)]
pub(super) struct Names {
    pub workgroup_size: &'static str,
    pub rows: &'static str,
    pub blocks: &'static str,
    pub scale: &'static str,
    pub causal: &'static str,
    pub tile: &'static str,
    pub shares: &'static str,
    pub room: &'static str,
}

/// The names of a pass's constants, which begin with the operation's.
macro_rules! names {
    ($prefix:literal) => {
        $crate::attention::candidates::Names {
            workgroup_size: concat!($prefix, "_workgroup_size"),
            rows: concat!($prefix, "_rows"),
            blocks: concat!($prefix, "_blocks"),
            scale: concat!($prefix, "_scale"),
            causal: concat!($prefix, "_causal"),
            tile: concat!($prefix, "_tile"),
            shares: concat!($prefix, "_shares"),
            room: concat!($prefix, "_room"),
        }
    };
}
pub(super) use names;

/// How a candidate divides its rows and what it passes over.
struct Division {
    candidate: &'static str,
    class: AdapterClass,
    workgroup_size: usize,
    rows: usize,
    tile: usize,
    shares: bool,
}

/// Workgroup memory that every WebGPU adapter has, for two tiles of blocks of four elements.
const BLOCKS_OF_TILE: usize = 16_384 / 2 / 16;
/// Keys, or queries, in a tile where it has room for as many.
const TILE: usize = 16;

impl Pass {
    /// One candidate for each class.
    pub fn candidates(self, op: Attention, extents: Extents) -> Vec<Kernel> {
        let blocks = extents.columns.div_ceil(4);
        // Each element of a row is in registers: fewer rows where they are long.
        let rows = if blocks <= 16 { 4 } else { 1 };
        let registers = Division {
            candidate: "registers",
            class: AdapterClass::Software,
            workgroup_size: 8,
            rows,
            tile: TILE,
            shares: false,
        };
        let tile = (BLOCKS_OF_TILE / blocks / 4 * 4).min(TILE);
        let workgroup = Division {
            candidate: "workgroup",
            class: AdapterClass::Gpu,
            workgroup_size: 64,
            rows: 1,
            tile: tile.max(4),
            shares: tile > 0,
        };
        [registers, workgroup].map(|division| self.kernel(op, extents, blocks, &division)).to_vec()
    }

    fn kernel(&self, op: Attention, extents: Extents, blocks: usize, division: &Division) -> Kernel {
        let &Division { candidate, class, workgroup_size, rows, tile, shares } = division;
        let load = |lanes| move |&(variable, name)| LoadHook { variable, function: Some((name, lanes)), row: None };
        let store = |lanes| move |&(variable, name)| StoreHook { variable, function: Some((name, lanes)) };
        let whole = |value: usize| Literal::U32(value as u32);
        let room = if shares { tile * blocks } else { 1 };
        let names = self.names;
        Kernel {
            candidate,
            source: self.source,
            entry: self.entry,
            class: Some(class),
            dims: [extents.batch, extents.queries, extents.keys].map(|extent| extent as u32).to_vec(),
            constants: vec![
                (names.workgroup_size, whole(workgroup_size)),
                (names.rows, whole(rows)),
                (names.blocks, whole(blocks)),
                (names.scale, Literal::F32(op.scale)),
                (names.causal, Literal::Bool(op.causal)),
                (names.tile, whole(tile)),
                (names.shares, Literal::Bool(shares)),
                (names.room, whole(room)),
            ],
            workgroups: grid(extents.batch * self.rows.div_ceil(workgroup_size * rows)),
            loads: self.loads.iter().map(load(Lanes::Four)).chain(self.scalar_loads.iter().map(load(Lanes::One))).collect(),
            stores: self.stores.iter().map(store(Lanes::Four)).chain(self.scalar_stores.iter().map(store(Lanes::One))).collect(),
            sums: Vec::new(),
        }
    }
}
