//! Reverse-mode differentiation: the chain rule as a walk through the graph, from its last node to its first.

use std::collections::HashMap;

use crate::graph::{Graph, GraphError, Value};
use crate::tensor::DType;

/// Adds up values of one type, two or more: the only operation that the chain rule itself needs. It is given all of a
/// gradient's terms at once, those of the graph's first readers first, so that it may find a better way than one
/// addition after another.
pub type Accumulate = fn(&mut Graph, &[Value]) -> Result<Value, GraphError>;

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
    accumulate: Accumulate,
) -> Result<Vec<Option<Value>>, GraphError> {
    let kind = graph.kind(loss);
    if kind.dtype != DType::F32 || kind.shape.elements() != 1 {
        return Err(GraphError::NotScalar(kind.clone()));
    }
    let wanted = depends_on(graph, loss, parameters);
    let mut gradients = Gradients { terms: HashMap::from([(loss, vec![upstream])]), accumulate };
    for id in (0..=loss.node.0 as usize).rev().filter(|&id| wanted[id]) {
        let node = graph.nodes()[id].clone();
        let contributions = graph.scoped(format!("{} gradient", node.scope).trim_start(), |graph| {
            let outputs = (0..node.outputs.len()).map(|output| gradients.of(graph, node.output(output)));
            let upstream = outputs.collect::<Result<Vec<_>, _>>()?;
            match node.op().filter(|_| upstream.iter().any(Option::is_some)) {
                Some(op) => op.gradient(graph, &node, &upstream),
                None => Ok(Vec::new()),
            }
        })?;
        for (&input, contribution) in node.inputs.iter().zip(contributions) {
            if wanted[input.node.0 as usize] || parameters.contains(&input) {
                gradients.terms.entry(input).or_default().extend(contribution);
            }
        }
    }
    parameters.iter().map(|&parameter| gradients.of(graph, parameter)).collect()
}

/// What the walk has found so far: for each value the terms that its gradient is the sum of, the last reader's first.
struct Gradients {
    terms: HashMap<Value, Vec<Value>>,
    accumulate: Accumulate,
}

impl Gradients {
    /// The gradient of a value whose readers have all been walked through.
    fn of(&mut self, graph: &mut Graph, value: Value) -> Result<Option<Value>, GraphError> {
        let Some(terms) = self.terms.get_mut(&value) else { return Ok(None) };
        if terms.len() > 1 {
            terms.reverse();
            *terms = vec![(self.accumulate)(graph, terms)?];
        }
        Ok(terms.first().copied())
    }
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
