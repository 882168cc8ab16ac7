//! What an adapter can do at most, by probes that do nothing else.

use std::sync::Arc;

use anyhow::Result;
use wgrad::core::op::{AdapterClass, Work};
use wgrad::core::plan::{Binding, Buffer, BufferId, Dispatch, Plan, Role, Shader};
use wgrad::core::{DType, TensorType};
use wgrad::executor::{Checks, Device, Executor};

/// Rates that kernels cannot pass for long: those whose tensors fit into a cache may be faster than a copy, and matrix units
/// multiply faster than the processor's own arithmetic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ceiling {
    /// Fused multiplications and additions of f32, each counted as two operations, in 1e9 a second.
    pub gflop_per_second: f64,
    /// Bytes that a copy reads and writes, in 1e9 a second.
    pub gigabytes_per_second: f64,
}

impl Ceiling {
    /// The nanoseconds that this work takes at least: `max(FLOPs / peak, bytes / bandwidth)`.
    pub fn nanoseconds(&self, work: Work) -> f64 {
        (work.flops as f64 / self.gflop_per_second).max(work.bytes as f64 / self.gigabytes_per_second)
    }

    /// The better of two, rate by rate: something else may have slowed one of them down.
    pub fn or_better(self, other: Self) -> Self {
        Self {
            gflop_per_second: self.gflop_per_second.max(other.gflop_per_second),
            gigabytes_per_second: self.gigabytes_per_second.max(other.gigabytes_per_second),
        }
    }

    /// Which of the two it is.
    pub fn is_compute_bound(&self, work: Work) -> bool {
        work.flops as f64 / self.gflop_per_second > work.bytes as f64 / self.gigabytes_per_second
    }

    /// Measures both.
    pub fn measure(device: &Device, samples: usize) -> Result<Self> {
        let is_software = device.target().class == AdapterClass::Software;
        let (invocations, rounds) = if is_software { (1 << 14, 256) } else { (1 << 20, 1024) };
        let fma = probe(
            device,
            include_str!("probes/fma.wgsl"),
            "fma_main",
            &[rounds],
            &[16 * u64::from(invocations)],
            [invocations / 64, 1, 1],
        );
        let bytes = if is_software { 64 << 20 } else { 256 << 20 };
        let (count, columns) = ((bytes / 16) as u32, 1 << 16);
        let copy = probe(
            device,
            include_str!("probes/copy.wgsl"),
            "copy_main",
            &[count, columns],
            &[bytes; 2],
            [columns / 64, count / columns, 1],
        );
        let flops = 2.0 * 4.0 * 8.0 * f64::from(rounds) * f64::from(invocations);
        Ok(Self {
            gflop_per_second: flops / fastest(device, &fma, samples)?,
            gigabytes_per_second: 2.0 * bytes as f64 / fastest(device, &copy, samples)?,
        })
    }
}

/// The shortest time is the ceiling: what lies above it is noise.
fn fastest(device: &Device, plan: &Plan, samples: usize) -> Result<f64> {
    let mut executor = Executor::new(device.clone(), Checks::Unchecked);
    let loaded = executor.load_blocking(plan)?;
    Ok(executor.sample_blocking(&loaded, samples)?.least())
}

/// A kernel with buffers of zeros, of which it writes the last.
fn probe(device: &Device, source: &str, entry: &str, dims: &[u32], bytes: &[u64], workgroups: [u32; 3]) -> Plan {
    let last = bytes.len() - 1;
    let kind = |bytes: u64| TensorType::new(DType::U32, [bytes as usize / 4]);
    let buffer = |(index, &bytes): (usize, &u64)| {
        let role = if index == last { Role::Scratch } else { Role::Input(format!("input {index}"), kind(bytes)) };
        Buffer { label: format!("{entry} {index}"), role, bytes }
    };
    let writes = |index: usize| index == last;
    Plan {
        name: entry.to_owned(),
        target: device.target(),
        buffers: bytes.iter().enumerate().map(buffer).collect(),
        shaders: vec![Arc::new(Shader {
            label: entry.to_owned(),
            source: source.to_owned(),
            entry: entry.to_owned(),
            writes: (0..bytes.len()).map(writes).collect(),
        })],
        dispatches: vec![Dispatch {
            label: entry.to_owned(),
            shader: 0,
            dims: dims.to_vec(),
            bindings: (0..bytes.len()).map(|index| Binding { buffer: BufferId(index as u32), writes: writes(index) }).collect(),
            workgroups,
            level: 0,
            work: Work::default(),
            nodes: Vec::new(),
            reads: Vec::new(),
            writes: Vec::new(),
        }],
        outputs: Vec::new(),
    }
}
