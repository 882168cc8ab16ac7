//! Writes down what each dispatch computes, and finds out what has to be stored for others.

use std::collections::{HashMap, HashSet};

use crate::graph::{Graph, Kind, Node, NodeId, Value};
use crate::op::{Kernel, Lowering, View};
use crate::plan::{PlanError, Target};
use crate::tensor::{DType, Shape, TensorType};

use super::expression::{Builder, Expression, Unfit};
use super::live::Live;
use super::{Access, Anchor, Destination, Group, Member, Operand, Placement, Slot, Store, packed_value};

/// Dispatches, or what keeps them from being written.
pub enum Built {
    Fusion(Vec<Group>),
    Misfits(Vec<Misfit>),
}

/// A node that has to be placed otherwise: stored rather than computed inline, or in no other's epilogue.
pub enum Misfit {
    Store(NodeId),
    Alone(NodeId),
}

/// Writes all dispatches. The next values of `copied` states have buffers of their own.
pub fn build(
    graph: &Graph,
    live: &Live,
    placement: &Placement,
    target: &Target,
    copied: &HashSet<NodeId>,
) -> Result<Built, PlanError> {
    let (mut groups, mut misfits) = (Vec::new(), Vec::new());
    for group in 0..placement.groups.len() {
        match build_group(graph, live, placement, group) {
            Ok(group) => groups.push(group),
            Err(misfit) => misfits.push(misfit),
        }
    }
    if !misfits.is_empty() {
        return Ok(Built::Misfits(misfits));
    }
    let read = read_values(graph, live, &groups);
    let unstored = read.iter().filter(|value| is_unstored(live, placement, **value));
    misfits.extend(unstored.map(|value| Misfit::Store(value.node)));
    if !misfits.is_empty() {
        return Ok(Built::Misfits(misfits));
    }
    for (index, group) in groups.iter_mut().enumerate() {
        add_stores(graph, placement, index, group, &read);
        flatten(group);
    }
    misfits.extend(groups.iter().flat_map(|group| partial_words(graph, live, placement, group)));
    if !misfits.is_empty() {
        return Ok(Built::Misfits(misfits));
    }
    let roots = roots(graph, live, copied);
    for group in &groups {
        misfits.extend(over_limit(graph, &roots, group, target)?);
    }
    Ok(if misfits.is_empty() { Built::Fusion(groups) } else { Built::Misfits(misfits) })
}

fn build_group(graph: &Graph, live: &Live, placement: &Placement, index: usize) -> Result<Group, Misfit> {
    let nodes = placement.groups[index].clone();
    let builder = |slot| Builder { graph, live, placement, group: index, slot };
    let anchor = graph.node(nodes[0]);
    let (anchor, mut slots) = match live.lowering(anchor.id) {
        Some(Lowering::Kernels(candidates)) => {
            let hooks = anchor.inputs.iter().zip(&candidates[0].loads).enumerate();
            let loads = hooks.map(|(index, (&input, hook))| {
                operand(&builder(None), input, operand_view(graph, anchor.id, index), hook.function.is_some())
            });
            let loads = loads.collect::<Result<_, _>>().map_err(|unfit| refuse(unfit, anchor.id))?;
            let kernel: Box<Kernel> = Box::new(candidates[0].clone());
            let slots = anchor.outputs.iter().map(|output| Slot { shape: output.shape.clone(), members: vec![], stores: vec![] });
            (Anchor::Kernel { node: anchor.id, kernel, loads }, slots.collect())
        }
        _ => {
            let made = first_made(anchor, placement, index);
            let shape = graph.kind(made).shape.clone();
            (Anchor::Elementwise { shape: shape.clone() }, vec![Slot { shape, members: vec![], stores: vec![] }])
        }
    };
    for &node in &nodes {
        let is_anchor = matches!(anchor, Anchor::Kernel { node: kernel, .. } if kernel == node);
        let made = first_made(graph.node(node), placement, index);
        let Some(slot) = placement.places[&made].slot.filter(|_| !is_anchor) else { continue };
        let arguments = arguments(&builder(Some(slot)), made).map_err(|unfit| refuse(unfit, node))?;
        slots[slot].members.push(Member { node, arguments, output: made.output as usize });
    }
    let sums = nodes.iter().filter_map(|node| Some((placement.sums.get(node)?.1, graph.node(*node).output(0)))).collect();
    Ok(Group { anchor, slots, sums, nodes })
}

/// The first of a node's outputs that a dispatch makes: of a view the only one, of another operation the first.
fn first_made(node: &Node, placement: &Placement, group: usize) -> Value {
    let made = |value: &Value| placement.places.get(value).is_some_and(|place| place.group == group);
    (0..node.outputs.len()).map(|output| node.output(output)).find(made).unwrap_or(node.output(0))
}

