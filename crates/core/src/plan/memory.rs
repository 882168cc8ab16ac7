//! Gives every stored tensor a place in a buffer.

use std::collections::HashMap;
use std::sync::Arc;

use crate::compose::{Locations, Room};
use crate::fuse::Destination;
use crate::graph::{Graph, NodeId, Source, Value};
use crate::op::Lowering;
use crate::tensor::TensorType;

use super::order::{Order, source};
use super::{Buffer, BufferId, Location, PlanError, Role, Target};

/// All buffers, and where tensors are in them.
pub struct Memory {
    pub buffers: Vec<Buffer>,
    pub locations: Locations,
}

/// Allocates memory for all that is stored in a step.
///
/// Sources and packs have buffers of their own. Any other tensor takes one over from a tensor that was read last on
/// an earlier level, so that no barrier is needed which is not there anyway.
pub fn allocate(graph: &Graph, lowerings: &[Option<Lowering>], order: &Order, target: &Target) -> Result<Memory, PlanError> {
    let mut allocator = Allocator { graph, order, buffers: Vec::new(), locations: Locations::default(), names: HashMap::new() };
    allocator.sources();
    allocator.packs(lowerings);
    allocator.states();
    allocator.outputs();
    allocator.scratch();
    for buffer in &allocator.buffers {
        if buffer.bytes > target.binding_bytes {
            return Err(PlanError::TooLarge { label: buffer.label.clone(), wanted: buffer.bytes, limit: target.binding_bytes });
        }
    }
    Ok(Memory { buffers: allocator.buffers, locations: allocator.locations })
}

struct Allocator<'a> {
    graph: &'a Graph,
    order: &'a Order,
    buffers: Vec<Buffer>,
    locations: Locations,
    names: HashMap<String, BufferId>,
}

