//! What may be drawn for a random graph: of a value of three axes another one, whose elements stay below some ten and depend on
//! it smoothly.

use anyhow::Result;
use wgrad::core::{Graph, GraphError, HostTensor, Value};
use wgrad::ops::{self, Attention, Recurrent};

use super::Builder;

/// An operation, or a few that go together.
type Operation = fn(&mut Builder, Value) -> Result<Value>;

/// All of them.
pub(super) const OPERATIONS: [Operation; 55] = [
    |builder, x| Ok(ops::tanh(&mut builder.graph, x)?),
    |builder, x| Ok(ops::sigmoid(&mut builder.graph, x)?),
    |builder, x| Ok(ops::softplus(&mut builder.graph, x)?),
    |builder, x| Ok(ops::silu(&mut builder.graph, x)?),
    |builder, x| Ok(ops::gelu(&mut builder.graph, x)?),
    |builder, x| Ok(ops::neg(&mut builder.graph, x)?),
    |builder, x| Ok(ops::normalize(&mut builder.graph, x, 0.8, 0.3)?),
    |builder, x| builder.of(x, ops::tanh, ops::exp),
    |builder, x| builder.of(x, ops::tanh, ops::square),
    |builder, x| builder.of(x, ops::tanh, |graph, x| ops::power(graph, x, 3.0)),
    |builder, x| builder.of(x, ops::sigmoid, ops::log),
    |builder, x| builder.of(x, ops::sigmoid, ops::sqrt),
    |builder, x| builder.of(x, ops::sigmoid, |graph, x| ops::power(graph, x, 1.5)),
    |builder, x| builder.bent(x, ops::relu),
    |builder, x| builder.bent(x, |graph, x| ops::leaky_relu(graph, x, 0.1)),
    |builder, x| builder.bent(x, |graph, x| ops::elu(graph, x, 0.7)),
    |builder, x| builder.bent(x, ops::abs),
    |builder, x| builder.bent(x, |graph, x| ops::clamp(graph, x, -0.1, 2.5)),
    |builder, x| Ok(ops::permute(&mut builder.graph, x, &[1, 0, 2])?),
    |builder, x| Ok(ops::permute(&mut builder.graph, x, &[2, 1, 0])?),
    |builder, x| Ok(ops::permute(&mut builder.graph, x, &[0, 2, 1])?),
    Builder::reshaped,
    Builder::narrowed,
    Builder::split,
    Builder::concatenated,
    Builder::packed,
    Builder::embedded,
    Builder::scattered,
    Builder::dropped_out,
    Builder::product,
    |builder, x| builder.combined(x, ops::add),
    |builder, x| builder.combined(x, ops::sub),
    |builder, x| builder.combined(x, ops::mul),
    |builder, x| builder.combined(x, quotient),
    |builder, x| builder.combined(x, ops::maximum),
    |builder, x| builder.combined(x, ops::minimum),
    Builder::selected,
    Builder::averaged,
    Builder::largest,
    |builder, x| Ok(ops::softmax(&mut builder.graph, x)?),
    |builder, x| Ok(ops::log_softmax(&mut builder.graph, x)?),
    |builder, x| Ok(ops::layer_norm(&mut builder.graph, x, 0.1)?),
    Builder::batch_normalised,
    |builder, x| builder.pooled(x, |graph, image| ops::max_pool2d(graph, image, [2, 3], [1, 2], [1, 1])),
    |builder, x| builder.pooled(x, |graph, image| ops::avg_pool2d(graph, image, [2, 3], [1, 2], [1, 1])),
    |builder, x| builder.pooled(x, |graph, image| ops::adaptive_avg_pool2d(graph, image, [2, 3])),
    Builder::convolved,
    Builder::attended,
    Builder::read_by_rnn,
    Builder::read_by_lstm,
    Builder::read_by_gru,
    Builder::classified,
    Builder::classified_by_shares,
    |builder, x| builder.told_apart(x, cross_entropy_of_probabilities),
    |builder, x| builder.told_apart(x, ops::binary_cross_entropy_with_logits),
];

