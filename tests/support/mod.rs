//! Graphs of one operation, which several tests need.

mod planted;

use std::sync::Arc;

use wgrad::core::{Case, Graph, HostTensor, Op};

pub use planted::Planted;

/// The name of a case's `index`th input in [`graph_of`].
pub fn input_name(index: usize) -> String {
    format!("input {index}")
}

/// The name of an operation's `index`th output in [`graph_of`].
pub fn output_name(index: usize) -> String {
    format!("output {index}")
}

/// A graph that applies an operation to a case's inputs. An input that the operation overwrites is a state, whose
/// next value is the output; all other inputs are written by the host, all other outputs asked for.
pub fn graph_of(op: &Arc<dyn Op>, case: &Case) -> anyhow::Result<Graph> {
    let mut graph = Graph::new();
    let overwritten = |input: usize| op.in_place().iter().any(|&(_, candidate)| candidate == input);
    let mut inputs = Vec::new();
    for (index, array) in case.inputs.iter().enumerate() {
        inputs.push(if overwritten(index) {
            graph.state(input_name(index), HostTensor::from_array(array))?
        } else {
            graph.input(input_name(index), array.kind.clone())
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
