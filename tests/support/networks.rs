//! Steps of training, written as graphs: a classifier like that of the digits, a regression, and a recurrent network.

use anyhow::Result;
use wgrad::core::autodiff::differentiate;
use wgrad::core::{DType, Graph, HostTensor, Shape, TensorType, Value};
use wgrad::ops;

/// Examples of each data set.
pub const EXAMPLES: usize = 100;

/// A graph with what its inputs hold.
#[derive(Clone, Debug)]
pub struct Network {
    pub graph: Graph,
    pub inputs: Vec<(&'static str, HostTensor)>,
}

/// Numbers between -1 and 1 that look random and are always the same.
fn noise(index: usize) -> f32 {
    let bits = (index as u32 ^ 0x9e37_79b9).wrapping_mul(0x85eb_ca6b);
    let bits = (bits ^ (bits >> 15)).wrapping_mul(0xc2b2_ae35);
    (bits >> 8) as f32 / 8_388_608.0 - 1.0
}

fn floats(shape: impl Into<Shape>, seed: usize) -> HostTensor {
    let shape = shape.into();
    let data = (0..shape.elements()).map(|index| noise(index + 1000 * seed)).collect();
    HostTensor::F32(shape, data)
}

/// The states that every step of training has.
struct Clock {
    clock: Value,
    step: Value,
    stop: Value,
    log: Value,
}

impl Clock {
    fn new(graph: &mut Graph) -> Result<Self> {
        let clock = graph.state("clock", HostTensor::zeros(&TensorType::u32([4])))?;
        let log = graph.state("log", HostTensor::zeros(&TensorType::f32([8, 2])))?;
        let (step, stop) = (ops::slice(graph, clock, 0, [])?, ops::slice(graph, clock, 3, [])?);
        Ok(Self { clock, step, stop, log })
    }