/// Of a positive divisor.
fn quotient(graph: &mut Graph, x: Value, y: Value) -> Result<Value, GraphError> {
    let positive = ops::softplus(graph, y)?;
    let half = graph.scalar(0.5);
    let divisor = ops::add(graph, positive, half)?;
    ops::div(graph, x, divisor)
}

type OfOne = fn(&mut Graph, Value) -> Result<Value, GraphError>;
type OfTwo = fn(&mut Graph, Value, Value) -> Result<Value, GraphError>;

/// On elements.
impl Builder {
    fn of(&mut self, x: Value, bounded: OfOne, function: OfOne) -> Result<Value> {
        let bounded = bounded(&mut self.graph, x)?;
        Ok(function(&mut self.graph, bounded)?)
    }

    /// A function that is not smooth at 0.
    fn bent(&mut self, x: Value, function: OfOne) -> Result<Value> {
        let x = self.away_from_zero(x)?;
        Ok(function(&mut self.graph, x)?)
    }

    fn dropped_out(&mut self, x: Value) -> Result<Value> {
        let (step, seed) = (self.random.below(100), self.random.below(100));
        let step = self.graph.constant(HostTensor::U32([].into(), vec![step as u32]))?;
        Ok(ops::dropout(&mut self.graph, x, step, 0.3, seed as u32, 1)?)
    }

    /// With another value where their shapes broadcast, else with a row of itself; squashed.
    fn combined(&mut self, x: Value, combine: OfTwo) -> Result<Value> {
        let other = self.fitting(x)?;
        let made = combine(&mut self.graph, x, other)?;
        Ok(ops::tanh(&mut self.graph, made)?)
    }

    fn fitting(&mut self, x: Value) -> Result<Value> {
        let y = self.pick();
        let fits = self.graph.kind(x).shape.broadcast(&self.graph.kind(y).shape);
        match fits.is_some_and(|shape| shape.elements() <= 600) {
            true => Ok(y),
            false => Ok(ops::narrow(&mut self.graph, x, 1, 0, 1)?),
        }
    }

    /// Elements of one value where another one'"'"'s are positive, else of a third.
    fn selected(&mut self, x: Value) -> Result<Value> {
        let (away, other) = (self.away_from_zero(x)?, self.fitting(x)?);
        let condition = ops::step(&mut self.graph, away)?;
        Ok(ops::select(&mut self.graph, condition, x, other)?)
    }
}

/// Of the same elements elsewhere.
impl Builder {
    fn reshaped(&mut self, x: Value) -> Result<Value> {
        let [outer, rows, columns] = self.dims(x);
        Ok(ops::reshape(&mut self.graph, x, [1, outer * rows, columns])?)
    }

    fn narrowed(&mut self, x: Value) -> Result<Value> {
        let axis = self.random.below(3);
        let length = self.dims(x)[axis].div_ceil(2);
        Ok(ops::narrow(&mut self.graph, x, axis, 0, length)?)
    }

    /// The product of the first and the last of its slices.
    fn split(&mut self, x: Value) -> Result<Value> {
        let axis = self.random.below(3);
        let extents = vec![1; self.dims(x)[axis]];
        let parts = ops::split(&mut self.graph, x, axis, &extents)?;
        Ok(ops::mul(&mut self.graph, parts[0], parts[parts.len() - 1])?)
    }

    fn concatenated(&mut self, x: Value) -> Result<Value> {
        let axis = self.random.below(3);
        let squashed = ops::tanh(&mut self.graph, x)?;
        Ok(ops::concat(&mut self.graph, &[squashed, x], axis)?)
    }

    /// Behind one another, with zeros between them.
    fn packed(&mut self, x: Value) -> Result<Value> {
        let y = self.pick();
        let packed = ops::pack(&mut self.graph, &[x, y])?;
        let elements = self.graph.kind(packed).shape.elements();
        Ok(ops::reshape(&mut self.graph, packed, [1, elements / 4, 4])?)
    }

    /// Some of its rows, some of them more than once.
    fn embedded(&mut self, x: Value) -> Result<Value> {
        let [outer, rows, columns] = self.dims(x);
        let tokens = self.indices(6, outer * rows)?;
        let table = ops::reshape(&mut self.graph, x, [outer * rows, columns])?;
        let picked = ops::gather_rows(&mut self.graph, table, tokens)?;
        Ok(ops::reshape(&mut self.graph, picked, [2, 3, columns])?)
    }

