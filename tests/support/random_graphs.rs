//! Graphs of random operations on small tensors, always the same ones for a seed.

#[path = "random_operations.rs"]
mod random_operations;

use anyhow::Result;
use random_operations::OPERATIONS;
use wgrad::core::autodiff::differentiate;
use wgrad::core::{Graph, HostTensor, Value};
use wgrad::data::Random;
use wgrad::ops;

/// A graph whose output `loss` is a single number, whose states `parameter 0` and so on it depends on smoothly, and whose
/// outputs `gradient 0` and so on are its derivatives.
#[derive(Debug)]
pub struct RandomGraph {
    pub graph: Graph,
    pub parameters: Vec<(String, HostTensor)>,
}

/// Values of three axes, which operations are drawn for.
struct Builder {
    graph: Graph,
    random: Random,
    values: Vec<Value>,
    /// Whether an operation reads the value of that place.
    is_read: Vec<bool>,
}

impl RandomGraph {
    /// A graph of so many operations. Graphs of consecutive seeds share them out, so that it takes few to have all.
    pub fn new(seed: u32, operations: usize) -> Result<Self> {
        let mut builder = Builder { graph: Graph::new(), random: Random::new(seed, 0), values: Vec::new(), is_read: Vec::new() };
        let parameters = (0..3).map(|index| builder.parameter(index)).collect::<Result<Vec<_>>>()?;
        let leaves = builder.values.clone();
        let graphs = OPERATIONS.len().div_ceil(operations) as u32;
        let order = Random::new(seed / graphs, 1).permutation(OPERATIONS.len());
        let first = (seed % graphs) as usize * operations;
        for place in first..first + operations {
            builder.operation(order[place % order.len()])?;
        }
        let loss = builder.loss()?;
        let mut graph = builder.graph;
        let upstream = graph.scalar(1.0);
        let gradients = differentiate(&mut graph, loss, upstream, &leaves, ops::accumulate)?;
        graph.set_output("loss", loss);
        for (index, gradient) in gradients.into_iter().enumerate() {
            if let Some(gradient) = gradient {
                graph.set_output(gradient_name(index), gradient);
            }
        }
        Ok(Self { graph, parameters })
    }
}

/// The output that holds the derivative with respect to a parameter.
pub fn gradient_name(index: usize) -> String {
    format!("gradient {index}")
}

impl Builder {
    fn parameter(&mut self, index: usize) -> Result<(String, HostTensor)> {
        let shape: Vec<usize> = (0..3).map(|_| 1 + self.random.below(5)).collect();
        let elements = (0..shape.iter().product()).map(|_| (2.0 * self.random.unit() - 1.0) as f32).collect();
        let (name, tensor) = (format!("parameter {index}"), HostTensor::F32(shape.into(), elements));
        let value = self.graph.state(name.clone(), tensor.clone())?;
        self.add(value);
        Ok((name, tensor))
    }

    fn add(&mut self, value: Value) {
        self.values.push(value);
        self.is_read.push(false);
    }

    /// One of the values, later ones rather than earlier ones.
    fn pick(&mut self) -> Value {
        let index = self.random.below(self.values.len()).max(self.random.below(self.values.len()));
        self.is_read[index] = true;
        self.values[index]
    }

    fn dims(&self, value: Value) -> [usize; 3] {
        let dims = self.graph.kind(value).shape.dims();
        [dims[0], dims[1], dims[2]]
    }

    fn operation(&mut self, operation: usize) -> Result<()> {
        // Tensors that grow from operation to operation would take over: of larger ones rows are taken that are not too many.
        let x = self.pick();
        let [outer, rows, columns] = self.dims(x);
        let x = match outer * rows * columns {
            ..=300 => x,
            _ => ops::narrow(&mut self.graph, x, 0, 0, (300 / (rows * columns)).clamp(1, outer))?,
        };
        let made = OPERATIONS[operation](self, x)?;
        self.add(made);
        Ok(())
    }

    /// A fixed tensor of such a shape, of numbers between -1 and 1.
    fn noise(&mut self, shape: &[usize]) -> Result<Value> {
        let elements = (0..shape.iter().product()).map(|_| (2.0 * self.random.unit() - 1.0) as f32).collect();
        Ok(self.graph.constant(HostTensor::F32(shape.to_vec().into(), elements))?)
    }

    /// So many fixed whole numbers below a bound.
    fn indices(&mut self, count: usize, bound: usize) -> Result<Value> {
        let elements = (0..count).map(|_| self.random.below(bound) as u32).collect();
        Ok(self.graph.constant(HostTensor::U32([count].into(), elements))?)
    }

    /// The same value with noise, so that hardly any two of its elements are equal: a maximum of equals is not smooth.
    fn uneven(&mut self, x: Value) -> Result<Value> {
        let noise = self.noise(&self.dims(x))?;
        Ok(ops::add(&mut self.graph, x, noise)?)
    }

    /// Between -1 and 1, and then up or down by 1.25, so that no element is near 0: there a function may not be smooth.
    fn away_from_zero(&mut self, x: Value) -> Result<Value> {
        let shape = self.dims(x);
        let elements = (0..shape.iter().product()).map(|_| if self.random.below(2) == 0 { 1.25 } else { -1.25 }).collect();
        let offsets = self.graph.constant(HostTensor::F32(shape.into(), elements))?;
        let squashed = ops::tanh(&mut self.graph, x)?;
        Ok(ops::add(&mut self.graph, squashed, offsets)?)
    }

    /// A tensor of such a shape whose elements are those of some value, between -1 and 1, some of them more than once.
    fn gathered(&mut self, shape: &[usize]) -> Result<Value> {
        let y = self.pick();
        let elements = self.graph.kind(y).shape.elements();
        let indices = self.indices(shape.iter().product(), elements)?;
        let graph = &mut self.graph;
        let column = ops::reshape(graph, y, [elements, 1])?;
        let gathered = ops::gather_rows(graph, column, indices)?;
        let gathered = ops::reshape(graph, gathered, shape.to_vec())?;
        Ok(ops::tanh(graph, gathered)?)
    }

    /// The mean square of all values that no operation reads, and of all parameters, so that all of them matter.
    fn loss(&mut self) -> Result<Value> {
        let mut loss = self.graph.scalar(0.0);
        for index in 0..self.values.len() {
            if index < 3 || !self.is_read[index] {
                let squares = ops::square(&mut self.graph, self.values[index])?;
                let mean = ops::mean(&mut self.graph, squares)?;
                loss = ops::add(&mut self.graph, loss, mean)?;
            }
        }
        Ok(loss)
    }
}
