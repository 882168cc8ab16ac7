//! Activations and their gradients are PyTorch's, on the adapter and on the CPU, and finite whatever the argument.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use safetensors::SafeTensors;
use wgrad::core::autodiff::differentiate;
use wgrad::core::plan::plan;
use wgrad::core::{Graph, GraphError, HostTensor, TensorType, Value};
use wgrad::executor::{Checks, Choice, Device, Executor};
use wgrad::ops;
use wgrad::reference::{Program, Store};

/// How far a result may be from PyTorch's, which is rounded from double precision: this, or four units in the last place.
const ABSOLUTE: f32 = 1e-6;
const UNITS: u32 = 4;

/// Arguments beyond those of the golden file.
const EXTREMES: [f32; 10] = [0.0, -0.0, f32::MIN_POSITIVE, -f32::MIN_POSITIVE, 1e4, -1e4, 1e30, -1e30, f32::MAX, f32::MIN];

type Activation = fn(&mut Graph, Value) -> Result<Value, GraphError>;

/// As PyTorch has them by default.
const ACTIVATIONS: [(&str, Activation); 8] = [
    ("relu", ops::relu),
    ("leaky_relu", |graph, x| ops::leaky_relu(graph, x, 0.01)),
    ("elu", |graph, x| ops::elu(graph, x, 1.0)),
    ("gelu", ops::gelu),
    ("silu", ops::silu),
    ("sigmoid", ops::sigmoid),
    ("softplus", ops::softplus),
    ("tanh", ops::tanh),
];

/// Runs a graph's input `x` through a device, to its outputs `output` and `grad`.
type Run<'a> = &'a dyn Fn(&Graph, &[f32]) -> Result<[Vec<f32>; 2]>;

/// A graph of an activation, and of its derivative at each element.
fn graph_of(activation: Activation, elements: usize) -> Result<Graph> {
    let mut graph = Graph::new();
    let x = graph.input("x", TensorType::f32([elements]));
    let output = activation(&mut graph, x)?;
    let (sum, one) = (ops::sum(&mut graph, output)?, graph.scalar(1.0));
    let gradients = differentiate(&mut graph, sum, one, &[x], ops::accumulate)?;
    graph.set_output("output", output);
    graph.set_output("grad", gradients[0].context("no gradient")?);
    Ok(graph)
}

fn on_adapter(graph: &Graph, x: &[f32]) -> Result<[Vec<f32>; 2]> {
    let device = Device::request_blocking(&Choice::Auto)?;
    let mut executor = Executor::new(device.clone(), Checks::Unchecked);
    let plan = executor.load_blocking(&plan("activation", graph, &device.target())?)?;
    executor.write_input("x", &HostTensor::F32([x.len()].into(), x.to_vec()))?;
    executor.run_blocking(&[(&plan, 1)])?;
    let read = |name| floats(&executor.read_output_blocking(&plan, name)?);
    Ok([read("output")?, read("grad")?])
}

fn on_the_cpu(graph: &Graph, x: &[f32]) -> Result<[Vec<f32>; 2]> {
    let mut store = Store::new();
    store.add(graph)?;
    store.write("x", HostTensor::F32([x.len()].into(), x.to_vec()))?;
    let outputs = Program::new(graph)?.step(&mut store)?;
    Ok([floats(&outputs["output"])?, floats(&outputs["grad"])?])
}

fn floats(tensor: &HostTensor) -> Result<Vec<f32>> {
    let HostTensor::F32(_, data) = tensor else { anyhow::bail!("no floats") };
    Ok(data.clone())
}

/// What PyTorch computed.
struct Golden(Vec<u8>);

impl Golden {
    fn load() -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/activations.safetensors");
        Ok(Self(std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?))
    }

    fn tensor(&self, name: &str) -> Result<Vec<f32>> {
        let tensors = SafeTensors::deserialize(&self.0)?;
        let words = tensors.tensor(name)?.data().chunks_exact(4).map(|word| word.try_into().map(f32::from_le_bytes));
        Ok(words.collect::<Result<_, _>>()?)
    }
}

fn agree(what: &str, x: &[f32], got: &[f32], wanted: &[f32]) -> Result<()> {
    ensure!(got.len() == wanted.len() && !got.is_empty(), "{what}: {} results for {}", got.len(), wanted.len());
    for (x, (&got, &wanted)) in x.iter().zip(got.iter().zip(wanted)) {
        let unit = wanted.abs().next_up() - wanted.abs();
        // Written so that NaN fails.
        ensure!((got - wanted).abs() <= ABSOLUTE.max(UNITS as f32 * unit), "{what} at {x}: wanted {wanted:e}, got {got:e}");
    }
    Ok(())
}

/// Holds an activation against the one that PyTorch knows by `name`.
fn check(name: &str, activation: Activation, run: Run) -> Result<()> {
    let golden = Golden::load()?;
    let x = golden.tensor("input")?;
    let results = run(&graph_of(activation, x.len())?, &x)?;
    for (part, got) in ["output", "grad"].iter().zip(&results) {
        agree(&format!("{name}.{part}"), &x, got, &golden.tensor(&format!("{name}.{part}"))?)?;
    }
    let results = run(&graph_of(activation, EXTREMES.len())?, &EXTREMES)?;
    ensure!(results.iter().flatten().all(|result| result.is_finite()), "{name} at {EXTREMES:?}: {results:?}");
    Ok(())
}

#[test]
fn activations_are_pytorchs_on_the_adapter() -> Result<()> {
    ACTIVATIONS.iter().try_for_each(|&(name, activation)| check(name, activation, &on_adapter))
}

#[test]
fn activations_are_pytorchs_on_the_cpu() -> Result<()> {
    ACTIVATIONS.iter().try_for_each(|&(name, activation)| check(name, activation, &on_the_cpu))
}

/// Far below zero, where `alpha * (e^x - 1)` is rounded to `-alpha`, the derivative `alpha * e^x` has its digits all the same.
#[test]
fn small_derivatives_of_elu_have_their_digits() -> Result<()> {
    let x = [-5.5_f32, -8.0, -12.0, -17.0, -25.0, -60.0];
    for run in [&on_adapter as Run, &on_the_cpu] {
        let [_, derivatives] = run(&graph_of(|graph, x| ops::elu(graph, x, 0.5), x.len())?, &x)?;
        for (x, got) in x.iter().zip(derivatives) {
            let wanted = 0.5 * x.exp();
            ensure!((got - wanted).abs() <= 1e-5 * wanted, "at {x}: wanted {wanted:e}, got {got:e}");
        }
    }
    Ok(())
}

#[test]
fn another_function_is_seen() -> Result<()> {
    let wrong: [(&str, Activation, &str); 4] = [
        ("gelu", |graph, x| ops::leaky_relu(graph, x, 0.0), "gelu.output at "),
        ("elu", |graph, x| ops::elu(graph, x, 1.00001), "elu.output at "),
        ("leaky_relu", |graph, x| ops::leaky_relu(graph, x, 0.0100011), "leaky_relu.output at "),
        // Equal ones share the gradient.
        (
            "relu",
            |graph, x| graph.constant(HostTensor::scalar(0.0)).and_then(|zero| ops::maximum(graph, x, zero)),
            "relu.grad at 0",
        ),
    ];
    for (name, activation, beginning) in wrong {
        let error = check(name, activation, &on_the_cpu).err().context(name)?.to_string();
        ensure!(error.starts_with(beginning), "{name}: {error}");
    }
    Ok(())
}
