//! The kernels of a pass over keys or queries, for software adapters and for GPUs.

use wgrad_core::op::AdapterClass;
use wgrad_core::{Kernel, Lanes, Literal, LoadHook, StoreHook};

use super::{Attention, Extents};
use crate::cases::grid;

/// A binding and the function that reads or writes it.
pub(super) type Hook = (&'static str, &'static str, Lanes);

/// The names of a pass's WGSL, and what is divided over invocations.
pub(super) struct Pass {
    pub entry: &'static str,
    /// The WGSL files for software adapters and for GPUs.
    pub registers: &'static str,
    pub workgroup: &'static str,
    pub loads: Vec<Hook>,
    pub stores: Vec<Hook>,
    pub names: Names,
    /// The rows that are divided: queries or keys.
    pub rows: usize,
}

/// The constants of a pass's WGSL.
#[derive(Clone, Copy)]
pub(super) struct Names {
    pub groups: &'static str,
    pub blocks: &'static str,
    pub scale: &'static str,
    pub causal: &'static str,
}

/// The names of a pass's constants, which begin with the operation's.
macro_rules! names {
    ($prefix:literal) => {
        $crate::attention::candidates::Names {
            groups: concat!($prefix, "_groups"),
            blocks: concat!($prefix, "_blocks"),
            scale: concat!($prefix, "_scale"),
            causal: concat!($prefix, "_causal"),
        }
    };
}
pub(super) use names;

/// Invocations of a workgroup on a software adapter: one vector of AVX2.
const SOFTWARE_INVOCATIONS: usize = 8;
/// The most blocks of four rows and four columns of one tensor that an invocation has in registers there.
const REGISTER_BLOCKS: usize = 16;
/// Rows of a workgroup on a GPU.
const EDGE: usize = 16;

impl Pass {
    /// One candidate for each class.
    pub fn candidates(self, op: Attention, extents: Extents) -> Vec<Kernel> {
        let blocks = extents.columns.div_ceil(4);
        // Two groups of four rows share loads where the code for them is not too long.
        let groups = (REGISTER_BLOCKS / blocks).clamp(1, 2).min(self.rows.div_ceil(4).max(1));
        let invocations = extents.batch * self.rows.div_ceil(4 * groups);
        let load = |&(variable, function, lanes)| LoadHook { variable, function: Some((function, lanes)), row: None };
        let store = |&(variable, function, lanes)| StoreHook { variable, function: Some((function, lanes)) };
        let constants = vec![
            (self.names.blocks, Literal::U32(blocks as u32)),
            (self.names.scale, Literal::F32(op.scale)),
            (self.names.causal, Literal::Bool(op.causal)),
        ];
        let registers = Kernel {
            candidate: "registers",
            source: self.registers,
            entry: self.entry,
            class: Some(AdapterClass::Software),
            cooperative: None,
            dims: [extents.batch, extents.queries, extents.keys].map(|extent| extent as u32).to_vec(),
            constants: [&constants[..], &[(self.names.groups, Literal::U32(groups as u32))]].concat(),
            workgroups: grid(invocations.div_ceil(SOFTWARE_INVOCATIONS)),
            rounds: 4 * extents.queries.max(extents.keys) as u64,
            loads: self.loads.iter().map(load).collect(),
            stores: self.stores.iter().map(store).collect(),
            sums: Vec::new(),
        };
        let workgroup = Kernel {
            candidate: "workgroup",
            source: self.workgroup,
            class: Some(AdapterClass::Gpu),
            cooperative: None,
            constants,
            workgroups: grid(extents.batch * self.rows.div_ceil(EDGE)),
            ..registers.clone()
        };
        vec![registers, workgroup]
    }
}
