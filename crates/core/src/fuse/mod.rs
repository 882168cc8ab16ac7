//! Fusion: which operations share a dispatch.
//!
//! A kernel reads its inputs through hooks and writes its outputs through hooks. Pointwise operations behind a
//! kernel move into the hook that stores its output, the *epilogue*. Views, and pointwise operations of sources that
//! cost no load of their own (indices, random numbers, a normalised pixel), are computed *inline* wherever they are
//! read. What remains gets an elementwise dispatch. Decisions rest on what [`Op`](crate::Op) says of an operation,
//! never on its name.

mod access;
mod build;
mod expression;
mod live;
mod place;

use std::collections::{HashMap, HashSet};

use crate::graph::{Graph, NodeId, Value};
use crate::op::{Kernel, Lowering};
use crate::plan::{PlanError, Target};
use crate::tensor::Shape;

pub use access::Access;
pub use build::operand_view;
pub use expression::{Expression, Loads};
pub use live::Live;
pub use place::WORD;

/// A graph's operations in dispatches, not yet in order.
#[derive(Clone, Debug)]
pub struct Fusion {
    /// The dispatches.
    pub groups: Vec<Group>,
    /// How each live node becomes WGSL; none for sources.
    pub lowerings: Vec<Option<Lowering>>,
}

/// What one dispatch computes.
#[derive(Clone, Debug)]
pub struct Group {
    /// The kernel that hooks hang on.
    pub anchor: Anchor,
    /// For each output of the kernel, what happens to it.
    pub slots: Vec<Slot>,
    /// Sums over inputs that the kernel makes on the way: the hook's index, and the sum.
    pub sums: Vec<(usize, Value)>,
    /// The nodes that are computed here: the kernel's, the epilogue's and the sums', but not those inline.
    pub nodes: Vec<NodeId>,
}

/// What hooks hang on.
#[derive(Clone, Debug)]
pub enum Anchor {
    /// An operation's kernel, with the expression that each input is read by.
    Kernel {
        /// The operation.
        node: NodeId,
        /// The candidate.
        kernel: Box<Kernel>,
        /// One for each input.
        loads: Vec<Operand>,
    },
    /// The elementwise kernel, over all indices of a shape.
    Elementwise {
        /// The indices.
        shape: Shape,
    },
}

/// How a kernel gets an input.
#[derive(Clone, Debug)]
pub enum Operand {
    /// Through a hook, which computes it.
    Hook(Expression),
    /// By binding the stored tensor.
    Bound(Value),
}

/// What a hook that stores an output computes and stores.
#[derive(Clone, Debug)]
pub struct Slot {
    /// The indices that it is called with.
    pub shape: Shape,
    /// Operations of its elements, in order.
    pub members: Vec<Member>,
    /// What is stored in the end.
    pub stores: Vec<Store>,
}

/// An operation in an epilogue.
#[derive(Clone, Debug)]
pub struct Member {
    /// The operation.
    pub node: NodeId,
    /// Its inputs; of a view, what the one output shows that is stored here.
    pub arguments: Vec<Expression>,
    /// Which output is made, where only one is: a view's.
    pub output: usize,
}

/// A tensor that a dispatch writes.
#[derive(Clone, Debug)]
pub struct Store {
    /// The element.
    pub expression: Expression,
    /// Where it goes.
    pub destination: Destination,
}

/// What a stored tensor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// A value that others read.
    Value(Value),
    /// A state's next value, copied when nobody reads the old one any more.
    State(NodeId),
    /// A copy of a state's old value, which is the graph's output of that index.
    Output(usize),
    /// A copy of an input of a pack, for inputs that nobody can store there at once.
    Packed {
        /// The pack's output.
        pack: Value,
        /// Which of its inputs.
        input: usize,
    },
}

