//! Makes a plan of a graph.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::compose::{Composed, Room, compose};
use crate::fuse::{Anchor, Destination, Expression, Fusion, Group, WORD, fuse_with_copies};
use crate::graph::{Graph, Kind, Source, Value};
use crate::op::{AdapterClass, Lanes, StoreHook, Work};
use crate::sink::sink;
use crate::tensor::TensorType;

use super::memory::{self, Memory};
use super::order::{self, Order};
use super::{Dispatch, Location, Plan, PlanError, Shader, Target, Tensor};

/// Makes a plan of a graph's outputs and states for a target. Where operations are fused, nodes are those of the graph
/// after [`sink`].
///
/// # Errors
/// Where a tensor, a kernel's bindings or its grid pass the target's limits, an operation has no kernel for it, bytes
/// would be stored one by one, two inputs or states have one name, or a WGSL file is not what its Rust half says.
pub fn plan(name: &str, graph: &Graph, target: &Target) -> Result<Plan, PlanError> {
    check_names(graph)?;
    let sunk = if target.fuse { sink(graph) } else { Cow::Borrowed(graph) };
    let graph = sunk.as_ref();
    let (fusion, order) = fused(graph, target)?;
    let memory = memory::allocate(graph, &fusion.lowerings, &order, target)?;
    let mut scheduler = Scheduler { graph, target, order: &order, memory: &memory, shaders: Vec::new(), known: HashMap::new() };
    let mut by_level: Vec<usize> = (0..order.groups.len()).collect();
    by_level.sort_by_key(|&group| order.levels[group]);
    let mut dispatches = Vec::new();
    for index in by_level {
        scheduler.check_bytes(&order.groups[index])?;
        let composed = compose(graph, &fusion.lowerings, &order.groups[index], &memory.locations)?;
        dispatches.push(scheduler.dispatch(index, composed)?);
    }
    let shaders = scheduler.shaders;
    let location = |(index, (name, value)): (usize, &(String, Value))| {
        let copied = memory.locations.destinations.get(&Destination::Output(index));
        (name.clone(), copied.unwrap_or_else(|| &memory.locations.values[value]).clone())
    };
    let outputs = graph.outputs().iter().enumerate().map(location).collect();
    Ok(Plan { name: name.to_owned(), target: target.clone(), buffers: memory.buffers, shaders, dispatches, outputs })
}

fn check_names(graph: &Graph) -> Result<(), PlanError> {
    let mut known = HashSet::new();
    let twice = graph.nodes().iter().find(|node| {
        matches!(node.kind, Kind::Source(Source::Input { .. } | Source::State { .. })) && !known.insert(node.name())
    });
    twice.map_or(Ok(()), |node| Err(PlanError::DuplicateName { name: node.name().to_owned() }))
}

/// Fuses operations and orders their dispatches: anew where one of them would bind too many buffers, since states turn out to
/// be copied that could have been overwritten.
fn fused(graph: &Graph, target: &Target) -> Result<(Fusion, Order), PlanError> {
    let mut copied = HashSet::new();
    loop {
        let fusion = fuse_with_copies(graph, target, copied.clone())?;
        let order = order::order(graph, &fusion, target)?;
        let known = copied.len();
        copied.extend(&order.copied);
        if copied.len() == known {
            return Ok((fusion, order));
        }
    }
}

struct Scheduler<'a> {
    graph: &'a Graph,
    target: &'a Target,
    order: &'a Order,
    memory: &'a Memory,
    shaders: Vec<Arc<Shader>>,
    known: HashMap<Arc<Shader>, usize>,
}

