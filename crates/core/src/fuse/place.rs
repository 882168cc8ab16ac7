//! Decides where each node is computed.

use std::collections::HashSet;

use crate::graph::{Graph, NodeId, Value};
use crate::op::{Lanes, Lowering};
use crate::plan::Target;

use super::expression::is_gather;
use super::live::Live;
use super::{Apart, Place, Placement};

/// Places all live nodes that are not computed inline.
pub fn place(graph: &Graph, live: &Live, target: &Target, apart: &Apart) -> Placement {
    let mut placer = Placer { graph, live, apart, fuse: target.fuse, inline: HashSet::new(), placement: Placement::default() };
    placer.place_kernels();
    for &id in &live.nodes {
        match live.lowering(id) {
            Some(Lowering::Pointwise(_) | Lowering::View(_)) if placer.is_inline(id) => _ = placer.inline.insert(id),
            Some(Lowering::Pointwise(_)) => placer.place_pointwise(id),
            Some(Lowering::View(_)) => placer.place_view(id),
            None | Some(Lowering::Pack(_) | Lowering::Kernels(_)) => {}
        }
    }
    placer.placement
}

/// The bytes of the smallest element that can be stored alone.
pub const WORD: usize = 4;

struct Placer<'a> {
    graph: &'a Graph,
    live: &'a Live,
    apart: &'a Apart,
    fuse: bool,
    inline: HashSet<NodeId>,
    placement: Placement,
}

