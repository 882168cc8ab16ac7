//! Graphs of random operations on small tensors, always the same ones for a seed.

use anyhow::Result;
use wgrad::core::autodiff::differentiate;
use wgrad::core::{Graph, HostTensor, Value};
use wgrad::data::Random;
use wgrad::ops::{self, Attention};

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
}

impl RandomGraph {
    /// A graph of so many operations.
    pub fn new(seed: u32, operations: usize) -> Result<Self> {
        let mut builder = Builder { graph: Graph::new(), random: Random::new(seed, 0), values: Vec::new() };
        let parameters = (0..3).map(|index| builder.parameter(index)).collect::<Result<Vec<_>>>()?;
        let leaves = builder.values.clone();
        for _ in 0..operations {
            builder.operation()?;
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
        self.values.push(self.graph.state(name.clone(), tensor.clone())?);
        Ok((name, tensor))
    }

    /// One of the values, later ones rather than earlier ones.
    fn pick(&mut self) -> Value {
        let index = self.random.below(self.values.len()).max(self.random.below(self.values.len()));
        self.values[index]
    }

    fn dims(&self, value: Value) -> [usize; 3] {
        let dims = self.graph.kind(value).shape.dims();
        [dims[0], dims[1], dims[2]]
    }

    /// Adds an operation whose results stay below some ten, and are smooth.
    fn operation(&mut self) -> Result<()> {
        let (x, kind) = (self.pick(), self.random.below(24));
        let axis = self.random.below(3);
        let [outer, rows, columns] = self.dims(x);
        let graph = &mut self.graph;
        let made = match kind {
            0 => ops::tanh(graph, x)?,
            1 => ops::sigmoid(graph, x)?,
            2 => ops::softplus(graph, x)?,
            3 => ops::silu(graph, x)?,
            4 => ops::softmax(graph, x)?,
            5 => ops::permute(graph, x, [&[1, 0, 2], &[2, 1, 0], &[0, 2, 1]][axis])?,
            6 => ops::reshape(graph, x, [1, outer * rows, columns])?,
            7 => ops::mean_axes(graph, x, &[axis], true)?,
            8 => ops::narrow(graph, x, axis, 0, graph.kind(x).shape.dims()[axis].div_ceil(2))?,
            9 => self.product(x)?,
            10 => ops::concat(graph, &[x, x], axis)?,
            11 => self.combined(x, ops::add)?,
            12 => self.combined(x, ops::mul)?,
            13 => self.combined(x, |graph, x, y| {
                let positive = ops::softplus(graph, y)?;
                let half = graph.scalar(0.5);
                let divisor = ops::add(graph, positive, half)?;
                ops::div(graph, x, divisor)
            })?,
            14 => self.combined(x, ops::maximum)?,
            15 => {
                let squashed = ops::tanh(graph, x)?;
                ops::exp(graph, squashed)?
            }
            16 => {
                let positive = ops::sigmoid(graph, x)?;
                ops::log(graph, positive)?
            }
            17 => ops::layer_norm(graph, x, 0.1)?,
            18 => {
                let uneven = self.uneven(x)?;
                ops::max_axes(&mut self.graph, uneven, &[axis], true)?
            }
            19 => self.pooled(x)?,
            20 => self.convolved(x, axis)?,
            21 => self.embedded(x)?,
            22 => self.attended(x)?,
            _ => self.classified(x)?,
        };
        // Tensors that grow from operation to operation would take over.
        if self.graph.kind(made).shape.elements() <= 600 {
            self.values.push(made);
        }
        Ok(())
    }

    /// A product of matrices with another value's, of which as many rows are taken as fit, squashed.
    fn product(&mut self, x: Value) -> Result<Value> {
        let y = self.pick();
        let ([outer, _, inner], [_, rows, columns]) = (self.dims(x), self.dims(y));
        let shared = inner.min(columns);
        let graph = &mut self.graph;
        let lhs = ops::narrow(graph, x, 2, 0, shared)?;
        let rhs = ops::narrow(graph, y, 2, 0, shared)?;
        let rhs = ops::narrow(graph, rhs, 0, 0, 1)?;
        let rhs = ops::broadcast(graph, rhs, [outer, rows, shared])?;
        let product = ops::matmul(graph, lhs, rhs, false, true)?;
        Ok(ops::tanh(graph, product)?)
    }

    /// With another value where their shapes broadcast, else with a row of itself; squashed.
    fn combined(
        &mut self,
        x: Value,
        combine: fn(&mut Graph, Value, Value) -> Result<Value, wgrad::core::GraphError>,
    ) -> Result<Value> {
        let y = self.pick();
        let fits = self.graph.kind(x).shape.broadcast(&self.graph.kind(y).shape).is_some();
        let graph = &mut self.graph;
        let other = if fits { y } else { ops::narrow(graph, x, 1, 0, 1)? };
        let made = combine(graph, x, other)?;
        Ok(ops::tanh(graph, made)?)
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

    /// The largest of windows of rows and columns, of an image with the last axis as its channels.
    fn pooled(&mut self, x: Value) -> Result<Value> {
        let ([height, width, channels], uneven) = (self.dims(x), self.uneven(x)?);
        let graph = &mut self.graph;
        let image = ops::reshape(graph, uneven, [1, height, width, channels])?;
        let pooled = ops::max_pool2d(graph, image, [2, 3], [1, 2], [1, 1])?;
        self.without_first(pooled)
    }

    /// An image with the last axis as its channels, convolved with the rows of another value, of which as many channels are taken
    /// as fit; squashed.
    fn convolved(&mut self, x: Value, stride: usize) -> Result<Value> {
        let y = self.pick();
        let ([height, width, inner], [outputs, rows, columns]) = (self.dims(x), self.dims(y));
        let (channels, rows) = (inner.min(columns), rows.min(3));
        let graph = &mut self.graph;
        let image = ops::narrow(graph, x, 2, 0, channels)?;
        let image = ops::reshape(graph, image, [1, height, width, channels])?;
        let weight = ops::narrow(graph, y, 2, 0, channels)?;
        let weight = ops::narrow(graph, weight, 1, 0, rows)?;
        let weight = ops::reshape(graph, weight, [outputs, rows, 1, channels])?;
        let weight = ops::concat(graph, &[weight, weight], 2)?;
        let convolved = ops::conv2d(graph, image, weight, [1 + stride, 1], [1, 1], [1, 1])?;
        let squashed = ops::tanh(graph, convolved)?;
        self.without_first(squashed)
    }

    fn without_first(&mut self, image: Value) -> Result<Value> {
        let shape = self.graph.kind(image).shape.dims()[1..].to_vec();
        Ok(ops::reshape(&mut self.graph, image, shape)?)
    }

    /// Some of its rows, some of them more than once.
    fn embedded(&mut self, x: Value) -> Result<Value> {
        let [outer, rows, columns] = self.dims(x);
        let tokens = self.indices(6, outer * rows)?;
        let graph = &mut self.graph;
        let table = ops::reshape(graph, x, [outer * rows, columns])?;
        let picked = ops::gather_rows(graph, table, tokens)?;
        Ok(ops::reshape(graph, picked, [2, 3, columns])?)
    }

    /// What it finds among another value's rows, of which as many columns are taken as fit.
    fn attended(&mut self, x: Value) -> Result<Value> {
        let y = self.pick();
        let ([outer, _, inner], [_, rows, columns]) = (self.dims(x), self.dims(y));
        let shared = inner.min(columns);
        let mask = self.noise(&[rows])?;
        let graph = &mut self.graph;
        let query = ops::narrow(graph, x, 2, 0, shared)?;
        let keys = ops::narrow(graph, y, 2, 0, shared)?;
        let keys = ops::narrow(graph, keys, 0, 0, 1)?;
        let keys = ops::broadcast(graph, keys, [outer, rows, shared])?;
        let values = ops::sigmoid(graph, keys)?;
        let factor = graph.scalar(1.0);
        let op = Attention { scale: 0.7, causal: false };
        Ok(ops::attention(graph, op, [query, keys, values, mask, factor])?)
    }

    /// The cross-entropy of each of its rows as logits, with fixed labels.
    fn classified(&mut self, x: Value) -> Result<Value> {
        let [outer, rows, classes] = self.dims(x);
        let labels = self.indices(outer * rows, classes)?;
        let graph = &mut self.graph;
        let logits = ops::reshape(graph, x, [outer * rows, classes])?;
        let losses = ops::cross_entropy(graph, logits, labels)?.losses;
        Ok(ops::reshape(graph, losses, [outer, rows, 1])?)
    }

    /// The mean square of the last values, and of all parameters, so that all of them matter.
    fn loss(&mut self) -> Result<Value> {
        let last = self.values.len().saturating_sub(4);
        let mut loss = self.graph.scalar(0.0);
        for value in [&self.values[..3], &self.values[last..]].concat() {
            let squares = ops::square(&mut self.graph, value)?;
            let mean = ops::mean(&mut self.graph, squares)?;
            loss = ops::add(&mut self.graph, loss, mean)?;
        }
        Ok(loss)
    }
}
