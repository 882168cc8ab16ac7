//! The graph that an operation is checked in, and its loss.

use std::collections::BTreeMap;
use std::sync::Arc;

use wgrad_core::autodiff::{Accumulate, differentiate};
use wgrad_core::{Array, Case, DType, Graph, GraphError, HostTensor, Op, TensorType, Value};

use super::{Constructors, GradientCheck, GradientError};
use crate::error::ReferenceError;
use crate::oracle::Oracle;

/// The graph around the operation.
pub(super) struct Probe {
    graph: Graph,
    loss: Value,
    /// The inputs of f32, and the states that they are made from.
    states: BTreeMap<usize, Value>,
    pub label: String,
}

impl Probe {
    /// None where the loss would have no terms.
    pub fn new(check: &GradientCheck, op: &Arc<dyn Op>, case: &Case) -> Result<Option<Self>, GradientError> {
        let mut graph = Graph::new();
        let accumulate = check.constructors.accumulate;
        let (mut states, mut inputs) = (BTreeMap::new(), Vec::new());
        for (index, array) in case.inputs.iter().enumerate() {
            let tensor = HostTensor::from_array(array);
            if array.kind.dtype != DType::F32 {
                inputs.push(graph.constant(tensor)?);
                continue;
            }
            let state = graph.state(state_name(index), tensor)?;
            let zeros = graph.constant(HostTensor::zeros(&array.kind))?;
            inputs.push(accumulate(&mut graph, &[state, zeros])?);
            states.insert(index, state);
        }
        let outputs = graph.apply_shared(op.clone(), &inputs)?;
        let Some(loss) = weighted_sum(&mut graph, check, &outputs)? else {
            return Ok(None);
        };
        graph.set_output("loss", loss);
        Ok(Some(Self { graph, loss, states, label: format!("{}, {}", op.name(), case.label) }))
    }

    /// For each input of f32 its gradient, if it has one, at the case itself.
    pub fn gradients(&self, accumulate: Accumulate) -> Result<BTreeMap<usize, Option<Array>>, GradientError> {
        let mut graph = self.graph.clone();
        let one = Array { data: vec![1.0], kind: graph.kind(self.loss).clone() };
        let one = graph.constant(HostTensor::from_array(&one))?;
        let states: Vec<Value> = self.states.values().copied().collect();
        let gradients = differentiate(&mut graph, self.loss, one, &states, accumulate)?;
        for ((&input, &state), gradient) in self.states.iter().zip(gradients) {
            let Some(gradient) = gradient else { continue };
            let (wanted, got) = (graph.kind(state).clone(), graph.kind(gradient).clone());
            if wanted != got {
                return Err(GradientError::Type { operation: self.label.clone(), input, wanted, got });
            }
            graph.set_output(state_name(input), gradient);
        }
        let mut outputs = Oracle::new(&graph)?.step()?;
        Ok(self.states.keys().map(|&input| (input, outputs.remove(&state_name(input)))).collect())
    }
}

/// The loss as a function of the inputs.
pub(super) struct Loss {
    oracle: Oracle,
}

impl Loss {
    pub fn new(probe: &Probe) -> Result<Self, ReferenceError> {
        Ok(Self { oracle: Oracle::new(&probe.graph)? })
    }

    /// The slope of the loss along one element of an input, by central differences.
    pub fn slope(&mut self, input: usize, array: &Array, element: usize) -> Result<f64, ReferenceError> {
        let at = array.data[element];
        let step = 1e-5 * at.abs().max(1.0);
        let (above, below) = (at + step, at - step);
        let rise = self.at(input, array, element, above)? - self.at(input, array, element, below)?;
        self.oracle.write(&state_name(input), array.clone())?;
        Ok(rise / (above - below))
    }

    fn at(&mut self, input: usize, array: &Array, element: usize, value: f64) -> Result<f64, ReferenceError> {
        let mut moved = array.clone();
        moved.data[element] = value;
        self.oracle.write(&state_name(input), moved)?;
        Ok(self.oracle.step()?["loss"].data[0])
    }
}

fn state_name(input: usize) -> String {
    format!("input {input}")
}

/// The sum of all elements of the outputs in the loss, each with its own weight; none without such outputs.
fn weighted_sum(graph: &mut Graph, check: &GradientCheck, outputs: &[Value]) -> Result<Option<Value>, GraphError> {
    let Constructors { accumulate, mul, sum } = check.constructors;
    let mut terms = Vec::new();
    for (index, &output) in outputs.iter().enumerate() {
        let kind = graph.kind(output).clone();
        if kind.dtype != DType::F32 || check.excluded_outputs.contains(&index) {
            continue;
        }
        let weights = graph.constant(weights(&kind, index))?;
        let weighted = mul(graph, output, weights)?;
        terms.push(sum(graph, weighted)?);
    }
    match terms[..] {
        [] => Ok(None),
        [term] => Ok(Some(term)),
        _ => accumulate(graph, &terms).map(Some),
    }
}

/// Weights between -1 and 1, spread by the golden ratio so that they repeat along no axis.
fn weights(kind: &TensorType, output: usize) -> HostTensor {
    let turns = |i: usize| (i + 1) as f64 * 0.618_033_988_75 + output as f64 * 0.37;
    HostTensor::from_array(&Array::from_fn(kind.shape.clone(), |i| 2.0 * turns(i).fract() - 1.0))
}