fn refuse(unfit: Unfit, reader: NodeId) -> Misfit {
    match unfit {
        Unfit::Store(node) => Misfit::Store(node),
        Unfit::Same => Misfit::Alone(reader),
    }
}

/// The view that a kernel has of an input.
pub fn operand_view(graph: &Graph, node: NodeId, input: usize) -> Option<(View, Shape)> {
    let node = graph.node(node);
    let kinds: Vec<TensorType> = node.inputs.iter().map(|&input| graph.kind(input).clone()).collect();
    node.op().and_then(|op| op.operand_view(&kinds, input))
}

fn operand(builder: &Builder, input: Value, view: Option<(View, Shape)>, hook: bool) -> Result<Operand, Unfit> {
    let expression = match view {
        Some((view, shape)) => builder.operand_view(input, &view, &shape)?,
        None => builder.expression(input, Access::identity(&builder.graph.kind(input).shape))?,
    };
    match expression {
        expression if hook => Ok(Operand::Hook(expression)),
        Expression::Load { value, access } if access.is_identity() => Ok(Operand::Bound(value)),
        Expression::Literal(_) => Ok(Operand::Bound(input)),
        _ => Err(Unfit::Store(input.node)),
    }
}

/// The inputs of the operation that makes `output` in an epilogue. A view's one argument is what it shows.
fn arguments(builder: &Builder, output: Value) -> Result<Vec<Expression>, Unfit> {
    let access = Access::identity(&builder.graph.kind(output).shape);
    match builder.live.lowering(output.node) {
        Some(Lowering::View(_)) => Ok(vec![builder.view(output, &access)?]),
        _ => builder.arguments(output.node, &access),
    }
}

/// All values that are read from memory.
fn read_values(graph: &Graph, live: &Live, groups: &[Group]) -> HashSet<Value> {
    let mut read: HashSet<Value> = live.wanted.iter().copied().collect();
    read.extend(groups.iter().flat_map(Group::loads).map(|(value, _)| value));
    let packs = live.nodes.iter().filter(|&&id| matches!(live.lowering(id), Some(Lowering::Pack(_))));
    read.extend(packs.flat_map(|&id| &graph.node(id).inputs).map(|&input| packed_value(graph, &live.lowerings, input)));
    read
}

/// Whether a value that is read from memory is computed inline instead.
fn is_unstored(live: &Live, placement: &Placement, value: Value) -> bool {
    let inline = matches!(live.lowering(value.node), Some(Lowering::Pointwise(_) | Lowering::View(_)));
    inline && !placement.places.contains_key(&value)
}

fn add_stores(graph: &Graph, placement: &Placement, index: usize, group: &mut Group, read: &HashSet<Value>) {
    for &id in &group.nodes {
        let node = graph.node(id);
        for value in (0..node.outputs.len()).map(|output| node.output(output)).filter(|value| read.contains(value)) {
            let place = placement.places.get(&value).filter(|place| place.group == index);
            let Some(slot) = place.and_then(|place| place.slot) else { continue };
            let store = Store { expression: Expression::Local(value), destination: Destination::Value(value) };
            group.slots[slot].stores.push(store);
        }
    }
}

/// What keeps a dispatch from storing whole words: halves, in rows that do not end with a group of
/// four. On its own such an operation walks all rows as one, if it reads what is stored as it is.
fn partial_words(graph: &Graph, live: &Live, placement: &Placement, group: &Group) -> Vec<Misfit> {
    let is_partial = |slot: &Slot| slot.shape.rows() > 1 && !slot.shape.columns().is_multiple_of(4);
    let stores = group.slots.iter().filter(|slot| is_partial(slot)).flat_map(|slot| &slot.stores);
    let narrow = stores.filter_map(|store| match store.destination {
        Destination::Value(value) if graph.kind(value).dtype == DType::F16 => Some(value.node),
        _ => None,
    });
    let misfits = narrow.flat_map(|node| match group.nodes[..] {
        [first, ref others @ ..] if first == node && !others.is_empty() => {
            others.iter().map(|&other| Misfit::Alone(other)).collect()
        }
        [first] if first == node => {
            let inputs = graph.node(node).inputs.iter().filter(|&&input| is_unstored(live, placement, input));
            inputs.map(|input| Misfit::Store(input.node)).collect()
        }
        _ => vec![Misfit::Alone(node)],
    });
    misfits.collect()
}

/// Lets the elementwise kernel walk all axes as one where nothing depends on them.
fn flatten(group: &mut Group) {
    let Anchor::Elementwise { shape } = &mut group.anchor else { return };
    let slot = &group.slots[0];
    let members = slot.members.iter().map(|member| {
        let arguments = member.arguments.iter().map(Expression::flattened).collect::<Option<_>>()?;
        Some(Member { arguments, ..member.clone() })
    });
    if let Some(members) = members.collect::<Option<_>>() {
        let flat = Shape::from([shape.elements()]);
        *shape = flat.clone();
        group.slots[0] = Slot { shape: flat, members, stores: slot.stores.clone() };
    }
}

