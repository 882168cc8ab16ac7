//! The sum of a gradient's terms, where a value is read several times.
//!
//! A layer that is used at each step of a sequence has as many terms in its weights' gradient as there are steps, and
//! each is a product over the examples of one step. Their sum is one product over the examples of all steps,
//!
//! ```text
//! sum over t of A[t]^T B[t] = [A[0]; A[1]; ...]^T [B[0]; B[1]; ...]
//! ```
//!
//! of operands that are stored behind one another as they are computed; and so is the sum of the bias' terms.

use std::any::Any;

use wgrad_core::{DType, Graph, GraphError, Node, Value};

use crate::{Matmul, Reshape, Sum, add, concat, matmul, reshape, sum_axes};

/// Adds up `terms`, f32 values of one shape: products and sums of rows each at once, the rest one after another.
///
/// # Errors
/// Where there are no terms, or they have more than one type.
pub fn accumulate(graph: &mut Graph, terms: &[Value]) -> Result<Value, GraphError> {
    if let Some(originals) = reshaped(graph, terms) {
        let total = accumulate(graph, &originals)?;
        return reshape(graph, total, graph.kind(terms[0]).shape.clone());
    }
    let (products, rest) = take(graph, terms, |node| is_product(graph, node));
    let (sums, rest) = take(graph, &rest, is_sum_of_rows);
    let mut totals = rest;
    if !products.is_empty() {
        let [lhs, rhs] = [0, 1].map(|operand| stacked(graph, &products, operand));
        totals.push(matmul(graph, lhs?, rhs?, true, false)?);
    }
    if !sums.is_empty() {
        let rows = stacked(graph, &sums, 0)?;
        totals.push(sum_axes(graph, rows, &[0], false)?);
    }
    match totals[..] {
        [first, ref others @ ..] => others.iter().try_fold(first, |total, &term| add(graph, total, term)),
        // A sum of nothing has no type: `concat` says so.
        [] => concat(graph, &[], 0),
    }
}

/// What all these terms are reshapes of, if that has one type.
fn reshaped(graph: &Graph, terms: &[Value]) -> Option<Vec<Value>> {
    let original = |term: &Value| {
        let node = graph.node(term.node);
        downcast::<Reshape>(node).map(|_| node.inputs[0])
    };
    let originals: Vec<Value> = terms.iter().map(original).collect::<Option<_>>()?;
    let first = graph.kind(*originals.first()?);
    originals.iter().all(|&original| graph.kind(original) == first).then_some(originals)
}

/// The terms of one kind, and the others; there is nothing to gain from a single one.
fn take(graph: &Graph, terms: &[Value], is_of_kind: impl Fn(&Node) -> bool) -> (Vec<Value>, Vec<Value>) {
    let (taken, rest): (Vec<_>, Vec<_>) = terms.iter().partition(|term| is_of_kind(graph.node(term.node)));
    if taken.len() > 1 { (taken, rest) } else { (Vec::new(), terms.to_vec()) }
}

/// Whether a node is the product of two matrices of f32 over their rows. Those of f16 may not be stored behind one another,
/// and batches that are stored so make one larger batch.
fn is_product(graph: &Graph, node: &Node) -> bool {
    let is_wide = node.inputs.iter().all(|&input| graph.kind(input).dtype == DType::F32);
    let is_matrix = node.outputs[0].shape.rank() == 2;
    is_wide && is_matrix && downcast::<Matmul>(node).is_some_and(|product| product.transpose_lhs && !product.transpose_rhs)
}

/// Whether a node sums a matrix over its rows.
fn is_sum_of_rows(node: &Node) -> bool {
    downcast::<Sum>(node).is_some_and(|sum| sum.axis == 0) && node.outputs[0].shape.rank() == 1
}

fn downcast<T: 'static>(node: &Node) -> Option<&T> {
    let op: &dyn Any = node.op()?;
    op.downcast_ref()
}

/// One input of all these nodes, behind one another.
fn stacked(graph: &mut Graph, terms: &[Value], input: usize) -> Result<Value, GraphError> {
    let inputs: Vec<Value> = terms.iter().map(|term| graph.node(term.node).inputs[input]).collect();
    concat(graph, &inputs, 0)
}

#[cfg(test)]
mod tests {
    use wgrad_core::TensorType;

    use super::*;

    fn names(graph: &Graph, from: usize) -> Vec<&str> {
        graph.nodes()[from..].iter().map(|node| node.name()).collect()
    }

    #[test]
    fn products_over_rows_become_one() {
        let mut graph = Graph::new();
        let steps: Vec<[Value; 2]> =
            (0..3).map(|step| [4, 5].map(|columns| graph.input("x", TensorType::f32([2 + step, columns])))).collect();
        let terms: Vec<Value> = steps.iter().map(|&[lhs, rhs]| matmul(&mut graph, lhs, rhs, true, false).unwrap()).collect();
        let before = graph.nodes().len();
        let total = accumulate(&mut graph, &terms).unwrap();
        assert_eq!(names(&graph, before), ["concat", "concat", "matmul"]);
        let product = graph.node(total.node);
        assert_eq!(product.outputs, [TensorType::f32([4, 5])]);
        assert_eq!(graph.node(product.inputs[1].node).inputs, steps.iter().map(|step| step[1]).collect::<Vec<_>>());
        assert_eq!(graph.kind(product.inputs[0]), &TensorType::f32([9, 4]));
    }

    #[test]
    fn other_terms_are_added_one_after_another() {
        let mut graph = Graph::new();
        let [weight, other] = ["w", "v"].map(|name| graph.input(name, TensorType::f32([4, 4])));
        let product = matmul(&mut graph, weight, other, true, false).unwrap();
        let mixed = matmul(&mut graph, weight, other, true, true).unwrap();
        let before = graph.nodes().len();
        accumulate(&mut graph, &[product, weight, mixed]).unwrap();
        assert_eq!(names(&graph, before), ["add", "add"]);
    }

    /// Two products of batches: behind one another along the first axis, they would be a larger batch.
    #[test]
    fn products_of_batches_are_added() {
        let mut graph = Graph::new();
        let [lhs, rhs] = [4, 5].map(|columns| graph.input("x", TensorType::f32([2, 3, columns])));
        let terms = [0, 1].map(|_| matmul(&mut graph, lhs, rhs, true, false).unwrap());
        let before = graph.nodes().len();
        let total = accumulate(&mut graph, &terms).unwrap();
        assert_eq!(names(&graph, before), ["add"]);
        assert_eq!(graph.kind(total), &TensorType::f32([2, 4, 5]));
    }

    #[test]
    fn sums_of_rows_become_one() {
        let mut graph = Graph::new();
        let steps = [3, 2].map(|rows| graph.input("x", TensorType::f32([rows, 5])));
        let bias = graph.input("b", TensorType::f32([5]));
        let terms = steps.map(|step| sum_axes(&mut graph, step, &[0], false).unwrap());
        let before = graph.nodes().len();
        let total = accumulate(&mut graph, &[terms[0], bias, terms[1]]).unwrap();
        assert_eq!(names(&graph, before), ["concat", "sum", "add"]);
        assert_eq!(graph.kind(total), &TensorType::f32([5]));
        assert!(accumulate(&mut graph, &[]).is_err());
        let reshaped = terms.map(|term| reshape(&mut graph, term, [5, 1]).unwrap());
        let before = graph.nodes().len();
        let total = accumulate(&mut graph, &reshaped).unwrap();
        assert_eq!(names(&graph, before), ["sum", "reshape"]);
        assert_eq!(graph.kind(total), &TensorType::f32([5, 1]));
    }
}