impl Scheduler<'_> {
    fn dispatch(&mut self, index: usize, composed: Composed) -> Result<Dispatch, PlanError> {
        let group = &self.order.groups[index];
        let label = order::label(self.graph, group);
        if composed.bindings.len() > self.target.storage_buffers as usize {
            return Err(PlanError::TooManyBindings {
                label,
                wanted: composed.bindings.len(),
                limit: self.target.storage_buffers,
            });
        }
        let (mut dims, workgroups) = self.grid(group);
        dims.extend(composed.offsets);
        if workgroups.iter().any(|&count| count > self.target.workgroups) {
            return Err(PlanError::TooManyWorkgroups { label, wanted: workgroups, limit: self.target.workgroups });
        }
        let writes = composed.bindings.iter().map(|binding| binding.writes).collect();
        let names = label.split(' ').next().unwrap_or_default().to_owned();
        let shader = self.shader(Shader { label: names, source: composed.source, entry: composed.entry, writes });
        Ok(Dispatch {
            shader,
            dims,
            bindings: composed.bindings,
            workgroups,
            level: self.order.levels[index],
            work: self.work(group),
            nodes: group.nodes.clone(),
            reads: self.reads(group),
            writes: self.writes(group),
            label,
        })
    }

    /// Refuses what [`compose`] cannot write: parts of a word that several invocations would share.
    fn check_bytes(&self, group: &Group) -> Result<(), PlanError> {
        for (index, slot) in group.slots.iter().enumerate() {
            let is_single = matches!(&group.anchor, Anchor::Kernel { kernel, .. }
                if matches!(kernel.stores.get(index), Some(StoreHook { function: Some((_, Lanes::One)), .. })));
            for store in &slot.stores {
                let Location { offset, kind, .. } = &self.memory.locations.destinations[&store.destination];
                let is_tight = self.memory.locations.packed.get(&store.destination) == Some(&Room::Exact);
                let is_lone = slot.shape.rows() == 1 && !is_tight;
                let are_words = offset.is_multiple_of(4) && (is_lone || slot.shape.columns().is_multiple_of(4));
                if kind.dtype.bytes() < WORD && (is_single || !are_words) {
                    return Err(PlanError::PartialWords { label: order::label(self.graph, group), got: kind.clone() });
                }
            }
        }
        Ok(())
    }

    fn shader(&mut self, shader: Shader) -> usize {
        let shader = Arc::new(shader);
        *self.known.entry(Arc::clone(&shader)).or_insert_with(|| {
            self.shaders.push(shader);
            self.shaders.len() - 1
        })
    }

    fn grid(&self, group: &Group) -> (Vec<u32>, [u32; 3]) {
        match &group.anchor {
            Anchor::Kernel { kernel, .. } => (kernel.dims.clone(), kernel.workgroups),
            Anchor::Elementwise { shape } => {
                let (rows, blocks) = (shape.rows(), shape.columns().div_ceil(4));
                let workgroups = elementwise_workgroups(self.target, rows * blocks);
                let runs = (workgroups * ELEMENTWISE_RUNS).max(1) as usize;
                let run = (rows * blocks).div_ceil(runs).next_multiple_of(ELEMENTWISE_LANES as usize);
                (vec![rows as u32, blocks as u32, run as u32], [workgroups, 1, 1])
            }
        }
    }

    fn reads(&self, group: &Group) -> Vec<Tensor> {
        let mut reads: Vec<Tensor> = Vec::new();
        for (value, _) in group.loads() {
            for part in self.parts(value) {
                if !reads.contains(&part) {
                    reads.push(part);
                }
            }
        }
        reads
    }

    /// A stored value; of a pack, what lies in it.
    fn parts(&self, value: Value) -> Vec<Tensor> {
        match self.order.packs.get(&value) {
            Some(destinations) => destinations.iter().map(|&destination| self.tensor(destination)).collect(),
            None => vec![Tensor { value, location: self.memory.locations.values[&value].clone() }],
        }
    }

    fn writes(&self, group: &Group) -> Vec<Tensor> {
        group.destinations().map(|destination| self.tensor(destination)).collect()
    }

    fn tensor(&self, destination: Destination) -> Tensor {
        let value = match destination {
            Destination::Value(value) => value,
            Destination::State(state) => self
                .graph
                .nexts()
                .iter()
                .find(|(known, _)| *known == state)
                .map_or(Value { node: state, output: 0 }, |next| next.1),
            // No other value has these names: sources and packs have one output.
            Destination::Output(index) => Value { output: index as u32 + 1, ..self.graph.outputs()[index].1 },
            Destination::Packed { pack, input } => Value { output: input as u32 + 1, ..pack },
        };
        Tensor { value, location: self.memory.locations.destinations[&destination].clone() }
    }

    fn work(&self, group: &Group) -> Work {
        let mut flops: u64 = group.nodes.iter().map(|&node| self.flops(node)).sum();
        let mut bytes: u64 = self.writes(group).iter().map(|tensor| tensor.location.kind.bytes() as u64).sum();
        let mut seen: Vec<&Expression> = Vec::new();
        for expression in group.expressions() {
            expression.visit_calls(&mut |node| flops += self.flops(node));
            visit(expression, &mut |leaf| {
                if !seen.contains(&leaf) {
                    seen.push(leaf);
                    bytes += self.loaded_bytes(leaf);
                }
            });
        }
        bytes += group
            .loads()
            .iter()
            .filter(|(_, loads)| loads.is_none())
            .map(|(value, _)| self.graph.kind(*value).bytes() as u64)
            .sum::<u64>();
        Work { bytes, flops }
    }

    fn flops(&self, node: crate::NodeId) -> u64 {
        let node = self.graph.node(node);
        let inputs: Vec<TensorType> = node.inputs.iter().map(|&input| self.graph.kind(input).clone()).collect();
        node.op().map_or(0, |op| op.flops(&inputs))
    }

    fn loaded_bytes(&self, leaf: &Expression) -> u64 {
        let (value, elements) = match leaf {
            Expression::Load { value, access } if access.is_repeat() => (value, 1),
            Expression::Load { value, access } => (value, access.shape.elements().min(self.graph.kind(*value).shape.elements())),
            Expression::Gather { table, shape, .. } => (table, shape.elements()),
            Expression::Windows { value, .. } => (value, self.graph.kind(*value).shape.elements()),
            Expression::Local(_) | Expression::Literal(_) | Expression::Call { .. } => return 0,
        };
        (elements * self.graph.kind(*value).dtype.bytes()) as u64
    }
}

fn visit<'a>(expression: &'a Expression, leaf: &mut impl FnMut(&'a Expression)) {
    leaf(expression);
    match expression {
        Expression::Call { arguments, .. } => arguments.iter().for_each(|argument| visit(argument, leaf)),
        Expression::Gather { row, .. } => visit(row, leaf),
        _ => {}
    }
}

const ELEMENTWISE_INVOCATIONS: u32 = 64;
/// The invocations that walk a run of blocks together.
const ELEMENTWISE_LANES: u32 = 8;
/// The runs of blocks that a workgroup walks.
const ELEMENTWISE_RUNS: u32 = ELEMENTWISE_INVOCATIONS / ELEMENTWISE_LANES;

/// A GPU wants an invocation for each block, up to what hides its latencies; a software adapter as few as keep its
/// threads busy, since each prepares what is the same for all elements, but so many that none walks more than some blocks:
/// see [`Target::most_rounds`], of which a block may take dozens.
fn elementwise_workgroups(target: &Target, blocks: usize) -> u32 {
    const LONGEST: usize = 1024;
    let most = match target.class {
        AdapterClass::Software => blocks.div_ceil(LONGEST * ELEMENTWISE_INVOCATIONS as usize).max(32),
        AdapterClass::Gpu => 4096,
    };
    blocks.div_ceil(ELEMENTWISE_INVOCATIONS as usize).min(most) as u32
}
