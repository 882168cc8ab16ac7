//! Lets pointwise operations run in the order in which memory holds their inputs.
//!
//! A model whose tensors have another order of axes than its kernels, such as images with their channels first, is full
//! of permutations: `pointwise(permute(a), permute(b))`. That is `permute(pointwise(a, b))`, which reads memory straight
//! and can join the dispatch that makes `a`; and of two permutations behind one another, nothing is left where one
//! undoes the other. So each value is known as a permutation of another, as long as nobody else asks for it.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::graph::{Graph, GraphError, Kind, Node, Value};
use crate::op::{Case, Lowering, Op, ShapeError, View};
use crate::tensor::{Array, Shape, TensorType};

/// A graph with the same inputs, states and outputs, where pointwise operations of permuted tensors have been moved
/// before the permutations. A graph in which there is nothing to move is returned as it is.
///
/// The nodes have other names. An operation that sees the index of an element stays where it is.
pub fn sink(graph: &Graph) -> Cow<'_, Graph> {
    let mut sinker = Sinker { old: graph, new: Graph::new(), forms: HashMap::new(), shown: HashMap::new(), moved: false };
    match sinker.run() {
        Ok(()) if sinker.moved => Cow::Owned(sinker.new),
        _ => Cow::Borrowed(graph),
    }
}

/// A value of the old graph: a value of the new one, with its axes in another order.
#[derive(Clone, Debug)]
struct Form {
    base: Value,
    /// For each axis of the old value, the axis of the base that it is; none for the base as it is.
    axes: Option<Vec<usize>>,
}

struct Sinker<'a> {
    old: &'a Graph,
    new: Graph,
    forms: HashMap<Value, Form>,
    /// Permutations that had to be written down after all.
    shown: HashMap<(Value, Vec<usize>), Value>,
    moved: bool,
}

