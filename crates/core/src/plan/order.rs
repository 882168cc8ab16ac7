//! Which dispatches wait for which, and where states are overwritten.

use std::collections::{HashMap, HashSet};

use crate::fuse::{Access, Anchor, Destination, Expression, Fusion, Group, Loads, Slot, Store, packed_value};
use crate::graph::{Graph, Kind, Node, NodeId, Source, Value};
use crate::op::Lowering;

use super::{PlanError, Target};

/// Dispatches, with what they wait for.
pub struct Order {
    /// Those of the fusion, and copies.
    pub groups: Vec<Group>,
    /// For each, the level.
    pub levels: Vec<u32>,
    /// Values that are stored in place of the state that they are the next value of.
    pub in_place: HashMap<Value, NodeId>,
    /// Packed values: each input's destination.
    pub packs: HashMap<Value, Vec<Destination>>,
    /// Where a dispatch binds more buffers than the adapter has: the states that are copied, whose next values have buffers of
    /// their own.
    pub copied: Vec<NodeId>,
}

/// Orders a fusion's dispatches, and adds the copies that states and packs need.
pub fn order(graph: &Graph, fusion: &Fusion, target: &Target) -> Result<Order, PlanError> {
    let mut orderer = Orderer {
        graph,
        fusion,
        storage_buffers: target.storage_buffers as usize,
        groups: fusion.groups.clone(),
        waits: Vec::new(),
        packs: HashMap::new(),
        homes: HashMap::new(),
        in_place: HashMap::new(),
    };
    orderer.pack();
    orderer.keep_outputs();
    orderer.wait_for_data();
    orderer.write_states();
    orderer.keep_next_values();
    let (levels, copied) = (orderer.levels()?, orderer.copied());
    let Orderer { groups, packs, in_place, .. } = orderer;
    Ok(Order { groups, levels, in_place, packs, copied })
}

struct Orderer<'a> {
    graph: &'a Graph,
    fusion: &'a Fusion,
    storage_buffers: usize,
    groups: Vec<Group>,
    waits: Vec<HashSet<usize>>,
    packs: HashMap<Value, Vec<Destination>>,
    /// The pack in whose buffer a value is.
    homes: HashMap<Value, Value>,
    /// Values that are stored over the state that they are the next value of.
    in_place: HashMap<Value, NodeId>,
}

