//! Finds the operations at which a device leaves the reference.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use anyhow::{Context, Result};
use wgrad::core::graph::Kind;
use wgrad::core::op::AdapterClass;
use wgrad::core::plan::{Target, plan};
use wgrad::core::{Array, Graph, HostTensor, NodeId, Op, Source, TensorType, Value};
use wgrad::executor::{Checks, Device, Executor};
use wgrad::reference::{Mismatch, compare};

/// An output of a node that is not the reference's.
#[derive(Debug)]
pub struct Difference {
    pub node: NodeId,
    /// The operation's name.
    pub operation: String,
    pub mismatch: Mismatch,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "node {} ({}): {}", self.node.0, self.operation, self.mismatch)
    }
}

/// What operations compute and kernels can store: all but what shares a word with its neighbours.
fn values(graph: &Graph) -> impl Iterator<Item = (Value, &TensorType)> {
    let operations = graph.nodes().iter().filter(|node| node.op().is_some());
    let values = operations.flat_map(|node| node.outputs.iter().enumerate().map(|(index, kind)| (node.output(index), kind)));
    values.filter(|(_, kind)| kind.dtype.bytes() == 4)
}

/// Runs one step of a graph on the device, each operation in a dispatch of its own, and holds what each computed against
/// its reference in double precision, within the operation's tolerance.
///
/// The reference is given what the device computed before, so that no error adds up over operations, and only those are
/// found, in the graph's order, that are wrong themselves.
pub fn differences(
    device: &Device,
    class: AdapterClass,
    graph: &Graph,
    inputs: &[(&str, HostTensor)],
) -> Result<Vec<Difference>> {
    let mut found = Vec::new();
    let mut computed = run(device, class, graph, inputs)?;
    computed.extend(sources(graph, inputs)?);
    for node in graph.nodes() {
        let Some(op) = node.op() else { continue };
        let arguments: Vec<Array> = node.inputs.iter().map(|input| computed[input].to_array()).collect();
        let kinds: Vec<TensorType> = arguments.iter().map(|argument| argument.kind.clone()).collect();
        let mut wanted: Vec<Array> = node.outputs.iter().cloned().map(Array::zeros).collect();
        op.reference(&arguments, &mut wanted);
        for (index, wanted) in wanted.iter().enumerate() {
            let got = computed.entry(node.output(index)).or_insert_with(|| HostTensor::from_array(wanted));
            if let Err(mismatch) = compare(got, wanted, op.tolerance(&kinds)) {
                found.push(Difference { node: node.id, operation: op.name().to_owned(), mismatch });
            }
        }
    }
    Ok(found)
}

/// The values of inputs, states and constants before the first step.
fn sources(graph: &Graph, inputs: &[(&str, HostTensor)]) -> Result<HashMap<Value, HostTensor>> {
    let mut sources = HashMap::new();
    for node in graph.nodes() {
        let tensor = match &node.kind {
            Kind::Source(Source::Input { name }) => {
                let input = inputs.iter().find(|(known, _)| known == name);
                input.with_context(|| format!("no input {name}"))?.1.clone()
            }
            Kind::Source(Source::State { initial: tensor, .. } | Source::Constant(tensor)) => HostTensor::clone(tensor),
            Kind::Op(_) => continue,
        };
        sources.insert(node.output(0), tensor);
    }
    Ok(sources)
}

/// What operations computed in the first step on the device.
fn run(device: &Device, class: AdapterClass, graph: &Graph, inputs: &[(&str, HostTensor)]) -> Result<HashMap<Value, HostTensor>> {
    let mut shown = graph.clone();
    for (value, _) in values(graph) {
        shown.set_output(value.to_string(), value);
    }
    let plan = plan("bisect", &shown, &Target { class, fuse: false, ..device.target() })?;
    plan.verify()?;
    let mut executor = Executor::new(device.clone(), Checks::Guarded);
    let loaded = executor.load_blocking(&plan)?;
    for (name, tensor) in inputs {
        executor.write_input(name, tensor)?;
    }
    executor.run_blocking(&[(&loaded, 1)])?;
    executor.check_guards_blocking()?;
    values(graph).map(|(value, _)| Ok((value, executor.read_output_blocking(&loaded, &value.to_string())?))).collect()
}

/// The same graph with another operation at a node, which must have outputs of the same types.
pub fn with_operation(graph: &Graph, at: NodeId, op: Arc<dyn Op>) -> Result<Graph> {
    let mut changed = Graph::new();
    for node in graph.nodes() {
        match &node.kind {
            Kind::Source(Source::Input { name }) => _ = changed.input(name.clone(), node.outputs[0].clone()),
            Kind::Source(Source::State { name, initial }) => _ = changed.state(name.clone(), initial.clone())?,
            Kind::Source(Source::Constant(tensor)) => _ = changed.constant(tensor.clone())?,
            Kind::Op(_) if node.id == at => _ = changed.apply_shared(op.clone(), &node.inputs)?,
            Kind::Op(known) => _ = changed.apply_shared(known.clone(), &node.inputs)?,
        }
    }
    for (name, value) in graph.outputs() {
        changed.set_output(name.clone(), *value);
    }
    for &(state, next) in graph.nexts() {
        changed.set_next(graph.node(state).output(0), next)?;
    }
    Ok(changed)
}
