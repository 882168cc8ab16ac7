//! Every operation's gradient against central differences, in the middle of a graph. Needs no GPU.

#[path = "support/operations.rs"]
mod operations;

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use operations::operations;
use wgrad::core::autodiff::differentiate;
use wgrad::core::{Array, Case, Graph, GraphError, HostTensor, Op, Value};
use wgrad::ops;
use wgrad::reference::{Constructors, GradientCheck, Oracle};

/// Operations that have no gradient by design: indices, random orders, comparisons, bookkeeping, and updates. And a cast, whose
/// gradient is by design not that of its steps: its own tests have it.
const WITHOUT_GRADIENT: &[&str] = &[
    "adam",
    "argmax",
    "attention_statistics",
    "binary_hits",
    "cast",
    "class_hits",
    "equal",
    "greater",
    "greater_equal",
    "lookup",
    "momentum",
    "record",
    "rescale",
    "sequence",
    "sgd",
    "shuffle",
    "tick",
];

/// Those of the list, and gradients, which have none of their own.
fn has_gradient(operation: &str) -> bool {
    !WITHOUT_GRADIENT.contains(&operation) && !operation.ends_with("_gradient")
}

/// Outputs that nothing is differentiated through: the gradient and the hits of the cross-entropy, the reciprocal
/// deviations of a normalisation, what cells save, places of maxima, and the maxima and sums of attention.
fn excluded_outputs(operation: &str) -> Vec<usize> {
    match operation {
        "attention" => vec![1],
        "cross_entropy" => vec![1, 2],
        "layer_norm" => vec![1],
        "gru_cell" => vec![1],
        "lstm_cell" => vec![2],
        "max_pool2d" => vec![1],
        _ => Vec::new(),
    }
}

/// Inputs of f32 that an operation treats as data: targets.
fn constant_inputs(operation: &str) -> Vec<usize> {
    match operation {
        "binary_cross_entropy" | "binary_cross_entropy_with_logits" => vec![1],
        "select" => vec![0],
        _ => Vec::new(),
    }
}