    /// Records a step, and returns the gate of its updates.
    fn tick(&self, graph: &mut Graph, losses: Value, hits: Value) -> Result<Value> {
        let recorded = ops::record(graph, self.log, self.step, self.stop, losses, hits)?;
        let all = ops::Advance { step: true, position: true, update: true };
        let next = ops::tick(graph, self.clock, recorded.scale, all)?;
        graph.set_next(self.log, recorded.log)?;
        graph.set_next(self.clock, next)?;
        Ok(recorded.scale)
    }
}

fn gradients(graph: &mut Graph, loss: Value, parameters: &[Value]) -> Result<Vec<Value>> {
    let one = graph.scalar(1.0);
    let gradients = differentiate(graph, loss, one, parameters, ops::accumulate)?;
    gradients.into_iter().map(|gradient| gradient.ok_or_else(|| anyhow::anyhow!("a parameter has no gradient"))).collect()
}

/// Moves states against their gradients.
fn descend(graph: &mut Graph, parameters: &[Value], gradients: Vec<Value>, [rate, scale]: [Value; 2]) -> Result<()> {
    let weight_decay = graph.scalar(1e-3);
    for (&parameter, gradient) in parameters.iter().zip(gradients) {
        let inputs = ops::SgdInputs { parameter, gradient, learning_rate: rate, weight_decay, scale };
        let next = ops::sgd(graph, inputs)?;
        graph.set_next(parameter, next)?;
    }
    Ok(())
}

/// The mean of a tensor.
fn mean(graph: &mut Graph, values: Value) -> Result<Value> {
    let factor = graph.scalar(1.0 / graph.kind(values).shape.elements() as f32);
    let sum = ops::sum(graph, values)?;
    Ok(ops::mul(graph, sum, factor)?)
}

/// A classifier of bytes, 20-24-12-10, with two activations, dropout and Adam, whose parameters are one tensor.
///
/// Adam's epsilon is large, so that an update changes at most ten times as much as its gradient does.
pub fn classifier() -> Result<Network> {
    let (mut step, batch) = (Graph::new(), 16);
    let graph = &mut step;
    let images = graph.input("images", TensorType::new(DType::U8, [EXAMPLES, 20]));
    let labels = graph.input("labels", TensorType::u32([EXAMPLES]));
    let schedule = graph.input("schedule", TensorType::f32([8, 5]));
    let clock = Clock::new(graph)?;
    let shapes: Vec<Shape> =
        [(20, 24), (24, 12), (12, 10)].iter().flat_map(|&(from, to)| [[to, from].into(), [to].into()]).collect();
    let layout = ops::pack_layout(&shapes);
    let HostTensor::F32(shape, initial) = floats([layout.length], 1) else { anyhow::bail!("no floats") };
    let zeros = HostTensor::zeros(&TensorType::f32([layout.length]));
    let initial = initial.into_iter().map(|weight| 0.4 * weight).collect();
    let packed = graph.state("parameters", HostTensor::F32(shape, initial))?;
    let first_moment = graph.state("first moment", zeros.clone())?;
    let second_moment = graph.state("second moment", zeros)?;
    let places = shapes.iter().zip(&layout.offsets);
    let parameters: Vec<Value> =
        places.map(|(shape, &offset)| ops::slice(graph, packed, offset, shape.clone())).collect::<Result<_, _>>()?;
    let indices = ops::shuffle(graph, clock.step, EXAMPLES, batch, batch, 7)?;
    let bytes = ops::gather_rows(graph, images, indices)?;
    let targets = ops::gather_rows(graph, labels, indices)?;
    let logits = logits(graph, bytes, &parameters, clock.step)?;
    let entropy = ops::cross_entropy(graph, logits, targets)?;
    let loss = mean(graph, entropy.losses)?;
    let gradients = gradients(graph, loss, &parameters)?;
    let gradient = ops::pack(graph, &gradients)?;
    let scale = clock.tick(graph, entropy.losses, entropy.hits)?;
    let row = ops::lookup(graph, schedule, clock.step)?;
    let columns = (0..5).map(|index| ops::slice(graph, row, index, [1])).collect::<Result<Vec<_>, _>>()?;
    let adam = ops::Adam { epsilon: 1e-3, ..ops::Adam::default() };
    let inputs = [&[packed, gradient, first_moment, second_moment], columns.as_slice(), &[scale]].concat();
    let updated = graph.apply(adam, &inputs)?;
    for (state, next) in [packed, first_moment, second_moment].into_iter().zip(updated) {
        graph.set_next(state, next)?;
    }
    graph.set_output("loss", loss);
    Ok(Network { graph: step, inputs: digits() })
}

fn logits(graph: &mut Graph, bytes: Value, parameters: &[Value], step: Value) -> Result<Value> {
    let mut value = ops::normalize(graph, bytes, 1.0 / 64.0, -2.0)?;
    for (layer, pair) in parameters.chunks_exact(2).enumerate() {
        let product = ops::matmul(graph, value, pair[0], false, true)?;
        value = ops::add(graph, product, pair[1])?;
        value = match layer {
            0 => ops::relu(graph, value)?,
            1 => ops::leaky_relu(graph, value, 0.125)?,
            _ => break,
        };
        value = ops::dropout(graph, value, step, 0.25, 1, layer as u32)?;
    }
    Ok(value)
}

/// The classifier's data set, and Adam's learning rate, beta1 and corrections for each step.
fn digits() -> Vec<(&'static str, HostTensor)> {
    let bytes: Vec<u8> = (0..EXAMPLES * 20).map(|index| (128.0 + 127.0 * noise(index)) as u8).collect();
    let labels = bytes.chunks_exact(20).map(|row| u32::from(row[3]) * 10 / 256).collect();
    let correction = |beta: f64, step: i32| (1.0 / (1.0 - beta.powi(step))) as f32;
    let schedule = (1..=8).flat_map(|step| [1e-2, 0.9, correction(0.9, step), correction(0.999, step), 1e-3]).collect();
    vec![
        ("images", HostTensor::U8([EXAMPLES, 20].into(), bytes)),
        ("labels", HostTensor::U32([EXAMPLES].into(), labels)),
        ("schedule", HostTensor::F32([8, 5].into(), schedule)),
    ]
}

/// A regression, 6-9-7-3, with tanh, sigmoid and mean squared error; each parameter is a state of its own.
pub fn regression() -> Result<Network> {
    let (mut step, batch) = (Graph::new(), 13);
    let graph = &mut step;
    let inputs = graph.input("inputs", TensorType::f32([EXAMPLES, 6]));
    let wanted = graph.input("targets", TensorType::f32([EXAMPLES, 3]));
    let rate = graph.scalar(0.1);
    let clock = Clock::new(graph)?;
    let mut parameters = Vec::new();
    for (layer, (from, to)) in [(6, 9), (9, 7), (7, 3)].into_iter().enumerate() {
        parameters.push(graph.state(format!("weight {layer}"), floats([to, from], 2 + layer))?);
        parameters.push(graph.state(format!("bias {layer}"), floats([to], 5 + layer))?);
    }
    let indices = ops::sequence(graph, clock.step, EXAMPLES, batch, batch)?;
    let targets = ops::gather_rows(graph, wanted, indices)?;
    let mut value = ops::gather_rows(graph, inputs, indices)?;
    for (layer, pair) in parameters.chunks_exact(2).enumerate() {
        let product = ops::matmul(graph, value, pair[0], false, true)?;
        value = ops::add(graph, product, pair[1])?;
        value = if layer == 0 { ops::tanh(graph, value)? } else { ops::sigmoid(graph, value)? };
    }
    let hits = ops::binary_hits(graph, value, targets)?;
    let error = ops::sub(graph, value, targets)?;
    let losses = ops::mul(graph, error, error)?;
    let loss = mean(graph, losses)?;
    let gradients = gradients(graph, loss, &parameters)?;
    let scale = clock.tick(graph, losses, hits)?;
    descend(graph, &parameters, gradients, [rate, scale])?;
    graph.set_output("loss", loss);
    let halves = (0..EXAMPLES * 3).map(|index| 0.5 + 0.5 * noise(index + 77)).collect();
    let targets = HostTensor::F32([EXAMPLES, 3].into(), halves);
    Ok(Network { graph: step, inputs: vec![("inputs", floats([EXAMPLES, 6], 9)), ("targets", targets)] })
}

/// A recurrent network of 5 units that reads 4 steps of 3 numbers for 3 examples, with mean squared errors: of all hidden
/// states together; and of some in another order, so that they are stored in two places, whose parts of 15 elements do not
/// begin at multiples of 4.
pub fn recurrent() -> Result<Network> {
    let (mut step, batch, units) = (Graph::new(), 3, 5);
    let graph = &mut step;
    let inputs = graph.input("inputs", TensorType::f32([4, batch, 3]));
    let wanted = graph.input("targets", TensorType::f32([4 * batch, units]));
    let rate = graph.scalar(0.1);
    let clock = Clock::new(graph)?;
    let shapes = [vec![units, 3], vec![units, units], vec![units]];
    let mut parameters = Vec::new();
    for (index, shape) in shapes.into_iter().enumerate() {
        parameters.push(graph.state(format!("parameter {index}"), floats(shape, 20 + index))?);
    }
    let mut hiddens: Vec<Value> = Vec::new();
    for input in ops::unbind(graph, inputs, 0)? {
        let product = ops::matmul(graph, input, parameters[0], false, true)?;
        let mut sum = ops::add(graph, product, parameters[2])?;
        if let Some(&hidden) = hiddens.last() {
            let product = ops::matmul(graph, hidden, parameters[1], false, true)?;
            sum = ops::add(graph, product, sum)?;
        }
        hiddens.push(ops::tanh(graph, sum)?);
    }
    let together = ops::concat(graph, &hiddens, 0)?;
    let error = ops::sub(graph, together, wanted)?;
    let of_all = ops::mul(graph, error, error)?;
    let turned = ops::concat(graph, &[hiddens[2], hiddens[0], hiddens[1]], 0)?;
    let of_some = ops::mul(graph, turned, turned)?;
    let losses = [mean(graph, of_all)?, mean(graph, of_some)?];
    let loss = ops::add(graph, losses[0], losses[1])?;
    let gradients = gradients(graph, loss, &parameters)?;
    let hits = graph.constant(HostTensor::zeros(&TensorType::f32([4 * batch, units])))?;
    let scale = clock.tick(graph, of_all, hits)?;
    descend(graph, &parameters, gradients, [rate, scale])?;
    Ok(Network { graph: step, inputs: vec![("inputs", floats([4, batch, 3], 30)), ("targets", floats([4 * batch, units], 31))] })
}

/// A classifier of images, channels first: two convolutions, each with bias and ReLU, the first with maxima behind it and
/// the second with strides and a mean, and a linear layer; each parameter is a state of its own.
pub fn images() -> Result<Network> {
    let (mut step, batch) = (Graph::new(), 7);
    let graph = &mut step;
    let table = graph.input("inputs", TensorType::f32([EXAMPLES, 8, 6]));
    let labels = graph.input("labels", TensorType::u32([EXAMPLES]));
    let rate = graph.scalar(0.1);
    let clock = Clock::new(graph)?;
    let shapes: [Vec<usize>; 5] = [vec![4, 1, 3, 3], vec![4], vec![5, 4, 3, 3], vec![5], vec![10, 5]];
    let states = shapes.into_iter().enumerate().map(|(index, shape)| graph.state(format!("{index}"), floats(shape, 2 + index)));
    let parameters = states.collect::<Result<Vec<_>, _>>()?;
    let indices = ops::sequence(graph, clock.step, EXAMPLES, batch, batch)?;
    let targets = ops::gather_rows(graph, labels, indices)?;
    let rows = ops::gather_rows(graph, table, indices)?;
    let image = ops::reshape(graph, rows, [batch, 1, 8, 6])?;
    let first = convolution(graph, image, &parameters[..2], 1)?;
    let first = ops::permute(graph, first, &[0, 2, 3, 1])?;
    let pooled = ops::max_pool2d(graph, first, [2, 2], [2, 2], [0, 0])?;
    let pooled = ops::permute(graph, pooled, &[0, 3, 1, 2])?;
    let second = convolution(graph, pooled, &parameters[2..4], 2)?;
    let second = ops::permute(graph, second, &[0, 2, 3, 1])?;
    let means = ops::adaptive_avg_pool2d(graph, second, [1, 1])?;
    let features = ops::reshape(graph, means, [batch, 5])?;
    let logits = ops::matmul(graph, features, parameters[4], false, true)?;
    let entropy = ops::cross_entropy(graph, logits, targets)?;
    let loss = mean(graph, entropy.losses)?;
    let gradients = gradients(graph, loss, &parameters)?;
    let scale = clock.tick(graph, entropy.losses, entropy.hits)?;
    descend(graph, &parameters, gradients, [rate, scale])?;
    graph.set_output("loss", loss);
    let labels = (0..EXAMPLES as u32).map(|index| index * 7 % 10).collect();
    let labels = HostTensor::U32([EXAMPLES].into(), labels);
    Ok(Network { graph: step, inputs: vec![("inputs", floats([EXAMPLES, 8, 6], 11)), ("labels", labels)] })
}

/// Of images and weights with their channels first, with a bias and ReLU.
fn convolution(graph: &mut Graph, input: Value, parameters: &[Value], stride: usize) -> Result<Value> {
    let input = ops::permute(graph, input, &[0, 2, 3, 1])?;
    let weight = ops::permute(graph, parameters[0], &[0, 2, 3, 1])?;
    let output = ops::conv2d(graph, input, weight, [stride; 2], [1, 1], [1, 1])?;
    let shifted = ops::add(graph, output, parameters[1])?;
    let output = ops::permute(graph, shifted, &[0, 3, 1, 2])?;
    Ok(ops::relu(graph, output)?)
}
