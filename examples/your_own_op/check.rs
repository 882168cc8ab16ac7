//! Checks of an operation: its WGSL against its reference, and its gradient against finite differences.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use wgrad::core::plan::plan;
use wgrad::core::{Array, Case, Graph, HostTensor, Op, TensorType};
use wgrad::executor::{Checks, Device, Executor};
use wgrad::ops;
use wgrad::reference::{Constructors, GradientCheck, Oracle, compare};

/// Runs an operation's cases on a device, and compares each output with the reference in double precision.
pub fn parity(device: &Device, op: &Arc<dyn Op>) -> Result<()> {
    for case in op.cases() {
        case_parity(device, op, &case).with_context(|| format!("{}, {}", op.name(), case.label))?;
    }
    Ok(())
}

fn case_parity(device: &Device, op: &Arc<dyn Op>, case: &Case) -> Result<()> {
    let kinds: Vec<TensorType> = case.inputs.iter().map(|input| input.kind.clone()).collect();
    let mut graph = Graph::new();
    let named: Vec<(String, &Array)> = case.inputs.iter().enumerate().map(|(index, input)| (index.to_string(), input)).collect();
    let inputs: Vec<_> = named.iter().map(|(name, input)| graph.input(name, input.kind.clone())).collect();
    for (index, output) in graph.apply_shared(op.clone(), &inputs)?.into_iter().enumerate() {
        graph.set_output(index.to_string(), output);
    }

    let (mut oracle, mut executor) = (Oracle::new(&graph)?, Executor::new(device.clone(), Checks::Checked));
    let plan = executor.load_blocking(&plan(op.name(), &graph, &device.target())?)?;
    for (name, input) in named {
        oracle.write(&name, input.clone())?;
        executor.write_input(&name, &HostTensor::from_array(input))?;
    }
    executor.run_blocking(&[(&plan, 1)])?;
    for (name, wanted) in oracle.step()? {
        compare(&executor.read_output_blocking(&plan, &name)?, &wanted, op.tolerance(&kinds))?;
    }
    Ok(())
}

/// Compares an operation's gradient with central differences, and returns how many elements were compared.
pub fn gradient(op: &Arc<dyn Op>) -> Result<usize> {
    let check = GradientCheck::new(Constructors { accumulate: ops::accumulate, mul: ops::mul, sum: ops::sum });
    let mut compared = 0;
    for case in op.cases().iter().filter(|case| case.differentiable) {
        compared += check.check(op, case)?.compared;
    }
    ensure!(compared > 0, "{} has no case to check its gradient with", op.name());
    Ok(compared)
}