/// What to take out of a dispatch that binds too many buffers.
fn over_limit(graph: &Graph, roots: &HashMap<Value, Value>, group: &Group, target: &Target) -> Result<Option<Misfit>, PlanError> {
    let root = |value: Value| roots.get(&value).copied().unwrap_or(value);
    let mut buffers: HashSet<Value> = group.loads().iter().map(|(value, _)| root(*value)).collect();
    buffers.extend(group.destinations().filter_map(|destination| match destination {
        Destination::Value(value) => Some(root(value)),
        Destination::State(_) | Destination::Output(_) | Destination::Packed { .. } => None,
    }));
    if buffers.len() <= target.storage_buffers as usize {
        return Ok(None);
    }
    let first = if matches!(group.anchor, Anchor::Kernel { .. }) { 0 } else { 1 };
    let member = group.slots.iter().flat_map(|slot| slot.members.iter().skip(first)).map(|member| member.node).max();
    let sum = group.sums.last().map(|(_, value)| value.node);
    let mut inline = None;
    group.expressions().for_each(|expression| expression.visit_calls(&mut |node| inline = Some(node)));
    if let Some(node) = member.or(sum) {
        return Ok(Some(Misfit::Alone(node)));
    }
    let label = group.nodes.iter().map(|&node| graph.node(node).name()).collect::<Vec<_>>().join("+");
    let error = PlanError::TooManyBindings { label, wanted: buffers.len(), limit: target.storage_buffers };
    inline.map(|node| Some(Misfit::Store(node))).ok_or(error)
}

/// Values that will share a buffer with another: packed tensors with their pack, next values with their state unless that is
/// copied.
fn roots(graph: &Graph, live: &Live, copied: &HashSet<NodeId>) -> HashMap<Value, Value> {
    let packs = live.nodes.iter().filter(|&&id| matches!(live.lowering(id), Some(Lowering::Pack(_)))).map(|&id| graph.node(id));
    let stored = |input| packed_value(graph, &live.lowerings, input);
    let packed = packs.flat_map(|pack| pack.inputs.iter().map(move |&input| (stored(input), pack.output(0))));
    let nexts = graph.nexts().iter().filter(|(state, _)| !copied.contains(state));
    let nexts = nexts.map(|&(state, next)| (next, graph.node(state).output(0)));
    let is_source = |value: Value| matches!(graph.node(value.node).kind, Kind::Source(_));
    let mut roots = HashMap::new();
    for (value, root) in nexts.chain(packed).filter(|&(value, _)| !is_source(value)) {
        roots.entry(value).or_insert(root);
    }
    roots
}

#[cfg(test)]
mod tests {
    use crate::fuse::fuse;
    use crate::op::{AdapterClass, Case, Function, Op, ShapeError};
    use crate::tensor::Array;

    use super::*;

    /// The sum of a matrix and of what is repeated for each of its rows, as `dtype`.
    #[derive(Debug)]
    struct Sum(DType);

    impl Op for Sum {
        fn name(&self) -> &'static str {
            "sum"
        }

        fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
            Ok(vec![TensorType::new(self.0, inputs[0].shape.clone())])
        }

        fn lowering(&self, _: &[TensorType]) -> Lowering {
            Lowering::Pointwise(Function::new("", "sum"))
        }

        fn flops(&self, _: &[TensorType]) -> u64 {
            0
        }

        fn reference(&self, _: &[Array], _: &mut [Array]) {}

        fn cases(&self) -> Vec<Case> {
            Vec::new()
        }
    }

    /// The nodes of each dispatch, and the rows of what it walks, where a sum with a bias is stored and rounded to f16.
    fn dispatches(columns: usize, rounded: DType) -> Vec<(usize, usize)> {
        let mut graph = Graph::new();
        let [matrix, bias] = [vec![3, columns], vec![columns]].map(|shape| graph.input("x", TensorType::f32(shape)));
        let sum = graph.apply_one(Sum(DType::F32), &[matrix, bias]).unwrap();
        let narrow = graph.apply_one(Sum(rounded), &[sum]).unwrap();
        graph.set_output("sum", sum);
        graph.set_output("narrow", narrow);
        let fusion = fuse(&graph, &Target::webgpu(AdapterClass::Gpu)).unwrap();
        fusion.groups.iter().map(|group| (group.nodes.len(), group.slots[0].shape.rows())).collect()
    }

    #[test]
    fn halves_are_stored_in_whole_words() {
        assert_eq!(dispatches(8, DType::F16), [(2, 3)]);
        // Alone, they are one row, whatever the columns.
        assert_eq!(dispatches(6, DType::F16), [(1, 3), (1, 1)]);
        assert_eq!(dispatches(6, DType::F32), [(2, 3)]);
    }
}
