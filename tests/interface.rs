//! Every shader, alone and composed, is valid WGSL, agrees with its Rust half, and translates to what Vulkan, Metal
//! and DX12 take. Needs no GPU.

#[path = "support/operations.rs"]
mod operations;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use operations::operations;
use wgrad::core::op::AdapterClass;
use wgrad::core::plan::{Choices, Plan, Target, plan};
use wgrad::core::{Kernel, Lowering, Op};
use wgrad::ops;

const CLASSES: [AdapterClass; 2] = [AdapterClass::Software, AdapterClass::Gpu];

/// The WGSL files of an operation for a case's inputs.
fn sources(op: &dyn Op) -> BTreeSet<&'static str> {
    let mut sources = BTreeSet::new();
    for case in op.cases() {
        let kinds: Vec<_> = case.inputs.iter().map(|input| input.kind.clone()).collect();
        match op.lowering(&kinds) {
            Lowering::Pointwise(function) => _ = sources.insert(function.source),
            Lowering::Kernels(kernels) => sources.extend(kernels.iter().map(|kernel| kernel.source)),
            Lowering::View(_) | Lowering::Pack(_) => {}
        }
    }
    sources
}

fn validate(source: &str) -> Result<(naga::Module, ModuleInfo)> {
    let module = naga::front::wgsl::parse_str(source).map_err(|error| anyhow!(error.emit_to_string(source)))?;
    // Words of two f16 are a part of WebGPU, which naga counts among what an adapter may lack.
    let mut capabilities = Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    if has_cooperative_matrices(&module) {
        capabilities |= Capabilities::COOPERATIVE_MATRIX | Capabilities::SHADER_FLOAT16 | Capabilities::SUBGROUP;
    }
    let validated = Validator::new(ValidationFlags::all(), capabilities).validate(&module);
    let info = validated.map_err(|error| anyhow!(error.emit_to_string(source)))?;
    Ok((module, info))
}

fn has_cooperative_matrices(module: &naga::Module) -> bool {
    module.types.iter().any(|(_, kind)| matches!(kind.inner, naga::TypeInner::CooperativeMatrix { .. }))
}

/// Names at module scope that do not begin with the operation's.
fn foreign_names(module: &naga::Module, stem: &str) -> Vec<String> {
    let functions = module.functions.iter().map(|(_, function)| function.name.clone());
    let variables = module.global_variables.iter().map(|(_, variable)| variable.name.clone());
    let constants = module.constants.iter().map(|(_, constant)| constant.name.clone());
    let types = module.types.iter().map(|(_, kind)| kind.name.clone());
    let entries = module.entry_points.iter().map(|entry| Some(entry.name.clone()));
    let names = functions.chain(variables).chain(constants).chain(types).chain(entries).flatten();
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    // naga adds a type for each of its own built-in results, whose names begin with two underscores.
    names.filter(|name| !name.starts_with("__") && !plain(name).starts_with(&plain(stem))).collect()
}

/// Writes a module in the languages of Vulkan, Metal and DX12.
fn translate(module: &naga::Module, info: &ModuleInfo) -> Result<()> {
    let words = spv::write_vec(module, info, &spv::Options::default(), None).context("SPIR-V")?;
    // Kernels with cooperative matrices are for Vulkan alone: Metal has others, of 8 x 8, though naga would write these too
    // without an error; DX12 has none in naga.
    if has_cooperative_matrices(module) {
        ensure!(!words.is_empty(), "an entry point got lost");
        return Ok(());
    }
    let (metal, _) =
        msl::write_string(module, info, &msl::Options { fake_missing_bindings: true, ..Default::default() }, &Default::default())
            .context("MSL")?;
    let mut direct = String::new();
    let options = hlsl::Options { fake_missing_bindings: true, ..Default::default() };
    let pipeline = hlsl::PipelineOptions::default();
    hlsl::Writer::new(&mut direct, &options, &pipeline).write(module, info, None).context("HLSL")?;
    ensure!(!words.is_empty() && metal.contains("kernel") && direct.contains("numthreads"), "an entry point got lost");
    Ok(())
}

fn check_plan(plan: &Plan) -> Result<()> {
    plan.verify()?;
    for dispatch in &plan.dispatches {
        // What a device that an application lends has to bind as a uniform.
        ensure!(size_of_val(&*dispatch.dims) <= 1 << 10, "{}: {} dims", dispatch.label, dispatch.dims.len());
    }
    for shader in &plan.shaders {
        let (module, info) = validate(&shader.source).with_context(|| format!("{}\n{}", shader.label, shader.source))?;
        translate(&module, &info).with_context(|| format!("{}\n{}", shader.label, shader.source))?;
        check_bindings(&module, &shader.writes)?;
        check_branches(&module).with_context(|| format!("{}\n{}", shader.label, shader.source))?;
        check_workgroup_memory(&module)?;
        check_cooperative_matrices(&module, &info)?;
    }
    Ok(())
}