    /// Its rows added up in some places.
    fn scattered(&mut self, x: Value) -> Result<Value> {
        let [outer, rows, columns] = self.dims(x);
        let places = self.indices(outer * rows, outer * rows)?;
        let matrix = ops::reshape(&mut self.graph, x, [outer * rows, columns])?;
        let sums = ops::scatter_rows(&mut self.graph, matrix, places, outer * rows)?;
        let sums = ops::reshape(&mut self.graph, sums, [outer, rows, columns])?;
        Ok(ops::tanh(&mut self.graph, sums)?)
    }
}

/// On rows and windows.
impl Builder {
    /// A product of matrices with another value'"'"'s, of which as many rows are taken as fit, squashed.
    fn product(&mut self, x: Value) -> Result<Value> {
        let y = self.pick();
        let ([outer, _, inner], [_, rows, columns]) = (self.dims(x), self.dims(y));
        let (shared, rows) = (inner.min(columns), rows.min(9));
        let graph = &mut self.graph;
        let lhs = ops::narrow(graph, x, 2, 0, shared)?;
        let rhs = ops::narrow(graph, y, 2, 0, shared)?;
        let rhs = ops::narrow(graph, rhs, 1, 0, rows)?;
        let rhs = ops::narrow(graph, rhs, 0, 0, 1)?;
        let rhs = ops::broadcast(graph, rhs, [outer, rows, shared])?;
        let product = ops::matmul(graph, lhs, rhs, false, true)?;
        Ok(ops::tanh(graph, product)?)
    }

    fn averaged(&mut self, x: Value) -> Result<Value> {
        let axis = self.random.below(3);
        Ok(ops::mean_axes(&mut self.graph, x, &[axis], true)?)
    }

    fn largest(&mut self, x: Value) -> Result<Value> {
        let (uneven, axis) = (self.uneven(x)?, self.random.below(3));
        Ok(ops::max_axes(&mut self.graph, uneven, &[axis], true)?)
    }

    /// By the statistics of the batch, to which its variance is added.
    fn batch_normalised(&mut self, x: Value) -> Result<Value> {
        let [outer, rows, columns] = self.dims(x);
        let (gamma, beta) = (self.gathered(&[columns])?, self.gathered(&[columns])?);
        let graph = &mut self.graph;
        let batch = ops::reshape(graph, x, [outer * rows, columns])?;
        let outputs = ops::batch_norm(graph, batch, gamma, beta, 0.1)?;
        let variance = ops::tanh(graph, outputs.variance)?;
        let sum = ops::add(graph, outputs.output, variance)?;
        Ok(ops::reshape(graph, sum, [outer, rows, columns])?)
    }

    /// Something of windows of rows and columns, of an image with the last axis as its channels.
    fn pooled(&mut self, x: Value, pool: OfOne) -> Result<Value> {
        let ([height, width, channels], uneven) = (self.dims(x), self.uneven(x)?);
        let image = ops::reshape(&mut self.graph, uneven, [1, height, width, channels])?;
        let pooled = pool(&mut self.graph, image)?;
        self.without_first(pooled)
    }

    /// An image with the last axis as its channels, convolved with the rows of another value, of which as many channels are taken
    /// as fit; squashed.
    fn convolved(&mut self, x: Value) -> Result<Value> {
        let (y, stride) = (self.pick(), 1 + self.random.below(3));
        let ([height, width, inner], [outputs, rows, columns]) = (self.dims(x), self.dims(y));
        let (channels, rows, outputs) = (inner.min(columns), rows.min(3), outputs.min(5));
        let graph = &mut self.graph;
        let image = ops::narrow(graph, x, 2, 0, channels)?;
        let image = ops::reshape(graph, image, [1, height, width, channels])?;
        let weight = ops::narrow(graph, y, 2, 0, channels)?;
        let weight = ops::narrow(graph, weight, 1, 0, rows)?;
        let weight = ops::narrow(graph, weight, 0, 0, outputs)?;
        let weight = ops::reshape(graph, weight, [outputs, rows, 1, channels])?;
        let weight = ops::concat(graph, &[weight, weight], 2)?;
        let convolved = ops::conv2d(graph, image, weight, [stride, 1], [1, 1], [1, 1])?;
        let squashed = ops::tanh(graph, convolved)?;
        self.without_first(squashed)
    }

