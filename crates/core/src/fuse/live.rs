//! What of a graph is needed, and how it becomes WGSL.

use std::collections::HashMap;

use crate::graph::{Graph, Kind, Node, NodeId, Source, Value};
use crate::op::{Kernel, Lowering, Op};
use crate::plan::{PlanError, Target};
use crate::tensor::TensorType;

/// The nodes that outputs and states depend on.
#[derive(Clone, Debug)]
pub struct Live {
    /// Their ids, in the graph's order.
    pub nodes: Vec<NodeId>,
    /// For each node of the graph, how it becomes WGSL; none for sources and dead nodes. Kernels are narrowed down to
    /// the one for the target.
    pub lowerings: Vec<Option<Lowering>>,
    /// The live nodes that read a value.
    pub readers: HashMap<Value, Vec<NodeId>>,
    /// Values that must be in memory after the step: outputs, and what states become.
    pub wanted: Vec<Value>,
}

impl Live {
    /// Finds them.
    ///
    /// # Errors
    /// Where an operation has no kernel for the target.
    pub fn of(graph: &Graph, target: &Target) -> Result<Self, PlanError> {
        let wanted: Vec<Value> =
            graph.outputs().iter().map(|(_, value)| *value).chain(graph.nexts().iter().map(|(_, next)| *next)).collect();
        let mut live = vec![false; graph.nodes().len()];
        for value in &wanted {
            live[value.node.0 as usize] = true;
        }
        for node in graph.nodes().iter().rev() {
            if live[node.id.0 as usize] {
                mark_inputs(node, &mut live);
            }
        }
        let nodes: Vec<NodeId> = graph.nodes().iter().map(|node| node.id).filter(|id| live[id.0 as usize]).collect();
        let mut readers: HashMap<Value, Vec<NodeId>> = HashMap::new();
        for &id in &nodes {
            for &input in &graph.node(id).inputs {
                readers.entry(input).or_default().push(id);
            }
        }
        let lowerings =
            graph.nodes().iter().map(|node| if live[node.id.0 as usize] { lower(graph, node, target) } else { Ok(None) });
        let lowerings = lowerings.collect::<Result<_, _>>()?;
        Ok(Self { nodes, lowerings, readers, wanted })
    }

    /// How a node becomes WGSL; none for a source.
    pub fn lowering(&self, node: NodeId) -> Option<&Lowering> {
        self.lowerings[node.0 as usize].as_ref()
    }

    /// Whether somebody reads the value, or it must be in memory after the step.
    pub fn is_read(&self, value: Value) -> bool {
        self.wanted.contains(&value) || self.readers.contains_key(&value)
    }
}

fn mark_inputs(node: &Node, live: &mut [bool]) {
    for input in &node.inputs {
        live[input.node.0 as usize] = true;
    }
}

fn lower(graph: &Graph, node: &Node, target: &Target) -> Result<Option<Lowering>, PlanError> {
    let Kind::Op(op) = &node.kind else { return Ok(None) };
    let inputs: Vec<TensorType> = node.inputs.iter().map(|&input| graph.kind(input).clone()).collect();
    Ok(Some(match op.lowering(&inputs) {
        Lowering::Kernels(candidates) => Lowering::Kernels(vec![choose(op.as_ref(), &inputs, candidates, target)?]),
        other => other,
    }))
}

/// Of the kernels that the target can run, the one that was chosen, if it is there; otherwise the first for the class, or
/// for another where those for this one would run for too long.
fn choose(op: &dyn Op, inputs: &[TensorType], mut candidates: Vec<Kernel>, target: &Target) -> Result<Kernel, PlanError> {
    let suits = |kernel: &Kernel| kernel.class.is_none_or(|class| class == target.class);
    let rounds = candidates.iter().map(|kernel| kernel.rounds).min().unwrap_or(0);
    let has_suited = candidates.iter().any(suits);
    // First, since choices may come from another adapter.
    candidates.retain(|kernel| target.can_run(kernel));
    let chosen = target.choices.candidate(op, inputs);
    let chosen = chosen.and_then(|name| candidates.iter().position(|kernel| kernel.candidate == name));
    let any = || (has_suited && !candidates.is_empty()).then_some(0);
    let found = chosen.or_else(|| candidates.iter().position(suits)).or_else(any);
    let missing = || match (op.name().to_owned(), target.most_rounds()) {
        (operation, most) if rounds > most => PlanError::TooLong { operation, rounds, most },
        (operation, _) => PlanError::NoKernel { operation, class: target.class },
    };
    Ok(candidates.swap_remove(found.ok_or_else(missing)?))
}

/// A constant of one float, which is written into the WGSL.
pub fn literal(graph: &Graph, value: Value) -> Option<f32> {
    match &graph.node(value.node).kind {
        Kind::Source(Source::Constant(tensor)) => match tensor.as_ref() {
            crate::HostTensor::F32(_, data) if data.len() == 1 && data[0].is_finite() => Some(data[0]),
            _ => None,
        },
        _ => None,
    }
}
