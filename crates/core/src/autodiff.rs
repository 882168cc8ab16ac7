//! Reverse-mode differentiation: the chain rule as a walk through the graph, from its last node to its first.

use std::collections::HashMap;

use crate::graph::{Graph, GraphError, Value};
use crate::tensor::DType;

/// Adds two values of one type: the only operation that the chain rule itself needs.
pub type Add = fn(&mut Graph, Value, Value) -> Result<Value, GraphError>;

/// Adds the gradients of `loss` with respect to each of `parameters` to the graph, and returns them in that order;
/// none for a parameter that the loss does not depend on.
///
/// `upstream` is the gradient of the loss itself: usually the constant 1. Only nodes between the parameters and the
/// loss get gradients, so that nothing is computed for data.
///
/// # Errors
/// Where `loss` is not a single f32, or a gradient's own operations do not take what they are given.
pub fn differentiate(
    graph: &mut Graph,
    loss: Value,
    upstream: Value,
    parameters: &[Value],
    add: Add,
) -> Result<Vec<Option<Value>>, GraphError> {
    let kind = graph.kind(loss);
    if kind.dtype != DType::F32 || kind.shape.elements() != 1 {
        return Err(GraphError::NotScalar(kind.clone()));
    }
    let wanted = depends_on(graph, loss, parameters);
    let mut gradients = HashMap::from([(loss, upstream)]);
    for id in (0..=loss.node.0 as usize).rev().filter(|&id| wanted[id]) {
        let node = graph.nodes()[id].clone();
        let upstream: Vec<_> = (0..node.outputs.len()).map(|output| gradients.get(&node.output(output)).copied()).collect();
        let Some(op) = node.op().filter(|_| upstream.iter().any(Option::is_some)) else { continue };
        let contributions = graph.scoped(format!("{} gradient", node.scope), |graph| op.gradient(graph, &node, &upstream))?;
        for (&input, contribution) in node.inputs.iter().zip(contributions) {
            let Some(contribution) = contribution.filter(|_| wanted[input.node.0 as usize] || parameters.contains(&input)) else {
                continue;
            };
            let total = match gradients.get(&input) {
                Some(&other) => add(graph, other, contribution)?,
                None => contribution,
            };
            gradients.insert(input, total);
        }
    }
    Ok(parameters.iter().map(|parameter| gradients.get(parameter).copied()).collect())
}

/// For each node up to the loss, whether it is computed from a parameter. A node that makes a parameter is not:
/// the walk ends there.
fn depends_on(graph: &Graph, loss: Value, parameters: &[Value]) -> Vec<bool> {
    let mut depends = vec![false; loss.node.0 as usize + 1];
    for id in 0..depends.len() {
        let reads = |input: &Value| depends[input.node.0 as usize] || parameters.contains(input);
        depends[id] = graph.nodes()[id].inputs.iter().any(reads);
    }
    depends
}
