//! Every operation, in every case, on the machine's adapter against the reference in double precision.

#[path = "support/operations.rs"]
mod operations;
mod support;

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use operations::operations;
use wgrad::core::op::AdapterClass;
use wgrad::core::plan::{Choices, Target, plan};
use wgrad::core::{Array, Case, HostTensor, Kernel, LoadHook, Lowering, Op, StoreHook};
use wgrad::executor::{Checks, Choice, Device, Executor, ExecutorError};
use wgrad::ops;
use wgrad::reference::compare;

/// An operation's outputs by its reference.
fn reference(op: &dyn Op, case: &Case) -> Result<Vec<Array>> {
    let kinds: Vec<_> = case.inputs.iter().map(|input| input.kind.clone()).collect();
    let mut outputs: Vec<Array> = op.infer(&kinds)?.into_iter().map(Array::zeros).collect();
    op.reference(&case.inputs, &mut outputs);
    Ok(outputs)
}

/// An operation's outputs on the device.
fn run(device: &Device, checks: Checks, class: AdapterClass, op: &Arc<dyn Op>, case: &Case) -> Result<Vec<HostTensor>> {
    run_on(device, checks, &Target { class, ..device.target() }, op, case)
}

/// The same, with the kernels that a target takes.
fn run_on(device: &Device, checks: Checks, target: &Target, op: &Arc<dyn Op>, case: &Case) -> Result<Vec<HostTensor>> {
    let graph = support::graph_of(op, case)?;
    let plan = plan(op.name(), &graph, target)?;
    plan.verify()?;
    let mut executor = Executor::new(device.clone(), checks);
    let loaded = executor.load_blocking(&plan)?;
    for (name, tensor) in support::inputs_of(op, case) {
        // An input that nothing reads, such as the values behind a shape, has no buffer.
        if executor.buffer(&name).is_some() {
            executor.write_input(&name, &tensor)?;
        }
    }
    executor.run_blocking(&[(&loaded, 1)])?;
    executor.check_guards_blocking()?;
    let kinds: Vec<_> = case.inputs.iter().map(|input| input.kind.clone()).collect();
    (0..op.infer(&kinds)?.len())
        .map(|output| {
            Ok(match op.in_place().iter().find(|&&(candidate, _)| candidate == output) {
                Some(&(_, input)) => executor.read_state_blocking(&support::input_name(input))?,
                None => executor.read_output_blocking(&loaded, &support::output_name(output))?,
            })
        })
        .collect()
}

fn agree(op: &dyn Op, case: &Case, outputs: &[HostTensor]) -> Result<()> {
    let kinds: Vec<_> = case.inputs.iter().map(|input| input.kind.clone()).collect();
    for (index, (output, wanted)) in outputs.iter().zip(reference(op, case)?).enumerate() {
        compare(output, &wanted, op.tolerance(&kinds)).with_context(|| format!("output {index}"))?;
    }
    Ok(())
}

/// Every kernel that there is for an operation on a case's inputs; where the engine makes it, that for each class of adapter.
fn ways(device: &Device, op: &dyn Op, case: &Case) -> Vec<(String, Target)> {
    let kinds: Vec<_> = case.inputs.iter().map(|input| input.kind.clone()).collect();
    let Lowering::Kernels(mut kernels) = op.lowering(&kinds) else {
        let classes = [AdapterClass::Software, AdapterClass::Gpu];
        return classes.map(|class| (format!("for {class:?}"), Target { class, ..device.target() })).into();
    };
    // Cooperative matrices are tested here, whether or not plans would use them.
    let own = Target { cooperative: device.cooperative_matrices().matrices(), ..device.target() };
    kernels.retain(|kernel| own.can_run(kernel));
    let way = |kernel: Kernel| {
        let mut choices = Choices::default();
        choices.set(op, &kinds, kernel.candidate);
        let class = kernel.class.unwrap_or(own.class);
        (kernel.candidate.to_owned(), Target { class, choices: choices.into(), ..own.clone() })
    };
    kernels.into_iter().map(way).collect()
}

#[test]
fn every_operation_agrees_with_its_reference() -> Result<()> {
    let device = Device::request_blocking(&Choice::Auto)?;
    let mut failures = Vec::new();
    for op in operations() {
        for case in op.cases() {
            for (name, target) in ways(&device, op.as_ref(), &case) {
                let outcome = run_on(&device, Checks::Unchecked, &target, &op, &case)
                    .and_then(|outputs| agree(op.as_ref(), &case, &outputs));
                if let Err(error) = outcome {
                    failures.push(format!("{op:?}, {}, {name}: {error:#}", case.label));
                }
            }
        }
    }
    ensure!(failures.is_empty(), "on {}:\n{}", device.info(), failures.join("\n"));
    Ok(())
}

#[test]
fn checks_change_no_bit() -> Result<()> {
    let device = Device::request_blocking(&Choice::Auto)?;
    for op in operations() {
        let Some(case) = op.cases().into_iter().find(|case| case.inputs.iter().all(|input| input.data.len() < 2000)) else {
            continue;
        };
        let class = device.target().class;
        let checked = run(&device, Checks::Checked, class, &op, &case).with_context(|| format!("{op:?}"))?;
        let unchecked = run(&device, Checks::Unchecked, class, &op, &case)?;
        ensure!(checked == unchecked, "{op:?}, {}: {checked:?} with checks, {unchecked:?} without", case.label);
    }
    Ok(())
}