impl Orderer<'_> {
    /// Finds for each input of a pack who stores it there: its producer, which stores it twice if it is in another pack
    /// already and the limit of bindings allows it, else a copy.
    fn pack(&mut self) {
        let mut taken = self.immovable();
        for node in self.graph.nodes() {
            let Some(Lowering::Pack(_)) = &self.fusion.lowerings[node.id.0 as usize] else { continue };
            let pack = node.output(0);
            let destinations = node.inputs.iter().enumerate().map(|(input, &value)| {
                let value = packed_value(self.graph, &self.fusion.lowerings, value);
                let producer = self.producer(Destination::Value(value));
                if producer.is_some() && taken.insert(value) {
                    self.homes.insert(value, pack);
                    return Destination::Value(value);
                }
                let destination = Destination::Packed { pack, input };
                if !producer.is_some_and(|producer| self.store_also(producer, value, pack, destination)) {
                    self.groups.push(copy(self.graph, value, destination));
                }
                destination
            });
            let destinations = destinations.collect::<Vec<_>>();
            self.packs.insert(pack, destinations);
        }
    }

    /// Values that cannot be stored inside a pack: what states become, and what kernels bind without a hook, which then
    /// could not know where in the buffer it is.
    fn immovable(&self) -> HashSet<Value> {
        let mut values: HashSet<Value> = self.graph.nexts().iter().map(|(_, next)| *next).collect();
        for group in &self.groups {
            let Anchor::Kernel { node, kernel, .. } = &group.anchor else { continue };
            values.extend(group.loads().into_iter().filter(|(_, loads)| loads.is_none()).map(|(value, _)| value));
            let bound = kernel.stores.iter().enumerate().filter(|(_, hook)| hook.function.is_none());
            values.extend(bound.map(|(output, _)| self.graph.node(*node).output(output)));
        }
        values
    }

    /// Lets the dispatch that stores a value store it a second time, in a pack. Says whether it can.
    fn store_also(&mut self, group: usize, value: Value, pack: Value, destination: Destination) -> bool {
        let mut buffers = self.buffers(&self.groups[group]);
        buffers.insert(pack);
        let mut slots = self.groups[group].slots.iter_mut();
        let found = slots.find_map(|slot| {
            let store = slot.stores.iter().find(|store| store.destination == Destination::Value(value))?.clone();
            Some((slot, store))
        });
        match found {
            Some((slot, store)) if buffers.len() <= self.storage_buffers => {
                slot.stores.push(Store { destination, ..store });
                true
            }
            _ => false,
        }
    }

    /// What a dispatch binds, by a value in each buffer.
    fn buffers(&self, group: &Group) -> HashSet<Value> {
        let home = |value: Value| match (self.in_place.get(&value), self.homes.get(&value)) {
            (Some(&state), _) => self.graph.node(state).output(0),
            (None, Some(&pack)) => pack,
            (None, None) => value,
        };
        let written = group.destinations().map(|destination| match destination {
            Destination::Value(value) => home(value),
            Destination::Packed { pack, .. } => pack,
            Destination::State(state) => self.graph.node(state).output(0),
            Destination::Output(index) => self.graph.outputs()[index].1,
        });
        written.chain(group.loads().into_iter().map(|(value, _)| home(value))).collect()
    }

    /// Outputs that are inputs or states are copied: those may change before an output is read.
    fn keep_outputs(&mut self) {
        for (index, (_, value)) in self.graph.outputs().iter().enumerate() {
            if matches!(source(self.graph, *value), Some(Source::Input { .. } | Source::State { .. })) {
                self.groups.push(copy(self.graph, *value, Destination::Output(index)));
            }
        }
    }

    /// Outputs that are stored over a state are copied too: the state may be overwritten before the output is read.
    fn keep_next_values(&mut self) {
        for (index, (_, value)) in self.graph.outputs().iter().enumerate() {
            if self.in_place.contains_key(value) {
                self.groups.push(copy(self.graph, *value, Destination::Output(index)));
                self.waits.push(self.producers(*value).into_iter().collect());
            }
        }
    }

    fn producer(&self, destination: Destination) -> Option<usize> {
        self.groups.iter().position(|group| group.destinations().any(|written| written == destination))
    }

    /// The dispatches that write what is read.
    fn producers(&self, value: Value) -> Vec<usize> {
        match self.packs.get(&value) {
            Some(parts) => parts.iter().filter_map(|&part| self.producer(part)).collect(),
            None => self.producer(Destination::Value(value)).into_iter().collect(),
        }
    }

    fn wait_for_data(&mut self) {
        self.waits = self
            .groups
            .iter()
            .map(|group| group.loads().into_iter().flat_map(|(value, _)| self.producers(value)).collect())
            .collect();
    }

    /// Each state's next value is stored over the old one where nobody reads that later; else it is copied at last.
    fn write_states(&mut self) {
        let graph = self.graph;
        let (direct, copied): (Vec<_>, Vec<_>) =
            graph.nexts().iter().copied().partition(|&(state, next)| self.can_overwrite(state, next));
        for &(state, next) in &copied {
            self.copy_state(state, next);
        }
        // Before any state is overwritten, so that none waits for a copy that waits for its writer.
        for (state, _) in copied {
            self.wait_for_readers(state);
        }
        for (state, next) in direct {
            let readers = self.readers(graph.node(state).output(0));
            let writer = self.producer(Destination::Value(next)).filter(|_| !self.in_place.contains_key(&next));
            match writer.filter(|&writer| !readers.iter().any(|&reader| reader != writer && self.is_after(reader, writer))) {
                Some(writer) => {
                    self.waits[writer].extend(readers.into_iter().filter(|&reader| reader != writer));
                    self.in_place.insert(next, state);
                }
                None => {
                    self.copy_state(state, next);
                    self.wait_for_readers(state);
                }
            }
        }
    }

    /// Whether the dispatch that makes a next value reads the state element by element, if at all.
    fn can_overwrite(&self, state: NodeId, next: Value) -> bool {
        let Some(writer) = self.producer(Destination::Value(next)) else { return false };
        let packed = self.packs.values().flatten().any(|&part| part == Destination::Value(next));
        !packed && reads_by_element(self.graph, &self.groups[writer], self.graph.node(state), next)
    }

    /// The states that are copied, if a dispatch binds more buffers than the adapter has.
    fn copied(&self) -> Vec<NodeId> {
        let is_over = self.groups.iter().any(|group| self.buffers(group).len() > self.storage_buffers);
        let states = self.graph.nexts().iter().map(|(state, _)| *state).filter(|_| is_over);
        states.filter(|state| self.producer(Destination::State(*state)).is_some()).collect()
    }

    fn copy_state(&mut self, state: NodeId, next: Value) {
        self.groups.push(copy(self.graph, next, Destination::State(state)));
        self.waits.push(self.producers(next).into_iter().collect());
    }

    /// Has the copy of a state's next value wait for all that read the old one.
    fn wait_for_readers(&mut self, state: NodeId) {
        let readers = self.readers(self.graph.node(state).output(0));
        if let Some(copy) = self.producer(Destination::State(state)) {
            self.waits[copy].extend(readers.into_iter().filter(|&reader| reader != copy));
        }
    }

    fn readers(&self, value: Value) -> Vec<usize> {
        (0..self.groups.len()).filter(|&group| self.groups[group].loads().iter().any(|(read, _)| *read == value)).collect()
    }

    /// Whether one dispatch waits for another.
    fn is_after(&self, group: usize, other: usize) -> bool {
        let mut seen = HashSet::new();
        let mut open = vec![group];
        while let Some(group) = open.pop() {
            if group == other {
                return true;
            }
            open.extend(self.waits[group].iter().copied().filter(|&next| seen.insert(next)));
        }
        false
    }

    /// Each dispatch's level: one more than the last that it waits for.
    fn levels(&self) -> Result<Vec<u32>, PlanError> {
        let mut levels: Vec<Option<u32>> = vec![None; self.groups.len()];
        for _ in 0..self.groups.len() {
            for group in 0..self.groups.len() {
                let before: Option<Vec<u32>> = self.waits[group].iter().map(|&other| levels[other]).collect();
                levels[group] = before.map(|before| before.into_iter().max().map_or(0, |last| last + 1));
            }
            if levels.iter().all(Option::is_some) {
                return Ok(levels.into_iter().flatten().collect());
            }
        }
        if self.groups.is_empty() {
            return Ok(Vec::new());
        }
        let waiting = self.groups.iter().zip(&levels).filter(|(_, level)| level.is_none());
        let names = waiting.map(|(group, _)| label(self.graph, group)).collect::<Vec<_>>();
        Err(PlanError::Cycle(names.join(", ")))
    }
}

