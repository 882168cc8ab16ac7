//! Graphs of one operation, which several tests need.

mod planted;

use std::sync::Arc;

use anyhow::Context;
use wgrad::core::{Array, Case, Graph, HostTensor, Op, TensorType};
use wgrad::ops;

pub use planted::Planted;

/// The name of the input that holds several single numbers in [`graph_of`].
const SCHEDULE: &str = "schedule";

/// The name of a case's `index`th input in [`graph_of`].
pub fn input_name(index: usize) -> String {
    format!("input {index}")
}

/// The name of an operation's `index`th output in [`graph_of`].
pub fn output_name(index: usize) -> String {
    format!("output {index}")
}

/// A graph that applies an operation to a case's inputs. An input that the operation overwrites is a state, whose
/// next value is the output; [`inputs_of`] are written by the host, all other outputs asked for.
pub fn graph_of(op: &Arc<dyn Op>, case: &Case) -> anyhow::Result<Graph> {
    let mut graph = Graph::new();
    let written: Vec<_> =
        inputs_of(op, case).into_iter().map(|(name, tensor)| (graph.input(name.clone(), tensor.kind()), name)).collect();
    let written = |name: String| written.iter().find(|(_, known)| *known == name).map(|&(value, _)| value);
    let numbers = numbers_of_schedule(case);
    let mut inputs = Vec::new();
    for (index, array) in case.inputs.iter().enumerate() {
        inputs.push(match (numbers.iter().position(|&number| number == index), written(input_name(index))) {
            (Some(column), _) => ops::slice(&mut graph, written(SCHEDULE.to_owned()).context("no schedule")?, column, [])?,
            (None, Some(value)) => value,
            (None, None) => graph.state(input_name(index), HostTensor::from_array(array))?,
        });
    }
    let outputs = graph.apply_shared(Arc::clone(op), &inputs)?;
    for (index, &output) in outputs.iter().enumerate() {
        match op.in_place().iter().find(|&&(candidate, _)| candidate == index) {
            Some(&(_, input)) => graph.set_next(inputs[input], output)?,
            None => graph.set_output(output_name(index), output),
        }
    }
    Ok(graph)
}

/// What the host writes for a case of [`graph_of`], by name.
pub fn inputs_of(op: &Arc<dyn Op>, case: &Case) -> Vec<(String, HostTensor)> {
    let numbers = numbers_of_schedule(case);
    let overwritten = |input: usize| op.in_place().iter().any(|&(_, candidate)| candidate == input);
    let own = (0..case.inputs.len()).filter(|index| !overwritten(*index) && !numbers.contains(index));
    let mut inputs: Vec<_> = own.map(|index| (input_name(index), HostTensor::from_array(&case.inputs[index]))).collect();
    if !numbers.is_empty() {
        let schedule = Array::from_fn([numbers.len()], |column| case.inputs[numbers[column]].data[0]);
        inputs.push((SCHEDULE.to_owned(), HostTensor::from_array(&schedule)));
    }
    inputs
}

/// The inputs that are single numbers, where there are more inputs than a dispatch may bind everywhere: they are parts of
/// one tensor then, as in training.
fn numbers_of_schedule(case: &Case) -> Vec<usize> {
    let numbers = (0..case.inputs.len()).filter(|&index| case.inputs[index].kind == TensorType::f32([]));
    if case.inputs.len() > 8 { numbers.collect() } else { Vec::new() }
}
