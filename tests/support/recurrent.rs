//! Steps of training of classifiers that read sequences, written as graphs.

use wgrad::core::autodiff::differentiate;
use wgrad::core::{Graph, HostTensor, TensorType, Value};
use wgrad::ops::Recurrent;
use wgrad::{Error, ops};

/// What a step computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    Rnn,
    Lstm,
    Gru,
}

impl Cell {
    /// How many rows of weights each unit has.
    fn gates(self) -> usize {
        match self {
            Cell::Rnn => 1,
            Cell::Lstm => 4,
            Cell::Gru => 3,
        }
    }

    /// The hidden states of all steps, and the last.
    pub fn run(self, graph: &mut Graph, inputs: Value, layer: &Recurrent) -> Result<[Value; 2], Error> {
        if self == Cell::Lstm {
            let made = ops::lstm(graph, inputs, layer, None)?;
            return Ok([made.outputs, made.hidden]);
        }
        let run = if self == Cell::Rnn { ops::rnn } else { ops::gru };
        let made = run(graph, inputs, layer, None)?;
        Ok([made.outputs, made.hidden])
    }
}

/// The extents of a step.
#[derive(Clone, Copy, Debug)]
pub struct Extents {
    pub steps: usize,
    pub batch: usize,
    pub features: usize,
    pub hidden: usize,
    pub layers: usize,
}

/// The digits read row by row.
pub const DIGITS: Extents = Extents { steps: 28, batch: 64, features: 28, hidden: 128, layers: 2 };

/// A step of training without its update: what reads a sequence, and the gradients of all parameters, packed.
pub fn training_step(cell: Cell, extents: Extents) -> anyhow::Result<Graph> {
    let mut step = Graph::new();
    let graph = &mut step;
    let Extents { steps, batch, features, hidden, layers } = extents;
    let gates = cell.gates() * hidden;
    let mut parameters = Vec::new();
    let mut parameter = |graph: &mut Graph, name: String, shape: Vec<usize>| -> anyhow::Result<Value> {
        let elements: usize = shape.iter().product();
        let noise = (0..elements).map(|index| ((index * 7919 + parameters.len() * 31) % 101) as f32 / 101.0 - 0.5);
        let value = graph.state(name, HostTensor::F32(shape.into(), noise.map(|noise| 0.3 * noise).collect()))?;
        parameters.push(value);
        Ok(value)
    };
    let mut sequence = graph.input("inputs", TensorType::f32([steps, batch, features]));
    let labels = graph.input("labels", TensorType::u32([batch]));
    let mut last = sequence;
    for layer in 0..layers {
        let inputs = if layer == 0 { features } else { hidden };
        let weight_ih = parameter(graph, format!("weight_ih_l{layer}"), vec![gates, inputs])?;
        let weight_hh = parameter(graph, format!("weight_hh_l{layer}"), vec![gates, hidden])?;
        let bias_ih = parameter(graph, format!("bias_ih_l{layer}"), vec![gates])?;
        let bias_hh = parameter(graph, format!("bias_hh_l{layer}"), vec![gates])?;
        let layer = Recurrent { weight_ih, weight_hh, biases: Some([bias_ih, bias_hh]) };
        [sequence, last] = cell.run(graph, sequence, &layer)?;
    }
    let weight = parameter(graph, "fc".to_owned(), vec![10, hidden])?;
    let logits = ops::matmul(graph, last, weight, false, true)?;
    let losses = ops::cross_entropy(graph, logits, labels)?.losses;
    let loss = ops::sum(graph, losses)?;
    let share = graph.scalar(1.0 / batch as f32);
    let found = differentiate(graph, loss, share, &parameters, ops::accumulate)?;
    let gradients: Option<Vec<Value>> = found.into_iter().collect();
    let gradients = gradients.ok_or_else(|| anyhow::anyhow!("a parameter has no gradient"))?;
    let gradient = ops::pack(graph, &gradients)?;
    graph.set_output("loss", loss);
    graph.set_output("gradient", gradient);
    Ok(step)
}