/// The elements' bits, in which a NaN equals itself.
fn bits(tensor: &HostTensor) -> Vec<u32> {
    match tensor {
        HostTensor::F32(_, data) => data.iter().map(|element| element.to_bits()).collect(),
        HostTensor::F16(_, data) => data.iter().map(|element| element.to_bits().into()).collect(),
        HostTensor::U32(_, data) => data.clone(),
        HostTensor::U8(_, data) => data.iter().map(|&element| element.into()).collect(),
    }
}

#[test]
fn no_operation_touches_what_lies_around_its_buffers() -> Result<()> {
    let device = Device::request_blocking(&Choice::Auto)?;
    let mut failures = Vec::new();
    for op in operations() {
        for case in op.cases() {
            for class in [AdapterClass::Software, AdapterClass::Gpu] {
                let outputs =
                    |checks| -> Result<Vec<_>> { Ok(run(&device, checks, class, &op, &case)?.iter().map(bits).collect()) };
                match (outputs(Checks::Guarded), outputs(Checks::Unchecked)?) {
                    (Ok(guarded), unchecked) if guarded == unchecked => {}
                    (Ok(_), _) => failures.push(format!("{op:?}, {}, {class:?}: depends on guard words or padding", case.label)),
                    (Err(error), _) => failures.push(format!("{op:?}, {}, {class:?}: {error:#}", case.label)),
                }
            }
        }
    }
    ensure!(failures.is_empty(), "on {}:\n{}", device.info(), failures.join("\n"));
    Ok(())
}

/// Doubles each element, and has hooks of no kind.
const DOUBLE: &str = "
struct DoubleDims { first: u32, count: u32 }
@group(0) @binding(0) var<uniform> double_dims: DoubleDims;
@group(0) @binding(1) var<storage, read> double_input: array<f32>;
@group(0) @binding(2) var<storage, read_write> double_output: array<f32>;
@compute @workgroup_size(8) fn double_main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < double_dims.count {
        double_output[id.x] = 2.0 * double_input[id.x + double_dims.first];
    }
}";

/// A kernel that doubles `count` elements from the `first`, in the place of the one for `relu`.
fn doubling(first: u32, count: u32) -> Result<Arc<dyn Op>> {
    let kernel = Kernel {
        candidate: "double",
        source: DOUBLE,
        entry: "double_main",
        class: None,
        cooperative: None,
        dims: vec![first, count],
        constants: Vec::new(),
        workgroups: [1, 1, 1],
        rounds: 0,
        loads: vec![LoadHook { variable: "double_input", function: None, row: None }],
        stores: vec![StoreHook { variable: "double_output", function: None }],
        sums: Vec::new(),
    };
    let op = ops::examples().into_iter().find(|op| op.name() == "relu").context("no relu")?;
    Ok(Arc::new(support::Planted { op, lowering: Lowering::Kernels(vec![kernel]) }))
}

#[test]
fn an_element_past_the_end_is_seen() -> Result<()> {
    let device = Device::request_blocking(&Choice::Auto)?;
    let ones = Case { label: "four ones".to_owned(), inputs: vec![Array::from_fn([4], |_| 1.0)], differentiable: true };
    let guarded = |op| run(&device, Checks::Guarded, device.target().class, &op, &ones);
    let twos = HostTensor::F32([4].into(), vec![2.0; 4]);
    ensure!(guarded(doubling(0, 4)?)? == [twos]);
    let error = guarded(doubling(0, 5)?).err().context("a write past the end passed")?;
    let Some(ExecutorError::Overrun { label, bytes: 16, at: 16 }) = error.downcast_ref() else { bail!("{error}") };
    ensure!(label == "%1", "{label} was named");
    let HostTensor::F32(_, data) = &guarded(doubling(1, 4)?)?[0] else { bail!("no floats") };
    ensure!(data[..3] == [2.0; 3] && data[3].is_nan(), "a read past the end gave {data:?}");
    Ok(())
}

#[test]
fn a_wrong_constant_is_seen() -> Result<()> {
    let device = Device::request_blocking(&Choice::Auto)?;
    let op = ops::examples().into_iter().find(|op| op.name() == "leaky_relu").context("no leaky_relu")?;
    let case = op.cases().remove(1);
    let kinds: Vec<_> = case.inputs.iter().map(|input| input.kind.clone()).collect();
    let Lowering::Pointwise(mut function) = op.lowering(&kinds) else { bail!("not pointwise") };
    function.constants = vec![wgrad::core::Literal::F32(0.75)];
    let planted: Arc<dyn Op> = Arc::new(support::Planted { op: Arc::clone(&op), lowering: Lowering::Pointwise(function) });
    let outputs = run(&device, Checks::Unchecked, device.target().class, &planted, &case)?;
    ensure!(agree(op.as_ref(), &case, &outputs).is_err(), "a slope of 0.75 passed for another");
    Ok(())
}
