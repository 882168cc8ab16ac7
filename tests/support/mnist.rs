//! The training step of the MNIST network, written with operations alone.

use anyhow::{Context, Result};
use wgrad::core::autodiff::differentiate;
use wgrad::core::{DType, Graph, HostTensor, Shape, TensorType, Value};
use wgrad::ops::{self, Adam, AdamInputs};

/// A step over `count` of `batch` examples of a resident data set of `rows`: 784-256-128-10, dropout 0.2, Adam.
pub fn training_step(rows: usize, batch: usize, count: usize) -> Result<Graph> {
    let graph = &mut Graph::new();
    let images = graph.input("images", TensorType::new(DType::U8, [rows, 784]));
    let labels = graph.input("labels", TensorType::u32([rows]));
    let table = graph.input("schedule", TensorType::f32([1000, 3]));
    let step = graph.state("step", counter())?;
    let stop = graph.state("stop", counter())?;
    let log = graph.state("log", zeros([1024, 2]))?;
    let shapes: Vec<Shape> =
        [[256, 784], [128, 256], [10, 128]].iter().flat_map(|&[out, inn]| [[out, inn].into(), [out].into()]).collect();
    let layout = ops::pack_layout(&shapes);
    let [parameters, first, second] =
        ["parameters", "first moment", "second moment"].map(|name| graph.state(name, zeros([layout.length])));
    let (parameters, first, second) = (parameters?, first?, second?);
    let slices = shapes.iter().zip(&layout.offsets).map(|(shape, &offset)| ops::slice(graph, parameters, offset, shape.clone()));
    let slices = slices.collect::<Result<Vec<Value>, _>>()?;
    let indices = ops::shuffle(graph, step, rows, batch, count, 7)?;
    let pixels = ops::gather_rows(graph, images, indices)?;
    let mut values = ops::normalize(graph, pixels, 1.0 / (255.0 * 0.3081), -0.1307 / 0.3081)?;
    for layer in 0..3 {
        let product = ops::matmul(graph, values, slices[2 * layer], false, true)?;
        values = ops::add(graph, product, slices[2 * layer + 1])?;
        if layer < 2 {
            values = ops::relu(graph, values)?;
            values = ops::dropout(graph, values, step, 0.2, 7, layer as u32)?;
        }
    }
    let targets = ops::gather_rows(graph, labels, indices)?;
    let outputs = ops::cross_entropy(graph, values, targets)?;
    let (sum, share, one) = (ops::sum(graph, outputs.losses)?, graph.scalar(1.0 / count as f32), graph.scalar(1.0));
    let loss = ops::mul(graph, sum, share)?;
    let gradients = differentiate(graph, loss, one, &slices, ops::accumulate)?;
    let gradients = gradients.into_iter().collect::<Option<Vec<Value>>>().context("a parameter has no gradient")?;
    let gradient = ops::pack(graph, &gradients)?;
    let recorded = ops::record(graph, log, step, stop, outputs.losses, outputs.hits)?;
    let scheduled = ops::lookup(graph, table, step)?;
    let mut scalar = |index: usize| ops::slice(graph, scheduled, index, [1]);
    let (learning_rate, correction1, correction2) = (scalar(0)?, scalar(1)?, scalar(2)?);
    let inputs = AdamInputs {
        parameter: parameters,
        gradient,
        first_moment: first,
        second_moment: second,
        learning_rate,
        correction1,
        correction2,
        scale: recorded.scale,
    };
    let updated = ops::adam(graph, inputs, Adam::default())?;
    let ticked = ops::tick(graph, step, stop, recorded.scale)?;
    let states = [(parameters, updated[0]), (first, updated[1]), (second, updated[2]), (step, ticked[0]), (stop, ticked[1])];
    for (state, next) in states.into_iter().chain([(log, recorded.log)]) {
        graph.set_next(state, next)?;
    }
    Ok(graph.clone())
}

fn counter() -> HostTensor {
    HostTensor::zeros(&TensorType::u32([]))
}

fn zeros(shape: impl Into<Shape>) -> HostTensor {
    HostTensor::zeros(&TensorType::f32(shape))
}
