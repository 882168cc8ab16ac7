//! Permutations and reshapes that move behind pointwise operations change no result, and no copy is left of them. Needs no GPU.

use anyhow::{Context, Result, ensure};
use wgrad::core::op::AdapterClass;
use wgrad::core::plan::{Target, plan};
use wgrad::core::sink::sink;
use wgrad::core::{Array, Graph, HostTensor, Shape, TensorType, Value};
use wgrad::ops;
use wgrad::reference::Oracle;

/// Of as many elements each; some with axes of one extent, which a wrong order does not betray.
const SHAPES: [&[usize]; 7] = [&[2, 3, 4], &[2, 2, 6], &[2, 2, 2, 3], &[6, 4], &[2, 12], &[24], &[4, 1, 6]];

/// Numbers that look random and are always the same.
struct Noise(u64);

impl Noise {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % count
    }

    fn order(&mut self, rank: usize) -> Vec<usize> {
        let mut axes: Vec<usize> = (0..rank).collect();
        (1..rank).rev().for_each(|last| axes.swap(last, self.below(last + 1)));
        axes
    }
}

fn values(shape: &Shape) -> HostTensor {
    HostTensor::F32(shape.clone(), (0..shape.elements()).map(|index| (index * 37 % 101) as f32 / 50.0 - 1.0).collect())
}

/// Applies one operation, of any kind, to values that there are already.
fn grow(graph: &mut Graph, known: &mut Vec<Value>, step: Value, noise: &mut Noise) -> Result<()> {
    let value = known[noise.below(known.len())];
    let shape = graph.kind(value).shape.clone();
    let like: Vec<Value> = known.iter().copied().filter(|&other| graph.kind(other).shape == shape).collect();
    let other = like[noise.below(like.len())];
    let axis = noise.below(shape.rank());
    let mut small: Vec<usize> = vec![1; shape.rank()];
    small[axis] = shape.dims()[axis];
    let leading = if noise.below(2) == 0 { small[..axis].len() } else { 0 };
    let next = match noise.below(11) {
        9 | 10 => ops::reshape(graph, value, SHAPES[noise.below(SHAPES.len())].to_vec())?,
        0..3 => ops::permute(graph, value, &noise.order(shape.rank()))?,
        3 => ops::tanh(graph, value)?,
        4 => ops::add(graph, value, other)?,
        5 => ops::dropout(graph, value, step, 0.5, 1, 2)?,
        6 => {
            let bias = graph.constant(values(&small[leading..].to_vec().into()))?;
            ops::mul(graph, bias, value)?
        }
        7 => {
            let part = graph.constant(values(&shape.dims()[axis..].to_vec().into()))?;
            ops::sub(graph, value, part)?
        }
        _ => {
            let column = graph.constant(values(&small.into()))?;
            let repeated = ops::broadcast(graph, column, shape)?;
            ops::add(graph, repeated, value)?
        }
    };
    known.push(next);
    Ok(())
}

fn random_graph(seed: u64) -> Result<Graph> {
    let (mut graph, noise) = (Graph::new(), &mut Noise(seed));
    let step = graph.input("step", TensorType::u32([]));
    let shape = Shape::from(SHAPES[noise.below(SHAPES.len())].to_vec());
    let mut known = vec![graph.state("x", values(&shape))?, graph.state("y", values(&shape))?];
    let states = known.clone();
    for _ in 0..12 {
        grow(&mut graph, &mut known, step, noise)?;
    }
    for (index, &value) in known.iter().enumerate().skip(states.len()) {
        if noise.below(3) == 0 || index + 1 == known.len() {
            graph.set_output(format!("value {index}"), value);
        }
    }
    if let Some(&next) = known.iter().rev().find(|&&value| graph.kind(value).shape == shape) {
        graph.set_next(states[0], next)?;
    }
    Ok(graph)
}

/// Outputs by name in two steps.
fn outcome(graph: &Graph) -> Result<Vec<(String, Array)>> {
    let mut oracle = Oracle::new(graph)?;
    oracle.write("step", Array { kind: TensorType::u32([]), data: vec![3.0] })?;
    let first = oracle.step()?;
    Ok(first.into_iter().chain(oracle.step()?).collect())
}