impl Sinker<'_> {
    fn run(&mut self) -> Result<(), GraphError> {
        let old = self.old;
        for node in old.nodes() {
            let scope = node.scope.clone();
            let forms = self.within(scope, |sinker| sinker.node(node))?;
            self.forms.extend((0..).map(|output| node.output(output)).zip(forms));
        }
        for (name, value) in old.outputs() {
            let value = self.show(*value)?;
            self.new.set_output(name.clone(), value);
        }
        for &(state, next) in old.nexts() {
            let next = self.show(next)?;
            self.new.set_next(self.forms[&old.node(state).output(0)].base, next)?;
        }
        Ok(())
    }

    /// Runs `build` in a scope of the new graph.
    fn within<T>(&mut self, scope: String, build: impl FnOnce(&mut Self) -> T) -> T {
        self.new.enter(scope);
        let result = build(self);
        self.new.leave();
        result
    }

    /// The outputs of a node.
    fn node(&mut self, node: &Node) -> Result<Vec<Form>, GraphError> {
        let Kind::Op(op) = &node.kind else {
            let base = self.new.push(node.kind.clone(), Vec::new(), node.outputs.clone());
            return Ok(vec![Form { base, axes: None }]);
        };
        match op.lowering(&self.kinds(node)) {
            Lowering::View(views) => {
                if let Some(form) = self.permuted(node, &views) {
                    return Ok(vec![form]);
                }
            }
            Lowering::Pointwise(function) if !function.takes_index => {
                if let Some(forms) = self.sunk(node)? {
                    self.moved = true;
                    return Ok(forms);
                }
            }
            _ => {}
        }
        let inputs = node.inputs.iter().map(|&input| self.show(input)).collect::<Result<Vec<_>, _>>()?;
        let outputs = self.new.apply_shared(op.clone(), &inputs)?;
        Ok(outputs.into_iter().map(|base| Form { base, axes: None }).collect())
    }

    fn kinds(&self, node: &Node) -> Vec<TensorType> {
        node.inputs.iter().map(|&input| self.old.kind(input).clone()).collect()
    }

    /// What a view is that does nothing but put axes in another order.
    fn permuted(&mut self, node: &Node, views: &[View]) -> Option<Form> {
        let [View::Strided { offset: 0, strides }] = views else { return None };
        let axes = permutation(&self.old.kind(node.inputs[0]).shape, &node.outputs[0].shape, strides)?;
        let Form { base, axes: inner } = self.forms[&node.inputs[0]].clone();
        let Some(inner) = inner else { return Some(Form { base, axes: Some(axes) }) };
        let both: Vec<usize> = axes.iter().map(|&axis| inner[axis]).collect();
        self.moved = true;
        let is_identity = both.iter().copied().eq(0..both.len());
        Some(Form { base, axes: (!is_identity).then_some(both) })
    }

    /// A pointwise operation in the order that memory holds its inputs in; none where they differ in that, or are in order
    /// already.
    fn sunk(&mut self, node: &Node) -> Result<Option<Vec<Form>>, GraphError> {
        let shape = &node.outputs[0].shape;
        let orders = node.inputs.iter().filter(|&&input| self.is_large(input, shape)).map(|input| &self.forms[input].axes);
        let mut orders = orders.collect::<Vec<_>>();
        orders.dedup();
        let [Some(axes)] = orders[..] else { return Ok(None) };
        let (axes, Kind::Op(op)) = (axes.clone(), &node.kind) else { return Ok(None) };
        let is_fit = |&input: &Value| self.old.kind(input).shape == *shape || fits(&self.old.kind(input).shape, &axes);
        if !node.inputs.iter().all(is_fit) || node.outputs.iter().any(|kind| kind.shape != *shape) {
            return Ok(None);
        }
        let inputs = node.inputs.iter().map(|&input| self.in_order(input, shape, &axes)).collect::<Result<Vec<_>, _>>()?;
        // An operation may have reasons of its own to refuse another order of the axes.
        let Ok(outputs) = self.new.apply_shared(op.clone(), &inputs) else { return Ok(None) };
        Ok(Some(outputs.into_iter().map(|base| Form { base, axes: Some(axes.clone()) }).collect()))
    }

    /// Whether a value has all the elements of a shape, rather than repeats fewer in a view.
    fn is_large(&self, value: Value, shape: &Shape) -> bool {
        let node = self.old.node(value.node);
        let is_view = node.op().is_some_and(|op| matches!(op.lowering(&self.kinds(node)), Lowering::View(_)));
        let repeats = is_view && self.old.kind(node.inputs[0]).shape.elements() < shape.elements();
        shape.elements() > 1 && self.old.kind(value).shape == *shape && !repeats
    }

    /// An operand of a pointwise operation of this shape, whose axes are to be in the order of the base of `axes`.
    fn in_order(&mut self, value: Value, shape: &Shape, axes: &[usize]) -> Result<Value, GraphError> {
        if self.is_large(value, shape) {
            return Ok(self.forms[&value].base);
        }
        let shown = self.show(value)?;
        if self.old.kind(value).shape.elements() == 1 {
            return Ok(shown);
        }
        self.reorder(shown, inverse(axes))
    }

    /// The value itself, with its axes as they were.
    fn show(&mut self, value: Value) -> Result<Value, GraphError> {
        let Form { base, axes } = self.forms[&value].clone();
        axes.map_or(Ok(base), |axes| self.reorder(base, axes))
    }

    fn reorder(&mut self, base: Value, axes: Vec<usize>) -> Result<Value, GraphError> {
        if let Some(&known) = self.shown.get(&(base, axes.clone())) {
            return Ok(known);
        }
        let value = self.new.apply_one(Reorder { axes: axes.clone() }, &[base])?;
        self.shown.insert((base, axes), value);
        Ok(value)
    }
}

/// Whether a tensor that is repeated along other axes keeps its elements' order under a permutation, so that it is read
/// as fast as before.
fn fits(shape: &Shape, axes: &[usize]) -> bool {
    let Some(missing) = axes.len().checked_sub(shape.rank()) else { return false };
    let own = shape.dims().iter().enumerate().filter(|(_, extent)| **extent != 1);
    shape.elements() == 1 || own.map(|(axis, _)| axes[axis + missing]).is_sorted()
}

