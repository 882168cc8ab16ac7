//! The kernel with cooperative matrices on adapters that have none: with emulated ones it agrees with the reference, mistakes
//! in it are found, and without them it is an error that changes nothing.

#[path = "support/emulated.rs"]
mod emulated;
#[path = "support/planted.rs"]
mod planted;

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use emulated::emulated;
use planted::Planted;
use wgrad::core::op::Cooperative;
use wgrad::core::plan::{Choices, Target, plan};
use wgrad::core::{Array, Case, DType, Graph, HostTensor, Kernel, Literal, Lowering, Op, TensorType};
use wgrad::executor::{Checks, Choice, Device, Executor};
use wgrad::ops::Matmul;
use wgrad::reference::{Oracle, compare};
use wgrad::{Error, ops, parity};

fn device() -> Result<Device> {
    Ok(Device::request_blocking(&Choice::Auto)?)
}

/// Products with either operand stored transposed.
fn ways() -> Vec<Matmul> {
    let ways = [(false, false), (false, true), (true, false), (true, true)];
    ways.map(|(transpose_lhs, transpose_rhs)| Matmul { transpose_lhs, transpose_rhs }).to_vec()
}

/// The cases of a product that are of halves.
fn cases(op: &Matmul) -> Vec<Case> {
    let is_half = |case: &Case| case.inputs.iter().all(|input| input.kind.dtype == DType::F16);
    op.cases().into_iter().filter(is_half).collect()
}

fn kinds(case: &Case) -> Vec<TensorType> {
    case.inputs.iter().map(|input| input.kind.clone()).collect()
}

/// The kernel for cooperative matrices.
fn kernel(op: &Matmul, inputs: &[TensorType]) -> Result<Kernel> {
    let Lowering::Kernels(kernels) = op.lowering(inputs) else { bail!("no kernels") };
    kernels.into_iter().find(|kernel| kernel.cooperative.is_some()).context("none with cooperative matrices")
}

/// A product by that kernel with emulated matrices, after a change of its WGSL.
fn product(op: Matmul, inputs: &[TensorType], change: impl Fn(&str) -> String) -> Result<Arc<dyn Op>> {
    let kernel = kernel(&op, inputs)?;
    let source: &'static str = Box::leak(emulated(&change(kernel.source))?.into_boxed_str());
    let kernel = Kernel { source, cooperative: None, class: None, ..kernel };
    Ok(Arc::new(Planted { op: Arc::new(op), lowering: Lowering::Kernels(vec![kernel]) }))
}

#[test]
fn all_products_of_halves_agree_with_the_reference() -> Result<()> {
    let device = device()?;
    let mut checked = 0;
    for op in ways() {
        for case in cases(&op) {
            let planted = product(op, &kinds(&case), str::to_owned)?;
            for checks in [Checks::Unchecked, Checks::Guarded] {
                let outcome = parity::check(&device, &device.target(), checks, &planted, &case.inputs);
                outcome.with_context(|| format!("{op:?}, {}, {checks:?}", case.label))?;
                checked += 1;
            }
        }
    }
    ensure!(checked == 4 * 2 * 7, "{checked} were checked");
    Ok(())
}

#[test]
fn subgroups_may_have_other_sizes() -> Result<()> {
    let device = device()?;
    for size in [8, 64] {
        for op in ways() {
            let case = cases(&op).pop().context("no case")?;
            let planted = product(op, &kinds(&case), str::to_owned)?;
            let Lowering::Kernels(mut kernels) = planted.lowering(&kinds(&case)) else { bail!("no kernels") };
            kernels[0].constants.retain(|(name, _)| *name != "matmul_subgroup_size");
            kernels[0].constants.push(("matmul_subgroup_size", Literal::U32(size)));
            let planted: Arc<dyn Op> = Arc::new(Planted { op: Arc::new(op), lowering: Lowering::Kernels(kernels) });
            parity::check(&device, &device.target(), Checks::Unchecked, &planted, &case.inputs)
                .with_context(|| format!("{op:?}, {}, subgroups of {size}", case.label))?;
        }
    }
    Ok(())
}

/// Halves that are different everywhere.
fn halves(seed: usize, dims: [usize; 2]) -> Array {
    let floats = Array::from_fn(dims, |index| ((index * 31 + seed) % 61) as f64 / 32.0 - 1.0);
    Array { kind: TensorType::new(DType::F16, dims), ..floats }
}

