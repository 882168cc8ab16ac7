//! Somebody's own kernel, in place of a built-in one.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use naga::{AddressSpace, StorageAccess, TypeInner};
use wgrad::core::{Kernel, LoadHook, Lowering, StoreHook};

use crate::trial::Candidate;
use crate::workload::Workload;

/// What a line of the file begins with that says how many workgroups there are.
const WORKGROUPS: &str = "// workgroups:";

/// A WGSL file with one entry point. Its storage bindings, in the order of their numbers, are the operation's inputs and
/// then its outputs; the uniform at binding 0 is a struct of `u32`, whose members have the names of the built-in kernel's, or of
/// extents that all kernels know: `count`, `rows` and `columns` of the first output.
///
/// A line `// workgroups: n/64, m/64, batch` says how many workgroups there are along each dimension: names of such numbers,
/// or numbers, each divided and rounded up where there is a divisor.
#[derive(Clone, Debug)]
pub struct OwnKernel {
    name: String,
    source: String,
    entry: String,
    members: Vec<String>,
    /// The names of the storage bindings, and whether each is written.
    bindings: Vec<(String, bool)>,
    workgroups: Vec<String>,
}

impl OwnKernel {
    /// Reads and parses a file.
    pub fn read(path: &Path) -> Result<Self> {
        let source = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        // With its extension, which no built-in kernel has.
        let name = path.file_name().map_or_else(|| "own".into(), |name| name.to_string_lossy().into_owned());
        Self::parse(&name, source).with_context(|| path.display().to_string())
    }

    fn parse(name: &str, source: String) -> Result<Self> {
        let module = naga::front::wgsl::parse_str(&source).map_err(|error| anyhow::anyhow!(error.emit_to_string(&source)))?;
        let [entry] = &*module.entry_points else { bail!("wanted one entry point, got {}", module.entry_points.len()) };
        let mut members = Vec::new();
        let mut bindings = Vec::new();
        for (_, variable) in module.global_variables.iter() {
            let Some(binding) = &variable.binding else { continue };
            ensure!(binding.group == 0, "wanted bindings of group 0, got one of group {}", binding.group);
            match (variable.space, &module.types[variable.ty].inner) {
                (AddressSpace::Uniform, TypeInner::Struct { members: found, .. }) => {
                    ensure!(binding.binding == 0, "wanted the uniform at binding 0, got {}", binding.binding);
                    members = found.iter().map(|member| member.name.clone().unwrap_or_default()).collect();
                }
                (AddressSpace::Storage { access }, _) => {
                    let name = variable.name.clone().context("a storage binding has no name")?;
                    bindings.push((binding.binding, name, access.contains(StorageAccess::STORE)));
                }
                (space, _) => bail!("wanted a uniform struct and storage, got {space:?} at binding {}", binding.binding),
            }
        }
        ensure!(!members.is_empty(), "wanted a uniform struct of counts at binding 0, got none");
        bindings.sort();
        for (place, (binding, name, _)) in bindings.iter().enumerate() {
            ensure!(*binding == place as u32 + 1, "wanted storage at bindings 1, 2, ..., got {name} at {binding}");
        }
        let line = source.lines().find_map(|line| line.trim().strip_prefix(WORKGROUPS));
        let line = line.with_context(|| format!("wanted a line that begins with {WORKGROUPS}, got none"))?;
        let workgroups: Vec<String> = line.split(',').map(|part| part.trim().to_owned()).collect();
        ensure!((1..=3).contains(&workgroups.len()), "wanted workgroups along 1 to 3 dimensions, got {}", workgroups.len());
        Ok(Self {
            name: name.to_owned(),
            entry: entry.name.clone(),
            members,
            bindings: bindings.into_iter().map(|(_, name, writes)| (name, writes)).collect(),
            workgroups,
            source,
        })
    }