#[test]
fn results_stay_the_same() -> Result<()> {
    let mut moved = 0;
    for seed in 0..400 {
        let graph = random_graph(seed)?;
        let sunk = sink(&graph);
        moved += usize::from(matches!(sunk, std::borrow::Cow::Owned(_)));
        ensure!(outcome(&sunk)? == outcome(&graph)?, "seed {seed}:\n{graph}\nbecame\n{}", *sunk);
        for class in [AdapterClass::Software, AdapterClass::Gpu] {
            plan("random", &graph, &Target::webgpu(class))?.verify().with_context(|| format!("seed {seed}:\n{graph}"))?;
        }
    }
    ensure!(moved > 100, "something moved in {moved} graphs only");
    Ok(())
}

fn names(graph: &Graph) -> Vec<String> {
    graph.nodes().iter().filter(|node| node.op().is_some()).map(|node| node.name().to_owned()).collect()
}

#[test]
fn what_sees_the_index_stays_and_inverse_orders_vanish() -> Result<()> {
    let graph = &mut Graph::new();
    let [x, step] = [TensorType::f32([2, 3, 4]), TensorType::u32([])].map(|kind| graph.input("input", kind));
    let last = ops::permute(graph, x, &[0, 2, 1])?;
    let kept = ops::dropout(graph, last, step, 0.5, 1, 2)?;
    graph.set_output("kept", kept);
    ensure!(names(&sink(graph)) == ["permute", "dropout"], "{}", *sink(graph));
    let bounded = ops::tanh(graph, last)?;
    let first = ops::permute(graph, bounded, &[0, 2, 1])?;
    graph.set_output("first", first);
    ensure!(names(&sink(graph)) == ["permute", "dropout", "tanh"], "{}", *sink(graph));
    Ok(())
}

/// Two convolutions, each with a bias and an activation, whose images have their channels first.
#[test]
fn images_with_channels_first_are_not_copied() -> Result<()> {
    let graph = &mut Graph::new();
    let mut images = graph.input("images", TensorType::f32([2, 3, 8, 8]));
    for (layer, channels) in [(0, 3), (1, 8)] {
        let weight = graph.input(format!("weight {layer}"), TensorType::f32([8, 3, 3, channels]));
        let bias = graph.input(format!("bias {layer}"), TensorType::f32([8, 1, 1]));
        let input = ops::permute(graph, images, &[0, 2, 3, 1])?;
        let output = ops::conv2d(graph, input, weight, [1, 1], [1, 1], [1, 1])?;
        let shown = ops::permute(graph, output, &[0, 3, 1, 2])?;
        let shifted = ops::add(graph, shown, bias)?;
        images = ops::relu(graph, shifted)?;
    }
    let pooled = ops::permute(graph, images, &[0, 2, 3, 1])?;
    let pooled = ops::max_pool2d(graph, pooled, [2, 2], [2, 2], [0, 0])?;
    graph.set_output("pooled", pooled);
    let plan = plan("images", graph, &Target::webgpu(AdapterClass::Gpu))?;
    plan.verify()?;
    let labels: Vec<&str> = plan.dispatches.iter().filter_map(|dispatch| dispatch.label.split(' ').next()).collect();
    ensure!(labels == ["conv2d+add+relu", "conv2d+add+relu", "max_pool2d"], "{plan}");
    Ok(())
}

/// As images do between a kernel on matrices, such as a batch normalisation, and a convolution.
#[test]
fn activations_join_the_kernel_before_a_reshape() -> Result<()> {
    let graph = &mut Graph::new();
    let [left, right] = [[24, 5], [5, 8]].map(|shape| graph.input(format!("{shape:?}"), TensorType::f32(shape)));
    let rows = ops::matmul(graph, left, right, false, false)?;
    let pixels = ops::reshape(graph, rows, [2, 4, 3, 8])?;
    let images = ops::permute(graph, pixels, &[0, 3, 1, 2])?;
    let active = ops::relu(graph, images)?;
    let channels_last = ops::permute(graph, active, &[0, 2, 3, 1])?;
    let pooled = ops::max_pool2d(graph, channels_last, [2, 2], [2, 2], [0, 0])?;
    graph.set_output("pooled", pooled);
    let plan = plan("images", graph, &Target::webgpu(AdapterClass::Gpu))?;
    let labels: Vec<&str> = plan.dispatches.iter().filter_map(|dispatch| dispatch.label.split(' ').next()).collect();
    ensure!(labels == ["matmul+relu", "max_pool2d"], "{plan}");
    Ok(())
}
