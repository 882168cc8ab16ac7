//! Checks of an operation: its WGSL against its reference, and its gradient against finite differences.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use wgrad::core::Op;
use wgrad::executor::{Checks, Device};
use wgrad::reference::{Constructors, GradientCheck};
use wgrad::{ops, parity};

/// Runs an operation's cases on a device, and compares each output with the reference in double precision.
pub fn parity(device: &Device, op: &Arc<dyn Op>) -> Result<()> {
    for case in op.cases() {
        let outcome = parity::check(device, &device.target(), Checks::Checked, op, &case.inputs);
        outcome.with_context(|| format!("{}, {}", op.name(), case.label))?;
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