#[test]
fn every_gradient_agrees_with_central_differences() -> Result<()> {
    let constructors = Constructors { accumulate: ops::accumulate, mul: ops::mul, sum: ops::sum };
    let mut checked = BTreeSet::new();
    for op in operations() {
        if !has_gradient(op.name()) {
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
    let names: BTreeSet<_> = operations().iter().map(|op| op.name()).filter(|name| has_gradient(name)).collect();
    let missed: Vec<_> = names.difference(&checked).collect();
    ensure!(missed.is_empty(), "no gradient was compared for {missed:?}");
    Ok(())
}

/// Sums over so many rows that they are made in parts, of one matrix and of images.
#[test]
fn gradients_that_are_summed_in_parts_are_whole() -> Result<()> {
    let constructors = Constructors { accumulate: ops::accumulate, mul: ops::mul, sum: ops::sum };
    let numbers = |shape: &[usize], step: usize| Array::from_fn(shape.to_vec(), |index| (index * step % 101) as f64 / 50.0 - 1.0);
    for (name, operands) in [
        ("matmul", [numbers(&[1026, 3], 37), numbers(&[3, 5], 41)]),
        ("matmul", [numbers(&[2048, 2], 37), numbers(&[2, 3], 41)]),
        ("conv2d", [numbers(&[2, 24, 24, 2], 37), numbers(&[3, 3, 3, 2], 41)]),
    ] {
        let op = ops::examples().into_iter().find(|op| op.name() == name).context("no such operation")?;
        let case = Case { label: "rows for several parts".to_owned(), inputs: operands.to_vec(), differentiable: true };
        ensure!(parts(&op, &case)? > 1, "{op:?} has no parts");
        let report = GradientCheck::new(constructors).check(&op, &case).with_context(|| format!("{op:?}"))?;
        ensure!(report.with_gradient == [0, 1], "{op:?} has gradients of {:?} only", report.with_gradient);
    }
    Ok(())
}

/// Into how many parts the gradient of an operation's second input is divided: the first axis of a product that has one
/// more than the operation's.
fn parts(op: &Arc<dyn Op>, case: &Case) -> Result<usize> {
    let mut graph = Graph::new();
    let inputs: Vec<Value> = case.inputs.iter().map(|input| graph.input("x", input.kind.clone())).collect();
    let output = graph.apply_shared(Arc::clone(op), &inputs)?[0];
    let (sum, upstream) = (ops::sum(&mut graph, output)?, graph.scalar(1.0));
    differentiate(&mut graph, sum, upstream, &inputs, ops::accumulate)?;
    let names = ["matmul", "conv2d_weight_gradient"];
    let products = graph.nodes().iter().filter(|node| names.contains(&node.name()));
    Ok(products.filter_map(|node| node.outputs[0].shape.dims().first_chunk().map(|&[parts, _, _]| parts)).max().unwrap_or(1))
}

/// As the values are that two heads of attention read: on the right of a product of batches each.
#[test]
fn what_two_products_of_batches_share_gets_the_sum_of_their_gradients() -> Result<()> {
    let mut graph = Graph::new();
    let numbers = |shape: [usize; 3], step: usize| {
        let data = (0..shape.iter().product()).map(|index| (index * step % 101) as f32 / 50.0 - 1.0).collect();
        HostTensor::F32(shape.into(), data)
    };
    let shared = graph.state("shared", numbers([2, 3, 5], 37))?;
    let mut terms = Vec::new();
    for (name, step) in [("first", 41), ("second", 43)] {
        let lhs = graph.state(name, numbers([2, 4, 3], step))?;
        let product = ops::matmul(&mut graph, lhs, shared, false, false)?;
        terms.push(ops::sum(&mut graph, product)?);
    }
    let both = ops::add(&mut graph, terms[0], terms[1])?;
    let one = graph.scalar(1.0);
    for (name, loss) in [("first", terms[0]), ("second", terms[1]), ("both", both)] {
        let gradient = differentiate(&mut graph, loss, one, &[shared], ops::accumulate)?[0];
        graph.set_output(name, gradient.context("no gradient")?);
    }
    let gradients = Oracle::new(&graph)?.step()?;
    let [first, second, both] = ["first", "second", "both"].map(|name| &gradients[name]);
    ensure!(both.kind == *graph.kind(shared), "a gradient of type {}", both.kind);
    let sums = first.data.iter().zip(&second.data).map(|(first, second)| first + second);
    ensure!(sums.zip(&both.data).all(|(sum, both)| (sum - both).abs() < 1e-12), "{both:?} of {first:?} and {second:?}");
    Ok(())
}

/// At ties there are no finite differences: PyTorch divides the gradient between both.
#[test]
fn equal_numbers_share_the_gradient_of_their_extremum() -> Result<()> {
    type Extremum = fn(&mut Graph, Value, Value) -> Result<Value, GraphError>;
    let cases: [(Extremum, [f64; 3]); 2] = [(ops::maximum, [0.0, 1.5, 3.0]), (ops::minimum, [3.0, 1.5, 0.0])];
    for (extremum, wanted) in cases {
        let mut graph = Graph::new();
        let [left, right] = [[1.0, 2.0, 3.0], [2.0, 2.0, 2.0]].map(|data| HostTensor::F32([3].into(), data.to_vec()));
        let (left, right) = (graph.state("left", left)?, graph.state("right", right)?);
        let output = extremum(&mut graph, left, right)?;
        let (sum, upstream) = (ops::sum(&mut graph, output)?, graph.scalar(3.0));
        for (name, gradient) in
            ["left", "right"].into_iter().zip(differentiate(&mut graph, sum, upstream, &[left, right], ops::accumulate)?)
        {
            graph.set_output(name, gradient.context("no gradient")?);
        }
        let gradients = Oracle::new(&graph)?.step()?;
        ensure!(gradients["left"].data == wanted, "{:?}", gradients["left"]);
        ensure!(gradients["right"].data == wanted.map(|gradient| 3.0 - gradient), "{:?}", gradients["right"]);
    }
    Ok(())
}