#[test]
fn what_is_fused_with_it_is_computed_as_ever() -> Result<()> {
    let device = device()?;
    let op = Matmul { transpose_lhs: false, transpose_rhs: true };
    let (table, weights) = (halves(3, [40, 70]), halves(5, [68, 70]));
    let rows = Array { kind: TensorType::u32([70]), data: (0..70).map(|row| f64::from(row * 7 % 40)).collect() };
    let bias = Array::from_fn([68], |index| index as f64 / 8.0 - 4.0);
    let gathered = TensorType::new(DType::F16, [70, 70]);
    let planted = product(op, &[gathered, weights.kind.clone()], str::to_owned)?;

    let graph = &mut Graph::new();
    let inputs = [("table", &table), ("rows", &rows), ("weights", &weights), ("bias", &bias)];
    let [table, rows, weights, bias] = inputs.map(|(name, array)| graph.input(name, array.kind.clone()));
    let picked = ops::gather_rows(graph, table, rows)?;
    let product = graph.apply_shared(planted, &[picked, weights])?[0];
    let sum = ops::add(graph, product, bias)?;
    let output = ops::relu(graph, sum)?;
    graph.set_output("output", output);
    let plan = plan("fused", graph, &device.target())?;
    plan.verify()?;
    ensure!(plan.dispatches.len() == 1, "{plan}");

    let (mut oracle, mut executor) = (Oracle::new(graph)?, Executor::new(device, Checks::Guarded));
    let loaded = executor.load_blocking(&plan)?;
    for (name, array) in inputs {
        oracle.write(name, array.clone())?;
        executor.write_input(name, &HostTensor::from_array(array))?;
    }
    executor.run_blocking(&[(&loaded, 1)])?;
    executor.check_guards_blocking()?;
    let wanted = oracle.step()?.into_iter().next().context("no output")?.1;
    ensure!(wanted.data.contains(&0.0) && wanted.data.iter().any(|&element| element > 1.0));
    compare(&executor.read_output_blocking(&loaded, "output")?, &wanted, op.tolerance(&[table_kind(), table_kind()]))?;
    Ok(())
}

/// The type of an operand of the fused product.
fn table_kind() -> TensorType {
    TensorType::new(DType::F16, [70, 70])
}

/// Mistakes in the kernel: what is replaced, and by what.
const MISTAKES: [(&str, &str); 9] = [
    ("if (matmul_transpose_lhs) {\n        return coopLoad", "if (!matmul_transpose_lhs) {\n        return coopLoad"),
    ("if (matmul_transpose_rhs) {\n        return coopLoad", "if (!matmul_transpose_rhs) {\n        return coopLoad"),
    ("top_right = coopMultiplyAdd(top, right, top_right)", "top_right = coopMultiplyAdd(top, left, top_right)"),
    ("return vec2u(subgroup / 2, subgroup % 2)", "return vec2u(subgroup % 2, subgroup / 2)"),
    ("matmul_lhs_stride: u32 = matmul_lhs_groups + 2", "matmul_lhs_stride: u32 = matmul_lhs_groups + 1"),
    ("matmul_lhs_matrix(place.x + matmul_edge, depth)", "matmul_lhs_matrix(place.x, depth)"),
    ("depth < matmul_depth; depth", "depth < matmul_edge; depth"),
    ("(row < dims.m) & (column < dims.n)", "(row + 1 < dims.m) & (column < dims.n)"),
    ("(at.x >= stored.x) | (at.y >= stored.y)", "false"),
];

#[test]
fn mistakes_in_the_kernel_are_found() -> Result<()> {
    let device = device()?;
    for (right, wrong) in MISTAKES {
        let mut found = 0;
        for op in ways() {
            for case in cases(&op) {
                let inputs = kinds(&case);
                ensure!(kernel(&op, &inputs)?.source.contains(right), "the kernel has no {right}");
                let planted = product(op, &inputs, |source| source.replace(right, wrong))?;
                // With checks, since mistakes may reach beyond buffers.
                match parity::check(&device, &device.target(), Checks::Checked, &planted, &case.inputs) {
                    Err(Error::Disagreement { operation, output: 0, .. }) if operation == "matmul" => found += 1,
                    outcome => outcome.with_context(|| format!("{wrong}, {op:?}, {}", case.label))?,
                }
            }
        }
        ensure!(found > 0, "{wrong} was not found");
    }
    Ok(())
}

#[test]
fn an_adapter_that_claims_what_it_lacks_is_an_error_and_goes_on() -> Result<()> {
    let device = device()?;
    let op = Matmul { transpose_lhs: false, transpose_rhs: false };
    let case = cases(&op).remove(0);
    let mut choices = Choices::default();
    let kernel = kernel(&op, &kinds(&case))?;
    choices.set(&op, &kinds(&case), kernel.candidate);
    let claimed = Target { cooperative: kernel.cooperative, choices: choices.into(), ..device.target() };
    let op: Arc<dyn Op> = Arc::new(op);
    let outcome = parity::check(&device, &claimed, Checks::Unchecked, &op, &case.inputs);
    match device.cooperative_matrices().matrices() {
        Some(matrices) if Some(matrices) == kernel.cooperative => outcome?,
        _ => {
            let error = outcome.err().context("it computes with what it lacks")?.to_string();
            ensure!(error.starts_with("shader matmul:"), "{error}");
        }
    }
    parity::check(&device, &device.target(), Checks::Unchecked, &op, &case.inputs)?;
    Ok(())
}

#[test]
fn a_test_of_matrices_that_are_missing_is_not_run() -> Result<()> {
    let device = device()?;
    let before = device.cooperative_matrices();
    if before.matrices().is_none() {
        device.test_cooperative_matrices(|_| unreachable!("there is nothing to test"));
        ensure!(device.cooperative_matrices() == before && device.target().cooperative.is_none());
    }
    ensure!(kernel(&ways()[0], &[table_kind(), table_kind()])?.cooperative == Some(Cooperative { edge: 16, subgroup_size: 32 }));
    Ok(())
}