/// For each axis of a view, the axis of its input that it is; none where it is more than a permutation.
fn permutation(from: &Shape, to: &Shape, strides: &[usize]) -> Option<Vec<usize>> {
    let own = from.strides();
    let mut free: Vec<usize> = (0..from.rank()).collect();
    let axes = to.dims().iter().zip(strides).map(|(&extent, &stride)| {
        let is_it = |&axis: &usize| from.dims()[axis] == extent && (extent == 1 || own[axis] == stride);
        let at = free.iter().position(is_it)?;
        Some(free.remove(at))
    });
    let axes = axes.collect::<Option<Vec<_>>>()?;
    (from.rank() == to.rank()).then_some(axes)
}

fn inverse(axes: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; axes.len()];
    axes.iter().enumerate().for_each(|(to, &from)| inverse[from] = to);
    inverse
}

/// A tensor with its axes in another order, behind as many of extent 1 as it lacks.
#[derive(Clone, Debug)]
struct Reorder {
    /// For each axis of the output, the axis of the input that it is.
    axes: Vec<usize>,
}

impl Reorder {
    /// The extents and strides of the output.
    fn layout(&self, input: &Shape) -> Vec<(usize, usize)> {
        let missing = self.axes.len() - input.rank();
        let own = input.dims().iter().copied().zip(input.strides());
        let all: Vec<(usize, usize)> = std::iter::repeat_n((1, 0), missing).chain(own).collect();
        self.axes.iter().map(|&axis| all[axis]).collect()
    }
}

impl Op for Reorder {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        match inputs {
            [input] if input.shape.rank() <= self.axes.len() => {
                let dims: Vec<usize> = self.layout(&input.shape).into_iter().map(|(extent, _)| extent).collect();
                Ok(vec![TensorType::new(input.dtype, dims)])
            }
            _ => Err(ShapeError::new(format!("a tensor of up to {} axes", self.axes.len()), inputs)),
        }
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let strides = self.layout(&inputs[0].shape).into_iter().map(|(_, stride)| stride).collect();
        Lowering::View(vec![View::Strided { offset: 0, strides }])
    }

    fn flops(&self, _inputs: &[TensorType]) -> u64 {
        0
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let (layout, strides) = (self.layout(&inputs[0].kind.shape), outputs[0].kind.shape.strides());
        for (index, element) in outputs[0].data.iter_mut().enumerate() {
            let axes = layout.iter().zip(&strides);
            let from: usize = axes.map(|(&(extent, stride), own)| index / own % extent * stride).sum();
            *element = inputs[0].data[from];
        }
    }

    fn cases(&self) -> Vec<Case> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutations_are_told_by_their_strides() {
        let from = Shape::from([2, 3, 4]);
        assert_eq!(permutation(&from, &[4, 2, 3].into(), &[1, 12, 4]), Some(vec![2, 0, 1]));
        assert_eq!(permutation(&from, &[2, 3, 4].into(), &[12, 4, 1]), Some(vec![0, 1, 2]));
        assert_eq!(permutation(&from, &[2, 3, 4].into(), &[12, 0, 1]), None);
        assert_eq!(permutation(&from, &[6, 4].into(), &[4, 1]), None);
        assert_eq!(permutation(&[2, 2].into(), &[2, 2].into(), &[1, 2]), Some(vec![1, 0]));
        assert_eq!(permutation(&[1, 5, 1].into(), &[5, 1, 1].into(), &[1, 7, 9]), Some(vec![1, 0, 2]));
    }

    #[test]
    fn repeated_operands_keep_their_order() {
        // Of images with channels first, seen from channels last.
        let axes = [0, 3, 1, 2];
        for (shape, wanted) in [(vec![8, 1, 1], true), (vec![], true), (vec![8, 5, 1], false), (vec![5, 7], true)] {
            assert_eq!(fits(&shape.clone().into(), &axes), wanted, "{shape:?}");
        }
    }

    #[test]
    fn missing_axes_are_put_in_front() {
        let reorder = Reorder { axes: inverse(&[0, 3, 1, 2]) };
        assert_eq!(reorder.infer(&[TensorType::f32([8, 1, 1])]), Ok(vec![TensorType::f32([1, 1, 1, 8])]));
        assert!(reorder.infer(&[TensorType::f32([2, 2, 2, 2, 2])]).is_err());
    }
}