/// The most branches that a loop may have. SwiftShader follows every path from a loop's head when it compiles a kernel,
/// which doubles with each branch behind another: 48 take longer than anyone waits.
const BRANCHES: usize = 24;

/// How many branches a block has, with those of the functions that it calls, which drivers inline, but without those
/// whose condition is known; and the most that a loop in it has.
fn branches(module: &naga::Module, function: &naga::Function, block: &naga::Block) -> (usize, usize) {
    let (mut count, mut most) = (0, 0);
    let mut add = |own: usize, blocks: &[(&naga::Function, &naga::Block)], is_loop: bool| {
        let inner: Vec<_> = blocks.iter().map(|(function, block)| branches(module, function, block)).collect();
        let sum = own + inner.iter().map(|(count, _)| count).sum::<usize>();
        count += sum;
        let deepest = inner.iter().map(|&(_, most)| most).max().unwrap_or(0);
        most = most.max(deepest).max(if is_loop { sum } else { 0 });
    };
    for statement in block {
        match statement {
            naga::Statement::Block(block) => add(0, &[(function, block)], false),
            naga::Statement::If { condition, accept, reject } => match known(module, function, *condition) {
                Some(true) => add(0, &[(function, accept)], false),
                Some(false) => add(0, &[(function, reject)], false),
                None => add(1, &[(function, accept), (function, reject)], false),
            },
            naga::Statement::Switch { cases, .. } => {
                let bodies: Vec<_> = cases.iter().map(|case| (function, &case.body)).collect();
                add(bodies.len(), &bodies, false);
            }
            naga::Statement::Loop { body, continuing, .. } => add(0, &[(function, body), (function, continuing)], true),
            naga::Statement::Call { function, .. } => {
                let called = &module.functions[*function];
                add(0, &[(called, &called.body)], false);
            }
            _ => {}
        }
    }
    (count, most)
}

/// A condition's value where it is a constant.
fn known(module: &naga::Module, function: &naga::Function, condition: naga::Handle<naga::Expression>) -> Option<bool> {
    let literal = |expression: &naga::Expression| match expression {
        naga::Expression::Literal(naga::Literal::Bool(value)) => Some(*value),
        _ => None,
    };
    match &function.expressions[condition] {
        naga::Expression::Constant(constant) => literal(&module.global_expressions[module.constants[*constant].init]),
        naga::Expression::Unary { op: naga::UnaryOperator::LogicalNot, expr } => {
            known(module, function, *expr).map(|value| !value)
        }
        expression => literal(expression),
    }
}

fn check_branches(module: &naga::Module) -> Result<()> {
    for entry in &module.entry_points {
        let (_, most) = branches(module, &entry.function, &entry.function.body);
        ensure!(most <= BRANCHES, "a loop with {most} branches, where {BRANCHES} are bearable: join conditions by & and |");
    }
    Ok(())
}

/// The most memory of a workgroup that every adapter has: WebGPU's default limit.
const WORKGROUP_BYTES: u32 = 16_384;

fn check_workgroup_memory(module: &naga::Module) -> Result<()> {
    let mut layouter = naga::proc::Layouter::default();
    layouter.update(module.to_ctx())?;
    let variables = module.global_variables.iter().filter(|(_, variable)| variable.space == naga::AddressSpace::WorkGroup);
    let bytes: u32 = variables.map(|(_, variable)| layouter[variable.ty].size).sum();
    ensure!(bytes <= WORKGROUP_BYTES, "{bytes} bytes of a workgroup's memory, of which there may be {WORKGROUP_BYTES}");
    Ok(())
}

