//! Softmax and its gradient are PyTorch's, on the adapter and on the CPU; and the logarithm is its logarithm.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use safetensors::SafeTensors;
use wgrad::core::autodiff::differentiate;
use wgrad::core::plan::plan;
use wgrad::core::{Graph, GraphError, HostTensor, TensorType, Value};
use wgrad::executor::{Checks, Choice, Device, Executor};
use wgrad::ops;
use wgrad::reference::{Program, Store};

/// How far a result may be from PyTorch's, which is rounded from double precision.
const ABSOLUTE: f32 = 1e-6;
const SHAPE: [usize; 2] = [6, 11];

/// A function of one tensor.
type Function = fn(&mut Graph, Value) -> Result<Value, GraphError>;
/// Runs a graph's inputs through a device, to its outputs `output` and `grad`.
type Run = fn(&Graph, &[(&str, HostTensor)]) -> Result<[Vec<f32>; 2]>;

/// A tensor that PyTorch computed.
fn golden(name: &str) -> Result<HostTensor> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/activations.safetensors");
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let tensors = SafeTensors::deserialize(&bytes)?;
    let words = tensors.tensor(name)?.data().chunks_exact(4).map(|word| word.try_into().map(f32::from_le_bytes));
    Ok(HostTensor::F32(SHAPE.into(), words.collect::<Result<_, _>>()?))
}

/// A graph of `softmax(x)` and of the gradient of its product with the upstream gradient.
fn graph_of(softmax: Function) -> Result<Graph> {
    let mut graph = Graph::new();
    let [x, upstream] = ["softmax.input", "softmax.upstream"].map(|name| graph.input(name, TensorType::f32(SHAPE)));
    let output = softmax(&mut graph, x)?;
    let product = ops::mul(&mut graph, output, upstream)?;
    let (sum, one) = (ops::sum(&mut graph, product)?, graph.scalar(1.0));
    let gradients = differentiate(&mut graph, sum, one, &[x], ops::accumulate)?;
    graph.set_output("output", output);
    graph.set_output("grad", gradients[0].context("no gradient")?);
    Ok(graph)
}

fn on_adapter(graph: &Graph, inputs: &[(&str, HostTensor)]) -> Result<[Vec<f32>; 2]> {
    let device = Device::request_blocking(&Choice::Auto)?;
    let mut executor = Executor::new(device.clone(), Checks::Unchecked);
    let plan = executor.load_blocking(&plan("softmax", graph, &device.target())?)?;
    for (name, tensor) in inputs {
        executor.write_input(name, tensor)?;
    }
    executor.run_blocking(&[(&plan, 1)])?;
    let read = |name| floats(&executor.read_output_blocking(&plan, name)?);
    Ok([read("output")?, read("grad")?])
}

fn on_the_cpu(graph: &Graph, inputs: &[(&str, HostTensor)]) -> Result<[Vec<f32>; 2]> {
    let mut store = Store::new();
    store.add(graph)?;
    for (name, tensor) in inputs {
        store.write(name, tensor.clone())?;
    }
    let outputs = Program::new(graph)?.step(&mut store)?;
    Ok([floats(&outputs["output"])?, floats(&outputs["grad"])?])
}

fn floats(tensor: &HostTensor) -> Result<Vec<f32>> {
    let HostTensor::F32(_, data) = tensor else { bail!("no floats") };
    Ok(data.clone())
}

fn inputs() -> Result<Vec<(&'static str, HostTensor)>> {
    ["softmax.input", "softmax.upstream"].into_iter().map(|name| Ok((name, golden(name)?))).collect()
}

fn agree(name: &str, results: &[f32]) -> Result<()> {
    for (index, (got, wanted)) in results.iter().zip(floats(&golden(name)?)?).enumerate() {
        // Written so that NaN fails.
        ensure!((got - wanted).abs() <= ABSOLUTE, "{name}, element {index}: wanted {wanted:e}, got {got:e}");
    }
    Ok(())
}

fn check(softmax: Function, run: Run) -> Result<()> {
    let [output, gradient] = run(&graph_of(softmax)?, &inputs()?)?;
    agree("softmax.output", &output)?;
    agree("softmax.grad", &gradient)
}

#[test]
fn softmax_is_pytorchs() -> Result<()> {
    check(ops::softmax, on_adapter)?;
    check(ops::softmax, on_the_cpu)
}

#[test]
fn the_logarithm_is_that_of_softmax() -> Result<()> {
    for run in [on_adapter as Run, on_the_cpu] {
        let [output, _] = run(&graph_of(ops::log_softmax)?, &inputs()?)?;
        agree("softmax.output", &output.into_iter().map(f32::exp).collect::<Vec<_>>())?;
    }
    Ok(())
}

/// The elements are 0.01 % too large.
#[test]
fn another_function_is_seen() -> Result<()> {
    let softer = |graph: &mut Graph, x| {
        let factor = graph.scalar(1.0001);
        let x = ops::mul(graph, x, factor)?;
        ops::softmax(graph, x)
    };
    let error = check(softer, on_the_cpu).err().context("another function passed")?.to_string();
    ensure!(error.starts_with("softmax.output, element "), "{error}");
    Ok(())
}