impl Placer<'_> {
    /// Each kernel anchors a dispatch of its own, but sums that another kernel makes on the way.
    fn place_kernels(&mut self) {
        let kernels: Vec<NodeId> =
            self.live.nodes.iter().copied().filter(|&id| matches!(self.live.lowering(id), Some(Lowering::Kernels(_)))).collect();
        let hosts: Vec<Option<(NodeId, usize)>> = kernels.iter().map(|&id| self.sum_host(id, &kernels)).collect();
        for (&id, host) in kernels.iter().zip(&hosts) {
            if host.is_none() {
                self.place_alone(id);
            }
        }
        for (&id, host) in kernels.iter().zip(&hosts) {
            let Some((host, hook)) = *host else { continue };
            let group = self.placement.places[&self.graph.node(host).output(0)].group;
            // The host makes each sum once, and may wait, through sums that others make, for this very one.
            let is_taken = self.placement.sums.values().any(|sum| *sum == (group, hook));
            if is_taken || self.depends(group, &[id]) {
                self.place_alone(id);
                continue;
            }
            self.placement.groups[group].push(id);
            self.placement.places.insert(self.graph.node(id).output(0), Place { group, slot: None });
            self.placement.sums.insert(id, (group, hook));
        }
    }

    /// The kernel that reads what this operation sums, can sum it, and does not wait for the sum itself.
    fn sum_host(&self, sum: NodeId, kernels: &[NodeId]) -> Option<(NodeId, usize)> {
        let axis = self.graph.node(sum).op()?.sums_axis()?;
        if !self.fuse || self.apart.alone.contains(&sum) {
            return None;
        }
        // A hook's axis is that of a matrix.
        let input = self.graph.node(sum).inputs[0];
        if self.graph.kind(input).shape.rank() != 2 {
            return None;
        }
        kernels.iter().filter(|&&host| host != sum).find_map(|&host| {
            let Some(Lowering::Kernels(candidates)) = self.live.lowering(host) else { return None };
            let inputs = &self.graph.node(host).inputs;
            let hook = candidates[0].sums.iter().position(|hook| hook.axis == axis && inputs[hook.input] == input)?;
            (!self.reaches(&[host], &[sum])).then_some((host, hook))
        })
    }

    /// A dispatch of its own, with a hook for each output of a kernel and one for all of another operation's.
    fn place_alone(&mut self, id: NodeId) {
        let group = self.placement.groups.len();
        let is_kernel = matches!(self.live.lowering(id), Some(Lowering::Kernels(_)));
        let node = self.graph.node(id);
        for output in 0..node.outputs.len() {
            let slot = Some(if is_kernel { output } else { 0 });
            self.placement.places.insert(node.output(output), Place { group, slot });
        }
        self.placement.groups.push(vec![id]);
    }

    /// A dispatch for each output that is read.
    fn place_view(&mut self, id: NodeId) {
        let node = self.graph.node(id);
        for value in (0..node.outputs.len()).map(|output| node.output(output)).filter(|&value| self.live.is_read(value)) {
            self.placement.places.insert(value, Place { group: self.placement.groups.len(), slot: Some(0) });
            self.placement.groups.push(vec![id]);
        }
    }

    /// Behind the last of its inputs' producers where that is possible, else in a dispatch of its own.
    fn place_pointwise(&mut self, id: NodeId) {
        let node = self.graph.node(id);
        let hosts = node.inputs.iter().filter_map(|&input| self.slot_of(id, input));
        let host = hosts.filter(|host| self.can_join(id, *host)).max_by_key(|host| host.group);
        match host.filter(|_| self.fuse && !self.apart.alone.contains(&id)) {
            Some(place) => {
                let outputs = (0..node.outputs.len()).map(|output| (node.output(output), place));
                self.placement.places.extend(outputs);
                self.placement.groups[place.group].push(id);
            }
            None => self.place_alone(id),
        }
    }

    /// The hook that has the elements of `input` which `id` wants, four at a time.
    fn slot_of(&self, id: NodeId, input: Value) -> Option<Place> {
        let place = *self.placement.places.get(&input)?;
        let same_shape = self.graph.kind(input).shape == self.graph.node(id).outputs[0].shape;
        let four = match self.live.lowering(input.node) {
            Some(Lowering::Kernels(candidates)) => {
                matches!(candidates[0].stores[input.output as usize].function, Some((_, Lanes::Four)))
            }
            _ => true,
        };
        (same_shape && four && place.slot.is_some()).then_some(place)
    }

    /// Whether everything else that the node reads is there before the dispatch starts.
    fn can_join(&self, id: NodeId, host: Place) -> bool {
        let members = &self.placement.groups[host.group];
        self.placed_inputs(id).iter().all(|&(input, direct)| {
            let place = self.placement.places[&input];
            if place.group == host.group {
                return direct && self.slot_of(id, input) == Some(host);
            }
            !self.depends(place.group, members)
        })
    }

    /// The placed values that a node reads, itself or through what is inline; and whether it reads them itself.
    fn placed_inputs(&self, id: NodeId) -> Vec<(Value, bool)> {
        let mut found = Vec::new();
        let mut open: Vec<(Value, bool)> = self.graph.node(id).inputs.iter().map(|&input| (input, true)).collect();
        let mut seen: HashSet<(Value, bool)> = open.iter().copied().collect();
        while let Some((value, direct)) = open.pop() {
            if self.placement.places.contains_key(&value) {
                found.push((value, direct));
            } else {
                let inputs = self.graph.node(value.node).inputs.iter().map(|&input| (input, false));
                open.extend(inputs.filter(|&input| seen.insert(input)));
            }
        }
        found
    }

    /// Whether a dispatch waits for any of these nodes.
    fn depends(&self, group: usize, on: &[NodeId]) -> bool {
        self.reaches(&self.placement.groups[group], on)
    }

    /// Whether any of `from` reads what one of `on` makes, directly or through others. A node waits for all that the
    /// dispatch waits for which makes its input.
    fn reaches(&self, from: &[NodeId], on: &[NodeId]) -> bool {
        let mut seen_values = HashSet::new();
        let mut seen_groups = HashSet::new();
        let mut open = from.to_vec();
        while let Some(id) = open.pop() {
            for &input in self.graph.node(id).inputs.iter().filter(|&&input| seen_values.insert(input)) {
                if on.contains(&input.node) {
                    return true;
                }
                open.push(input.node);
                if let Some(place) = self.placement.places.get(&input).filter(|place| seen_groups.insert(place.group)) {
                    open.extend(&self.placement.groups[place.group]);
                }
            }
        }
        false
    }

    /// Whether a node is computed anew by each reader: views, and functions of sources that load one tensor at most.
    fn is_inline(&self, id: NodeId) -> bool {
        let node = self.graph.node(id);
        let wanted = (0..node.outputs.len()).any(|output| self.live.wanted.contains(&node.output(output)));
        if wanted || self.apart.stored.contains(&id) {
            return false;
        }
        match self.live.lowering(id) {
            Some(Lowering::View(_)) => self.fuse || !is_gather(self.live.lowering(id)),
            _ if node.outputs.len() > 1 => false,
            // What is made narrower than a word is stored: its readers are to load less.
            Some(Lowering::Pointwise(_)) if node.outputs[0].dtype.bytes() < WORD => false,
            _ => self.fuse && node.inputs.iter().map(|&input| self.tensors(input)).sum::<usize>() <= 1,
        }
    }

    /// How many loads of tensors computing a value inline takes: more than 1 where it is not inline.
    fn tensors(&self, value: Value) -> usize {
        if self.graph.kind(value).shape.elements() == 1 {
            return 0;
        }
        match self.live.lowering(value.node) {
            None => 1,
            Some(_) if self.inline.contains(&value.node) => {
                self.graph.node(value.node).inputs.iter().map(|&input| self.tensors(input)).sum()
            }
            Some(_) => 2,
        }
    }
}