    fn without_first(&mut self, image: Value) -> Result<Value> {
        let shape = self.graph.kind(image).shape.dims()[1..].to_vec();
        Ok(ops::reshape(&mut self.graph, image, shape)?)
    }
}

/// What networks are made of, and losses.
impl Builder {
    /// What it finds among another value'"'"'s rows, of which as many columns are taken as fit.
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

    /// The parameters of a layer with so many gates of some units, for inputs of so many features.
    fn layer(&mut self, gates: usize, features: usize) -> Result<(Recurrent, usize)> {
        let units = 1 + self.random.below(5);
        let weight_ih = self.gathered(&[gates * units, features])?;
        let weight_hh = self.gathered(&[gates * units, units])?;
        let biases = [self.gathered(&[gates * units])?, self.gathered(&[gates * units])?];
        Ok((Recurrent { weight_ih, weight_hh, biases: Some(biases) }, units))
    }

    /// The first axis as the time, of which some steps are taken.
    fn sequence(&mut self, x: Value) -> Result<Value> {
        let steps = self.dims(x)[0].min(3);
        Ok(ops::narrow(&mut self.graph, x, 0, 0, steps)?)
    }

    /// What an LSTM reads, with the last cell added; from states of zeros, or others.
    fn read_by_lstm(&mut self, x: Value) -> Result<Value> {
        let inputs = self.sequence(x)?;
        let [_, batch, features] = self.dims(inputs);
        let (layer, units) = self.layer(4, features)?;
        let state = match self.random.below(2) {
            0 => None,
            _ => Some([self.gathered(&[batch, units])?, self.gathered(&[batch, units])?]),
        };
        let outputs = ops::lstm(&mut self.graph, inputs, &layer, state)?;
        Ok(ops::add(&mut self.graph, outputs.outputs, outputs.cell)?)
    }

    fn read_by_gru(&mut self, x: Value) -> Result<Value> {
        let inputs = self.sequence(x)?;
        let [_, batch, features] = self.dims(inputs);
        let (layer, units) = self.layer(3, features)?;
        let hidden = match self.random.below(2) {
            0 => None,
            _ => Some(self.gathered(&[batch, units])?),
        };
        Ok(ops::gru(&mut self.graph, inputs, &layer, hidden)?.outputs)
    }

    fn read_by_rnn(&mut self, x: Value) -> Result<Value> {
        let inputs = self.sequence(x)?;
        let features = self.dims(inputs)[2];
        let (layer, _) = self.layer(1, features)?;
        Ok(ops::rnn(&mut self.graph, inputs, &layer, None)?.outputs)
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

    /// The same with fixed shares of each class.
    fn classified_by_shares(&mut self, x: Value) -> Result<Value> {
        let noise = self.noise(&self.dims(x))?;
        let graph = &mut self.graph;
        let shares = ops::softmax(graph, noise)?;
        let logarithms = ops::log_softmax(graph, x)?;
        let products = ops::mul(graph, shares, logarithms)?;
        let sum = ops::sum_axes(graph, products, &[2], true)?;
        Ok(ops::neg(graph, sum)?)
    }

    /// A binary cross-entropy with fixed targets.
    fn told_apart(&mut self, x: Value, loss: OfTwo) -> Result<Value> {
        let noise = self.noise(&self.dims(x))?;
        let targets = ops::sigmoid(&mut self.graph, noise)?;
        Ok(loss(&mut self.graph, x, targets)?)
    }
}

/// Not so near to 0 or 1 that a logarithm would magnify rounding errors.
fn cross_entropy_of_probabilities(graph: &mut Graph, x: Value, targets: Value) -> Result<Value, GraphError> {
    let logits = ops::tanh(graph, x)?;
    let probabilities = ops::sigmoid(graph, logits)?;
    ops::binary_cross_entropy(graph, probabilities, targets)
}