impl Group {
    /// The expressions of everything that this dispatch reads.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let hooks = match &self.anchor {
            Anchor::Kernel { loads, .. } => loads.as_slice(),
            Anchor::Elementwise { .. } => &[],
        };
        let hooks = hooks.iter().filter_map(|operand| match operand {
            Operand::Hook(expression) => Some(expression),
            Operand::Bound(_) => None,
        });
        hooks.chain(self.slots.iter().flat_map(Slot::expressions))
    }

    /// The stored tensors that this dispatch reads, with the way in which it does; none for bound ones.
    pub fn loads(&self) -> Vec<(Value, Option<Loads>)> {
        let mut loads = Vec::new();
        if let Anchor::Kernel { loads: operands, .. } = &self.anchor {
            loads.extend(operands.iter().filter_map(|operand| match operand {
                Operand::Bound(value) => Some((*value, None)),
                Operand::Hook(_) => None,
            }));
        }
        for expression in self.expressions() {
            expression.visit_loads(&mut |value, access| loads.push((value, Some(access))));
        }
        loads
    }

    /// What this dispatch writes.
    pub fn destinations(&self) -> impl Iterator<Item = Destination> {
        let sums = self.sums.iter().map(|(_, value)| Destination::Value(*value));
        self.slots.iter().flat_map(|slot| slot.stores.iter().map(|store| store.destination)).chain(sums)
    }
}

impl Slot {
    /// The expressions of all operations and stores.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let members = self.members.iter().flat_map(|member| &member.arguments);
        members.chain(self.stores.iter().map(|store| &store.expression))
    }
}

/// The value whose elements a pack's input shows in their order, in whatever shape: what is stored in the pack.
pub fn packed_value(graph: &Graph, lowerings: &[Option<Lowering>], input: Value) -> Value {
    let (mut value, elements) = (input, graph.kind(input).shape.elements());
    while let Some(Lowering::View(views)) = &lowerings[value.node.0 as usize] {
        let access = Access::of_view(&views[value.output as usize], &graph.kind(value).shape);
        let viewed = graph.node(value.node).inputs[0];
        if !access.is_some_and(|access| access.is_identity()) || graph.kind(viewed).shape.elements() != elements {
            break;
        }
        value = viewed;
    }
    value
}

/// Distributes a graph's operations over dispatches, so that each keeps the target's limit of bindings.
///
/// # Errors
/// Where an operation has no kernel for the target, or binds too many buffers by itself.
pub fn fuse(graph: &Graph, target: &Target) -> Result<Fusion, PlanError> {
    fuse_with_copies(graph, target, HashSet::new())
}

/// As [`fuse`], where it is known of some states that their next values cannot be stored over them, but have buffers of
/// their own.
pub(crate) fn fuse_with_copies(graph: &Graph, target: &Target, copied: HashSet<NodeId>) -> Result<Fusion, PlanError> {
    let live = Live::of(graph, target)?;
    let mut apart = Apart { copied, ..Apart::default() };
    // Each round either ends, or takes more nodes out of what is fused: there are at most as many as nodes.
    loop {
        let placement = place::place(graph, &live, target, &apart);
        let misfits = match build::build(graph, &live, &placement, target, &apart.copied)? {
            build::Built::Fusion(groups) => return Ok(Fusion { groups, lowerings: live.lowerings }),
            build::Built::Misfits(misfits) => misfits,
        };
        for misfit in misfits {
            match misfit {
                build::Misfit::Store(node) => apart.stored.insert(node),
                build::Misfit::Alone(node) => apart.alone.insert(node),
            };
        }
    }
}

/// Nodes that turned out not to fit where they were put.
#[derive(Clone, Debug, Default)]
struct Apart {
    /// Not inline: computed once, and stored.
    stored: HashSet<NodeId>,
    /// Not in another's epilogue.
    alone: HashSet<NodeId>,
    /// States that are not overwritten in place.
    copied: HashSet<NodeId>,
}

/// Where each node is computed.
#[derive(Clone, Debug, Default)]
struct Placement {
    /// Dispatches by their first node.
    groups: Vec<Vec<NodeId>>,
    /// The dispatch and its output that makes each value which is not inline. A kernel's outputs have a hook each, those
    /// of a pointwise operation share one, and each of a view that is stored has a dispatch of its own.
    places: HashMap<Value, Place>,
    /// Sums that a kernel makes on the way: the dispatch, and the hook's index.
    sums: HashMap<NodeId, (usize, usize)>,
}

/// A dispatch, and which of its kernel's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    group: usize,
    /// None for a sum that the kernel makes on the way.
    slot: Option<usize>,
}