/// Whether cooperative matrices are what an adapter was asked for, of which naga checks their roles alone: A and B are of
/// f16, which they are loaded from, and C of f32, all of one size.
fn check_cooperative_matrices(module: &naga::Module, info: &ModuleInfo) -> Result<()> {
    let functions = module.functions.iter().map(|(handle, function)| (function, &info[handle]));
    let entries = module.entry_points.iter().enumerate().map(|(index, entry)| (&entry.function, info.get_entry_point(index)));
    for (function, info) in functions.chain(entries) {
        let kind = |handle: naga::Handle<naga::Expression>| info[handle].ty.inner_with(&module.types);
        for (_, expression) in function.expressions.iter() {
            match expression {
                naga::Expression::CooperativeMultiplyAdd { a, b, c } => {
                    for (operand, wanted) in [(a, naga::Scalar::F16), (b, naga::Scalar::F16), (c, naga::Scalar::F32)] {
                        let sixteen = naga::CooperativeSize::Sixteen;
                        let naga::TypeInner::CooperativeMatrix { columns, rows, scalar, .. } = *kind(*operand) else {
                            bail!("an operand that is no cooperative matrix");
                        };
                        let is_right = (columns, rows, scalar) == (sixteen, sixteen, wanted);
                        ensure!(is_right, "an operand of {rows:?} x {columns:?} {scalar:?}, wanted {wanted:?}");
                    }
                }
                naga::Expression::CooperativeLoad { data, .. } => {
                    let pointed = kind(data.pointer).pointer_base_type();
                    let scalar = pointed.as_ref().and_then(|pointed| pointed.inner_with(&module.types).scalar());
                    ensure!(scalar == Some(naga::Scalar::F16), "a matrix is loaded from {scalar:?}");
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Whether the storage bindings are those that the plan says, and the uniform is binding 0.
fn check_bindings(module: &naga::Module, writes: &[bool]) -> Result<()> {
    let mut found = vec![None; writes.len()];
    for (_, variable) in module.global_variables.iter() {
        match (variable.space, variable.binding) {
            (naga::AddressSpace::Storage { access }, Some(binding)) => {
                ensure!(binding.group == 0, "a storage binding outside group 0");
                let slot = found.get_mut(binding.binding as usize - 1).context("a binding that the plan does not know")?;
                ensure!(slot.replace(access.contains(naga::StorageAccess::STORE)).is_none(), "one binding number twice");
            }
            (naga::AddressSpace::Uniform, binding) => ensure!(binding.is_some_and(|binding| binding.binding == 0)),
            _ => {}
        }
    }
    ensure!(found == writes.iter().map(|&write| Some(write)).collect::<Vec<_>>(), "bound {found:?}, planned {writes:?}");
    Ok(())
}

#[test]
fn every_file_is_valid_as_it_stands() -> Result<()> {
    let mut files = BTreeMap::new();
    for op in ops::examples() {
        for source in sources(op.as_ref()) {
            let (module, _) = validate(source).with_context(|| op.name())?;
            files.entry(source).or_insert_with(|| (module, Vec::new())).1.push(op.name());
        }
    }
    // Operations may share the file of one of them.
    for (module, operations) in files.values() {
        let is_stem = |name: &&str| foreign_names(module, name.trim_end_matches("_gradient")).is_empty();
        ensure!(operations.iter().any(is_stem), "a file of {operations:?} has names that do not begin with any of these");
    }
    ensure!(files.len() > 20, "only {} files were found", files.len());
    Ok(())
}

#[test]
fn every_operation_composes_and_translates() -> Result<()> {
    for op in operations() {
        for case in op.cases() {
            let graph = support::graph_of(&op, &case).with_context(|| format!("{op:?}, {}", case.label))?;
            for class in CLASSES {
                let plan = plan(op.name(), &graph, &Target::webgpu(class)).with_context(|| format!("{op:?}, {}", case.label))?;
                check_plan(&plan).with_context(|| format!("{op:?}, {}, {class:?}", case.label))?;
            }
        }
    }
    Ok(())
}

/// The kernels of an operation for cooperative matrices, in each case, with a target that takes them.
fn cooperative(op: &dyn Op) -> Vec<(wgrad::core::Case, Kernel, Target)> {
    let mut found = Vec::new();
    for case in op.cases() {
        let kinds: Vec<_> = case.inputs.iter().map(|input| input.kind.clone()).collect();
        let Lowering::Kernels(kernels) = op.lowering(&kinds) else { continue };
        for kernel in kernels.into_iter().filter(|kernel| kernel.cooperative.is_some()) {
            let mut choices = Choices::default();
            choices.set(op, &kinds, kernel.candidate);
            let target = Target { cooperative: kernel.cooperative, choices: choices.into(), ..Target::webgpu(AdapterClass::Gpu) };
            found.push((case.clone(), kernel, target));
        }
    }
    found
}

#[test]
fn kernels_with_cooperative_matrices_compose_and_translate() -> Result<()> {
    let mut composed = 0;
    for op in operations() {
        for (case, kernel, target) in cooperative(op.as_ref()) {
            let plan = plan(op.name(), &support::graph_of(&op, &case)?, &target)?;
            let place = || format!("{op:?}, {}, {}", case.label, kernel.candidate);
            check_plan(&plan).with_context(place)?;
            let modules = plan.shaders.iter().map(|shader| Ok(validate(&shader.source)?.0)).collect::<Result<Vec<_>>>()?;
            ensure!(modules.iter().any(has_cooperative_matrices), "{}: another kernel was taken", place());
            composed += 1;
        }
    }
    ensure!(composed > 20, "only {composed} were found");
    Ok(())
}

#[test]
fn wrong_cooperative_matrices_are_rejected() -> Result<()> {
    let op = operations().into_iter().find(|op| !cooperative(op.as_ref()).is_empty()).context("no such kernel")?;
    let source = cooperative(op.as_ref()).remove(0).1.source;
    let check = |source: &str| -> Result<()> {
        let (module, info) = validate(source)?;
        check_cooperative_matrices(&module, &info).and(check_workgroup_memory(&module))
    };
    check(source)?;
    for (right, wrong) in [
        ("coop_mat16x16<f16, A>", "coop_mat16x16<f32, A>"),
        ("coop_mat16x16<f16, B>", "coop_mat8x8<f16, B>"),
        ("coop_mat16x16<f16, B>", "coop_mat16x16<f16, A>"),
        ("array<vec4<f16>,", "array<vec4f,"),
        ("matmul_depth: u32 = 32", "matmul_depth: u32 = 64"),
    ] {
        ensure!(source.contains(right), "the kernel has no {right}");
        ensure!(check(&source.replace(right, wrong)).is_err(), "{wrong} passed");
    }
    Ok(())
}

#[test]
fn every_operation_has_cases_and_a_name_of_its_own() -> Result<()> {
    for op in ops::examples() {
        ensure!(!op.cases().is_empty(), "{op:?} has no cases");
        let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        ensure!(op.name().chars().all(is_plain), "{op:?}");
    }
    Ok(())
}

#[test]
fn a_broken_shader_is_rejected() -> Result<()> {
    ensure!(validate("fn f() -> vec4f { return missing; }").is_err());
    ensure!(validate("@group(0) @binding(0) var<storage, read> x: array<f32>; fn f() { x[0] = 1.0; }").is_err());
    let (module, _) = validate("fn other_name() {}")?;
    ensure!(foreign_names(&module, "relu") == ["other_name"]);
    let (module, _) = validate("@group(0) @binding(1) var<storage, read> x: array<f32>;")?;
    ensure!(check_bindings(&module, &[true]).is_err() && check_bindings(&module, &[]).is_err());
    ensure!(check_bindings(&module, &[false]).is_ok());
    Ok(())
}

#[test]
fn a_rust_half_that_disagrees_with_its_shader_is_rejected() -> Result<()> {
    let op: Arc<dyn Op> = ops::examples().into_iter().find(|op| op.name() == "sum").context("no sum")?;
    let case = op.cases().remove(0);
    let kinds: Vec<_> = case.inputs.iter().map(|input| input.kind.clone()).collect();
    let Lowering::Kernels(kernels) = op.lowering(&kinds) else { bail!("sum has no kernels") };
    let spoilt: [fn(&mut Kernel); 3] = [
        |kernel| kernel.dims.push(1),
        |kernel| kernel.constants.push(("sum_missing", wgrad::core::Literal::U32(1))),
        |kernel| kernel.loads[0].variable = "sum_missing",
    ];
    for spoil in spoilt {
        let mut kernel = kernels[0].clone();
        spoil(&mut kernel);
        let planted: Arc<dyn Op> = Arc::new(support::Planted { op: Arc::clone(&op), lowering: Lowering::Kernels(vec![kernel]) });
        let graph = support::graph_of(&planted, &case)?;
        ensure!(plan("planted", &graph, &Target::webgpu(AdapterClass::Gpu)).is_err(), "a planted error was not seen");
    }
    Ok(())
}

#[test]
fn a_loop_with_many_branches_is_seen() -> Result<()> {
    let kernel = |operator: &str| {
        let inside = ["i < x"; 30].join(&format!(") {operator} ("));
        let body = format!("fn inside(x: u32, i: u32) -> bool {{ return ({inside}); }}");
        format!(
            "{body} @compute @workgroup_size(1) fn k(@builtin(local_invocation_index) x: u32) {{ for (var i = 0u; inside(x, i); i++) {{}} }}"
        )
    };
    check_branches(&validate(&kernel("&"))?.0)?;
    ensure!(check_branches(&validate(&kernel("&&"))?.0).is_err(), "30 conditions that are branches passed");
    Ok(())
}