/// Whether a dispatch that overwrites a state with `next` reads the old value only where it writes.
fn reads_by_element(graph: &Graph, group: &Group, state: &Node, next: Value) -> bool {
    let old = state.output(0);
    if let Anchor::Kernel { node, loads, .. } = &group.anchor {
        let kernel = graph.node(*node);
        for (input, operand) in loads.iter().enumerate() {
            let mut reads = matches!(operand, crate::fuse::Operand::Bound(value) if *value == old);
            if let crate::fuse::Operand::Hook(expression) = operand {
                expression.visit_loads(&mut |value, _| reads |= value == old);
            }
            let pairs = kernel.op().map_or(&[][..], |op| op.in_place());
            let shared = next.node == kernel.id && pairs.contains(&(next.output as usize, input));
            if reads && !shared {
                return false;
            }
        }
    }
    let mut elsewhere = false;
    for slot in &group.slots {
        // A kernel may store one output before it calls the hook of another.
        let writes = slot.stores.iter().any(|store| store.destination == Destination::Value(next));
        for expression in slot.expressions() {
            expression.visit_loads(&mut |value, loads| {
                let is_same = loads == Loads::SameElement || graph.kind(old).shape.elements() == 1;
                elsewhere |= value == old && !(writes && is_same);
            });
        }
    }
    let single = graph.kind(old).shape.elements() == 1;
    let writes_elsewhere = single && group.slots.iter().any(|slot| slot.shape.elements() > 1);
    let repeated = writes_elsewhere && group.loads().iter().any(|(value, _)| *value == old);
    !elsewhere && !repeated
}

/// A dispatch that copies a value.
fn copy(graph: &Graph, value: Value, destination: Destination) -> Group {
    let shape = crate::Shape::from([graph.kind(value).shape.elements()]);
    let expression = Expression::Load { value, access: Access::identity(&shape) };
    let store = Store { expression, destination };
    let slot = Slot { shape: shape.clone(), members: Vec::new(), stores: vec![store] };
    Group { anchor: Anchor::Elementwise { shape }, slots: vec![slot], sums: Vec::new(), nodes: Vec::new() }
}

/// The names of a dispatch's operations, and its first node.
pub fn label(graph: &Graph, group: &Group) -> String {
    let names: Vec<&str> = group.nodes.iter().map(|&node| graph.node(node).name()).collect();
    match (group.nodes.first(), group.loads().first()) {
        (Some(node), _) => format!("{} %{}", names.join("+"), node.0),
        (None, Some((value, _))) => format!("copy {value}"),
        (None, None) => "copy".to_owned(),
    }
}

/// Whether a node is a state, input or constant.
pub fn source(graph: &Graph, value: Value) -> Option<&Source> {
    match &graph.node(value.node).kind {
        Kind::Source(source) => Some(source),
        Kind::Op(_) => None,
    }
}
