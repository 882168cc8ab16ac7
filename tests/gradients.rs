//! Every operation's gradient against central differences, in the middle of a graph. Needs no GPU.

#[path = "support/operations.rs"]
mod operations;

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use operations::operations;
use wgrad::ops;
use wgrad::reference::{Constructors, GradientCheck};

/// Operations that have no gradient by design: indices, random orders, bookkeeping, updates, and derivatives.
const WITHOUT_GRADIENT: &[&str] = &[
    "adam",
    "binary_cross_entropy_gradient",
    "binary_hits",
    "gru_cell_gradient",
    "leaky_relu_gradient",
    "lookup",
    "lstm_cell_gradient",
    "momentum",
    "record",
    "relu_gradient",
    "sequence",
    "sgd",
    "shuffle",
    "sigmoid_gradient",
    "tanh_gradient",
    "tick",
];

/// Outputs that nothing is differentiated through: the gradient and the hits of the cross-entropy, and what cells save.
fn excluded_outputs(operation: &str) -> Vec<usize> {
    match operation {
        "cross_entropy" => vec![1, 2],
        "gru_cell" => vec![1],
        "lstm_cell" => vec![2],
        _ => Vec::new(),
    }
}

/// Inputs of f32 that an operation treats as data: targets, and tables that rows are gathered from.
fn constant_inputs(operation: &str) -> Vec<usize> {
    match operation {
        "binary_cross_entropy" => vec![1],
        "gather_rows" => vec![0],
        _ => Vec::new(),
    }
}

#[test]
fn every_gradient_agrees_with_central_differences() -> Result<()> {
    let constructors = Constructors { accumulate: ops::accumulate, mul: ops::mul, sum: ops::sum };
    let mut checked = BTreeSet::new();
    for op in operations() {
        if WITHOUT_GRADIENT.contains(&op.name()) {
            continue;
        }
        let check = GradientCheck::new(constructors)
            .excluding_outputs(excluded_outputs(op.name()))
            .without_gradient(constant_inputs(op.name()));
        for case in op.cases().iter().filter(|case| case.differentiable) {
            let report = check.check(&op, case).with_context(|| format!("{op:?}, {}", case.label))?;
            if report.compared > 0 && !report.with_gradient.is_empty() {
                checked.insert(op.name());
            }
        }
    }
    let names: BTreeSet<_> = operations().iter().map(|op| op.name()).filter(|name| !WITHOUT_GRADIENT.contains(name)).collect();
    let missed: Vec<_> = names.difference(&checked).filter(|name| **name != "gather_rows").collect();
    ensure!(missed.is_empty(), "no gradient was compared for {missed:?}");
    Ok(())
}