impl Allocator<'_> {
    fn sources(&mut self) {
        let graph = self.graph;
        let read: Vec<Value> = self.order.groups.iter().flat_map(|group| group.loads()).map(|(value, _)| value).collect();
        for node in graph.nodes() {
            let value = node.output(0);
            let is_next = graph.nexts().iter().any(|(state, _)| *state == node.id);
            let is_output = graph.outputs().iter().any(|(_, output)| *output == value);
            let Some(source) = source(graph, value).filter(|_| is_next || is_output || read.contains(&value)) else { continue };
            let (label, role) = match source {
                Source::Input { name } => (name.clone(), Role::Input(name.clone(), graph.kind(value).clone())),
                Source::State { name, initial } => (name.clone(), Role::State(name.clone(), initial.clone())),
                Source::Constant(tensor) => (format!("constant {value}"), Role::Constant(Arc::clone(tensor))),
            };
            let kind = graph.kind(value).clone();
            let known = self.names.get(&label).copied();
            let buffer = known.unwrap_or_else(|| self.buffer(label.clone(), role, padded(&kind)));
            self.names.insert(label, buffer);
            self.locations.values.insert(value, Location { buffer, offset: 0, kind });
        }
    }

    fn packs(&mut self, lowerings: &[Option<Lowering>]) {
        for (&pack, destinations) in sorted(&self.order.packs) {
            let node = self.graph.node(pack.node);
            let Some(Lowering::Pack(offsets)) = &lowerings[pack.node.0 as usize] else { continue };
            let kind = self.graph.kind(pack).clone();
            let buffer = self.buffer(format!("pack {pack}"), Role::Pack, padded(&kind));
            self.locations.values.insert(pack, Location { buffer, offset: 0, kind });
            for ((&destination, &offset), &input) in destinations.iter().zip(offsets).zip(&node.inputs) {
                let mut location = Location { buffer, offset, kind: self.graph.kind(input).clone() };
                let end = offset + location.kind.shape.elements();
                let is_tight = offsets.iter().any(|&next| next > offset && next < end.next_multiple_of(4));
                if let Destination::Value(value) = destination {
                    location.kind = self.graph.kind(value).clone();
                    self.locations.values.insert(value, location.clone());
                }
                self.locations.destinations.insert(destination, location);
                self.locations.packed.insert(destination, if is_tight { Room::Exact } else { Room::Padded });
            }
        }
    }

    fn states(&mut self) {
        let of = |locations: &Locations, state: NodeId| locations.values[&Value { node: state, output: 0 }].clone();
        for (&next, &state) in &self.order.in_place {
            let location = of(&self.locations, state);
            self.locations.values.insert(next, location.clone());
            self.locations.destinations.insert(Destination::Value(next), location);
        }
        for &(state, _) in self.graph.nexts() {
            let location = of(&self.locations, state);
            self.locations.destinations.insert(Destination::State(state), location);
        }
    }

    /// Copies of old states stay after the step, so that no other tensor may take their memory over.
    fn outputs(&mut self) {
        let graph = self.graph;
        for destination in self.order.groups.iter().flat_map(|group| group.destinations()) {
            let Destination::Output(index) = destination else { continue };
            let (name, value) = &graph.outputs()[index];
            let kind = graph.kind(*value).clone();
            let buffer = self.buffer(format!("output {name}"), Role::Scratch, padded(&kind));
            self.locations.destinations.insert(destination, Location { buffer, offset: 0, kind });
        }
    }

    /// All that is left, by level.
    fn scratch(&mut self) {
        let mut written: Vec<(u32, Value)> = Vec::new();
        for (group, &level) in self.order.groups.iter().zip(&self.order.levels) {
            written.extend(group.destinations().filter_map(|destination| match destination {
                Destination::Value(value) if !self.locations.values.contains_key(&value) => Some((level, value)),
                _ => None,
            }));
        }
        written.sort();
        let mut busy: Vec<(BufferId, u32)> = Vec::new();
        for (level, value) in written {
            let kind = self.graph.kind(value).clone();
            let buffer = self.reuse(&busy, level, padded(&kind)).unwrap_or_else(|| self.buffer(String::new(), Role::Scratch, 0));
            let entry = &mut self.buffers[buffer.0 as usize];
            entry.bytes = entry.bytes.max(padded(&kind));
            entry.label = format!("{}{}{value}", entry.label, if entry.label.is_empty() { "" } else { " " });
            busy.retain(|(known, _)| *known != buffer);
            busy.push((buffer, self.last_read(value, level)));
            let location = Location { buffer, offset: 0, kind };
            self.locations.destinations.insert(Destination::Value(value), location.clone());
            self.locations.values.insert(value, location);
        }
    }

    /// A buffer whose tensor is dead: the smallest that is large enough, else the largest.
    fn reuse(&self, busy: &[(BufferId, u32)], level: u32, bytes: u64) -> Option<BufferId> {
        let size = |buffer: &BufferId| self.buffers[buffer.0 as usize].bytes;
        let free = || busy.iter().filter(|(_, last)| *last < level).map(|(buffer, _)| *buffer);
        free().filter(|buffer| size(buffer) >= bytes).min_by_key(size).or_else(|| free().max_by_key(size))
    }

    fn last_read(&self, value: Value, written: u32) -> u32 {
        if self.graph.outputs().iter().any(|(_, output)| *output == value) {
            return u32::MAX;
        }
        let groups = self.order.groups.iter().zip(&self.order.levels);
        let readers = groups.filter(|(group, _)| group.loads().iter().any(|(read, _)| *read == value));
        readers.map(|(_, level)| *level).max().unwrap_or(written)
    }

    fn buffer(&mut self, label: String, role: Role, bytes: u64) -> BufferId {
        self.buffers.push(Buffer { label, role, bytes });
        BufferId(self.buffers.len() as u32 - 1)
    }
}

fn sorted<V>(map: &HashMap<Value, V>) -> Vec<(&Value, &V)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(value, _)| **value);
    entries
}

/// The size of a tensor's buffer: whole groups of four elements, and 16 bytes at least.
fn padded(kind: &TensorType) -> u64 {
    (kind.bytes() as u64).next_multiple_of(16).max(16)
}