    /// The kernel for a workload.
    pub fn candidate(&self, workload: &Workload) -> Result<Candidate> {
        let numbers = numbers(workload)?;
        let outputs = workload.op.infer(&workload.inputs)?.len();
        let reads = workload.inputs.len();
        let name = |(name, writes): &(String, bool)| if *writes { format!("{name} (written)") } else { name.clone() };
        let names: Vec<String> = self.bindings.iter().map(name).collect();
        let writes: Vec<bool> = self.bindings.iter().map(|(_, writes)| *writes).collect();
        ensure!(
            writes.len() == reads + outputs && writes.iter().enumerate().all(|(place, writes)| *writes == (place >= reads)),
            "wanted storage bindings for {reads} inputs to read and then {outputs} outputs to write, got {}",
            names.join(", ")
        );
        let dims = self.members.iter().map(|member| number(&numbers, member)).collect::<Result<_>>()?;
        let mut workgroups = [1; 3];
        for (count, text) in workgroups.iter_mut().zip(&self.workgroups) {
            *count = evaluate(&numbers, text)?;
        }
        ensure!(workgroups.iter().all(|count| *count > 0), "wanted a workgroup at least, got {workgroups:?}");
        // A benchmark runs once, and keeps its kernels to the end.
        let kept = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        let kernel = Kernel {
            candidate: kept(&self.name),
            source: kept(&self.source),
            entry: kept(&self.entry),
            class: None,
            cooperative: None,
            dims,
            constants: Vec::new(),
            workgroups,
            rounds: 0,
            loads: self.bindings[..reads]
                .iter()
                .map(|(name, _)| LoadHook { variable: kept(name), function: None, row: None })
                .collect(),
            stores: self.bindings[reads..].iter().map(|(name, _)| StoreHook { variable: kept(name), function: None }).collect(),
            sums: Vec::new(),
        };
        Ok(Candidate::of_kernel(&self.name, kernel))
    }
}

/// The numbers that a kernel can ask for, by name.
fn numbers(workload: &Workload) -> Result<Vec<(String, u32)>> {
    let outputs = workload.op.infer(&workload.inputs)?;
    let shape = &outputs.first().context("the operation has no output")?.shape;
    let extents = [("count", shape.elements()), ("rows", shape.rows()), ("columns", shape.columns())];
    let mut numbers: Vec<(String, u32)> = extents.map(|(name, extent)| (name.to_owned(), extent as u32)).to_vec();
    if let Lowering::Kernels(kernels) = workload.op.lowering(&workload.inputs)
        && let Some(kernel) = kernels.first()
    {
        let [x, y, _] = kernel.workgroups;
        numbers.extend([("workgroups_x", x), ("workgroups_y", y)].map(|(name, count)| (name.to_owned(), count)));
        let module = naga::front::wgsl::parse_str(kernel.source).context(kernel.candidate)?;
        let uniform = module.global_variables.iter().find(|(_, variable)| variable.space == AddressSpace::Uniform);
        if let Some((_, uniform)) = uniform
            && let TypeInner::Struct { members, .. } = &module.types[uniform.ty].inner
        {
            let names = members.iter().map(|member| member.name.clone().unwrap_or_default());
            numbers.splice(0..0, names.zip(kernel.dims.iter().copied()));
        }
    }
    Ok(numbers)
}

fn number(numbers: &[(String, u32)], name: &str) -> Result<u32> {
    let known = || numbers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    let found = numbers.iter().find(|(known, _)| known == name).map(|&(_, number)| number);
    found.or_else(|| name.parse().ok()).with_context(|| format!("wanted one of {}, got {name}", known()))
}

/// `name`, `64`, or `name/64` rounded up.
fn evaluate(numbers: &[(String, u32)], text: &str) -> Result<u32> {
    match text.split_once('/') {
        None => number(numbers, text),
        Some((dividend, divisor)) => {
            let [dividend, divisor] = [dividend, divisor].map(|part| number(numbers, part.trim()));
            let divisor = divisor?;
            ensure!(divisor > 0, "{text}: wanted a divisor above 0");
            Ok(dividend?.div_ceil(divisor))
        }
    }
}
