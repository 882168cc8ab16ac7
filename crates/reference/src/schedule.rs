//! A graph, analysed once: which nodes are needed, in which order, and when each value is read for the last time.

use std::collections::HashSet;
use std::sync::Arc;

use wgrad_core::graph::Kind;
use wgrad_core::{Graph, Node, Op, Source, TensorType, Value};

use crate::error::{ReferenceError, check_tensor};

/// What a step does. Values are numbered by slots, consecutive for the outputs of one node.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    /// All inputs, states and constants, even those that nothing needs: they may be written all the same.
    pub sources: Vec<SourceSlot>,
    /// The operations that outputs and states depend on, in the graph's order.
    pub calls: Vec<Call>,
    /// What the graph is asked for, and its slot.
    pub outputs: Vec<(String, usize)>,
    /// What states become.
    pub nexts: Vec<Next>,
    /// The slot of each node's first output, and behind the last node the number of slots.
    first_slots: Vec<usize>,
}

/// A source and its slot.
#[derive(Clone, Debug)]
pub(crate) struct SourceSlot {
    pub source: Source,
    pub kind: TensorType,
    pub slot: usize,
    /// Whether a step reads it.
    pub live: bool,
}

/// One operation of a step.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub op: Arc<dyn Op>,
    /// The node's scope, name and place in the graph, such as `hidden.matmul (%7)`.
    pub label: String,
    pub inputs: Vec<usize>,
    pub first_output: usize,
    /// The types of the outputs.
    pub outputs: Vec<TensorType>,
    /// Slots of operations' outputs that nobody reads after this call.
    pub last_read: Vec<usize>,
}

/// A state, its slot, and that of the value which it has after the step.
#[derive(Clone, Debug)]
pub(crate) struct Next {
    pub state: String,
    pub slot: usize,
    pub value: usize,
}

impl Schedule {
    pub fn new(graph: &Graph) -> Result<Self, ReferenceError> {
        check_names(graph)?;
        let first_slots = first_slots(graph);
        let slot = |value: Value| first_slots[value.node.0 as usize] + value.output as usize;
        let live = live_nodes(graph);
        let is_live = |node: &Node| live[node.id.0 as usize];
        let sources = graph.nodes().iter().filter_map(|node| {
            let Kind::Source(source) = &node.kind else {
                return None;
            };
            let (kind, slot) = (node.outputs[0].clone(), slot(node.output(0)));
            Some(SourceSlot { source: source.clone(), kind, slot, live: is_live(node) })
        });
        let calls = graph.nodes().iter().filter_map(|node| {
            let Kind::Op(op) = node.kind.clone() else {
                return None;
            };
            let inputs = node.inputs.iter().map(|&input| slot(input)).collect();
            let (first_output, outputs) = (slot(node.output(0)), node.outputs.clone());
            let call = Call { op, label: label(node), inputs, first_output, outputs, last_read: Vec::new() };
            is_live(node).then_some(call)
        });
        let nexts = graph.nexts().iter().map(|&(state, value)| {
            let node = graph.node(state);
            Next { state: node.name().to_owned(), slot: slot(node.output(0)), value: slot(value) }
        });
        let mut schedule = Self {
            sources: sources.collect(),
            calls: calls.collect(),
            outputs: graph.outputs().iter().map(|(name, value)| (name.clone(), slot(*value))).collect(),
            nexts: nexts.collect(),
            first_slots,
        };
        schedule.find_last_reads();
        Ok(schedule)
    }

    /// The number of slots.
    pub fn slots(&self) -> usize {
        self.first_slots.last().copied().unwrap_or(0)
    }

    /// The slot of a value; none where the graph has no such value.
    pub fn slot(&self, value: Value) -> Option<usize> {
        let node = value.node.0 as usize;
        let slot = self.first_slots.get(node)? + value.output as usize;
        (slot < *self.first_slots.get(node + 1)?).then_some(slot)
    }

    /// Walks back from the end of the step: the first call met that touches a slot is the last to need it.
    fn find_last_reads(&mut self) {
        let mut kept: HashSet<usize> = self.sources.iter().map(|source| source.slot).collect();
        kept.extend(self.outputs.iter().map(|(_, slot)| *slot));
        kept.extend(self.nexts.iter().map(|next| next.value));
        for call in self.calls.iter_mut().rev() {
            let outputs = call.first_output..call.first_output + call.outputs.len();
            let touched = call.inputs.iter().copied().chain(outputs);
            call.last_read = touched.filter(|&slot| kept.insert(slot)).collect();
        }
    }
}

impl SourceSlot {
    /// The name of an input or state; none for a constant.
    pub fn name(&self) -> Option<&str> {
        match &self.source {
            Source::Input { name } | Source::State { name, .. } => Some(name),
            Source::Constant(_) => None,
        }
    }
}

impl Call {
    /// Checks the type of what the operation has made of one of its outputs, and the number of elements.
    pub fn check_output(&self, output: usize, got: &TensorType, elements: usize) -> Result<(), ReferenceError> {
        let wanted = &self.outputs[output];
        if wanted != got {
            let (operation, wanted, got) = (self.label.clone(), wanted.clone(), got.clone());
            return Err(ReferenceError::Output { operation, output, wanted, got });
        }
        check_tensor(&self.label, wanted, got, elements)
    }
}

fn label(node: &Node) -> String {
    let scope = if node.scope.is_empty() { String::new() } else { format!("{}.", node.scope) };
    format!("{scope}{} ({})", node.name(), node.output(0))
}

fn check_names(graph: &Graph) -> Result<(), ReferenceError> {
    let mut known = HashSet::new();
    for node in graph.nodes() {
        if let Kind::Source(Source::Input { name } | Source::State { name, .. }) = &node.kind
            && !known.insert(name)
        {
            return Err(ReferenceError::DuplicateName { name: name.clone() });
        }
    }
    Ok(())
}

fn first_slots(graph: &Graph) -> Vec<usize> {
    let mut total = 0;
    let counts = graph.nodes().iter().map(|node| node.outputs.len());
    let ends = counts.map(|count| {
        total += count;
        total
    });
    std::iter::once(0).chain(ends).collect()
}

/// For each node, whether an output or a state's next value depends on it.
fn live_nodes(graph: &Graph) -> Vec<bool> {
    let mut live = vec![false; graph.nodes().len()];
    let outputs = graph.outputs().iter().map(|(_, value)| *value);
    for value in outputs.chain(graph.nexts().iter().map(|(_, next)| *next)) {
        live[value.node.0 as usize] = true;
    }
    for node in graph.nodes().iter().rev() {
        if live[node.id.0 as usize] {
            for input in &node.inputs {
                live[input.node.0 as usize] = true;
            }
        }
    }
    live
}
