//! Lets pointwise operations run in the order in which memory holds their inputs.
//!
//! A model whose tensors have another order of axes than its kernels, such as images with their channels first, is full
//! of permutations: `pointwise(permute(a), permute(b))`. That is `permute(pointwise(a, b))`, which reads memory straight
//! and can join the dispatch that makes `a`; and of two permutations behind one another, nothing is left where one
//! undoes the other. With reshapes it is the same. So each value is known as another one behind such steps, as long as
//! nobody needs it as it is.

mod step;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::graph::{Graph, GraphError, Kind, Node, Value};
use crate::op::Lowering;
use crate::tensor::{Shape, TensorType};

use step::{Step, extend};

/// A graph with the same inputs, states and outputs, where pointwise operations of permuted and reshaped tensors have
/// been moved before the permutations and reshapes. A graph in which there is nothing to move is returned as it is.
///
/// The nodes have other names. An operation that sees the index of an element stays where it is.
pub fn sink(graph: &Graph) -> Cow<'_, Graph> {
    let mut sinker = Sinker { old: graph, new: Graph::new(), forms: HashMap::new(), shown: HashMap::new(), moved: false };
    match sinker.run() {
        Ok(()) if sinker.moved => Cow::Owned(sinker.new),
        _ => Cow::Borrowed(graph),
    }
}

/// A value of the old graph: a value of the new one behind some steps.
#[derive(Clone, Debug)]
struct Form {
    base: Value,
    steps: Vec<Step>,
}

struct Sinker<'a> {
    old: &'a Graph,
    new: Graph,
    forms: HashMap<Value, Form>,
    /// Steps that had to be written down after all.
    shown: HashMap<(Value, Step), Value>,
    moved: bool,
}

impl Sinker<'_> {
    fn run(&mut self) -> Result<(), GraphError> {
        let old = self.old;
        for node in old.nodes() {
            self.new.enter(node.scope.clone());
            let forms = self.node(node);
            self.new.leave();
            self.forms.extend((0..).map(|output| node.output(output)).zip(forms?));
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

    /// The outputs of a node.
    fn node(&mut self, node: &Node) -> Result<Vec<Form>, GraphError> {
        let Kind::Op(op) = &node.kind else {
            let base = self.new.push(node.kind.clone(), Vec::new(), node.outputs.clone());
            return Ok(vec![Form { base, steps: Vec::new() }]);
        };
        let form = match op.lowering(&self.kinds(node)) {
            Lowering::View(views) => {
                let step = Step::of_view(&self.old.kind(node.inputs[0]).shape, &node.outputs[0].shape, &views);
                step.map(|step| vec![self.behind(node.inputs[0], step)])
            }
            Lowering::Pointwise(function) if !function.takes_index => self.sunk(node)?,
            _ => None,
        };
        if let Some(forms) = form {
            return Ok(forms);
        }
        let inputs = node.inputs.iter().map(|&input| self.show(input)).collect::<Result<Vec<_>, _>>()?;
        let outputs = self.new.apply_shared(op.clone(), &inputs)?;
        Ok(outputs.into_iter().map(|base| Form { base, steps: Vec::new() }).collect())
    }

    fn kinds(&self, node: &Node) -> Vec<TensorType> {
        node.inputs.iter().map(|&input| self.old.kind(input).clone()).collect()
    }

    /// A value behind one more step.
    fn behind(&mut self, input: Value, step: Step) -> Form {
        let Form { base, mut steps } = self.forms[&input].clone();
        let before = steps.len();
        extend(&mut steps, step);
        self.moved |= steps.len() <= before;
        Form { base, steps }
    }

    /// A pointwise operation before the last steps that its inputs have in common; none where there are no such steps.
    fn sunk(&mut self, node: &Node) -> Result<Option<Vec<Form>>, GraphError> {
        let (Kind::Op(op), shape) = (&node.kind, &node.outputs[0].shape) else { return Ok(None) };
        if node.outputs.iter().any(|kind| kind.shape != *shape) {
            return Ok(None);
        }
        let steps = self.common_steps(node, shape);
        if steps.is_empty() {
            return Ok(None);
        }
        let inputs = node.inputs.iter().map(|&input| self.before(input, shape, &steps)).collect::<Result<Vec<_>, _>>()?;
        // An operation may have reasons of its own to refuse another shape.
        let Ok(outputs) = self.new.apply_shared(op.clone(), &inputs) else { return Ok(None) };
        self.moved = true;
        Ok(Some(outputs.into_iter().map(|base| Form { base, steps: steps.clone() }).collect()))
    }

    /// The last steps that all inputs of this shape have in common, as far back as all others can be moved before them.
    fn common_steps(&self, node: &Node, shape: &Shape) -> Vec<Step> {
        let (large, small): (Vec<Value>, Vec<Value>) = node.inputs.iter().partition(|&&input| self.is_large(input, shape));
        let Some((first, others)) = large.split_first() else { return Vec::new() };
        let mut common: &[Step] = &self.forms[first].steps;
        for other in others {
            let other = &self.forms[other].steps;
            let count = common.iter().rev().zip(other.iter().rev()).take_while(|(left, right)| left == right).count();
            common = &common[common.len() - count..];
        }
        let can_move = |step: &Step| small.iter().all(|&value| step.moves(&self.old.kind(value).shape, shape));
        let count = common.iter().rev().take_while(|step| can_move(step)).count();
        // What is repeated can be moved before one permutation; two have been made one.
        common[common.len() - count..].to_vec()
    }

    /// Whether a value has all the elements of a shape, rather than repeats fewer in a view.
    fn is_large(&self, value: Value, shape: &Shape) -> bool {
        let node = self.old.node(value.node);
        let is_view = node.op().is_some_and(|op| matches!(op.lowering(&self.kinds(node)), Lowering::View(_)));
        let repeats = is_view && self.old.kind(node.inputs[0]).shape.elements() < shape.elements();
        shape.elements() > 1 && self.old.kind(value).shape == *shape && !repeats
    }

    /// An operand of a pointwise operation of this shape, as it is before some steps.
    fn before(&mut self, value: Value, shape: &Shape, steps: &[Step]) -> Result<Value, GraphError> {
        if self.is_large(value, shape) {
            let Form { base, steps: own } = self.forms[&value].clone();
            return self.apply(base, &own[..own.len() - steps.len()]);
        }
        let shown = self.show(value)?;
        match steps {
            [step] if self.old.kind(value).shape.elements() > 1 => self.apply(shown, &[step.inverse()]),
            _ => Ok(shown),
        }
    }

    /// The value itself.
    fn show(&mut self, value: Value) -> Result<Value, GraphError> {
        let Form { base, steps } = self.forms[&value].clone();
        self.apply(base, &steps)
    }

    fn apply(&mut self, base: Value, steps: &[Step]) -> Result<Value, GraphError> {
        let mut value = base;
        for step in steps {
            value = match self.shown.get(&(value, step.clone())) {
                Some(&known) => known,
                None => {
                    let shown = self.new.apply_one(step.clone(), &[value])?;
                    self.shown.insert((value, step.clone()), shown);
                    shown
                }
            };
        }
        Ok(value)
    }
}
