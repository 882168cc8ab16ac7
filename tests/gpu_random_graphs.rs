//! Random graphs of operations compute the same on the adapter, fused or not, on the CPU, and in double precision; and
//! their gradients are the slopes that small steps show.

#[path = "support/random_graphs.rs"]
mod random_graphs;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use random_graphs::{RandomGraph, gradient_name};
use wgrad::core::op::AdapterClass;
use wgrad::core::plan::{Target, plan};
use wgrad::core::{Array, HostTensor};
use wgrad::executor::{Checks, Choice, Device, Executor};
use wgrad::ops;
use wgrad::reference::{Oracle, Program, Store};

/// How many graphs are drawn, each of another seed.
const GRAPHS: u32 = 10;
const OPERATIONS: usize = 12;
/// How far results may be from those in double precision, relative to the largest of their tensor: a dozen operations, each
/// with a rounding error of some 1e-7 that the next ones magnify a few times.
const TOLERANCE: f64 = 2e-5;
/// The step of central differences in double precision, whose error is its square times a third derivative.
const STEP: f64 = 1e-4;

/// Operations that no graph has: those without a gradient, those that change states or only fetch data, and `cast`, whose
/// rounding is not smooth.
const NOT_DRAWN: [&str; 15] = [
    "adam",
    "argmax",
    "binary_hits",
    "cast",
    "class_hits",
    "greater_equal",
    "lookup",
    "momentum",
    "record",
    "rescale",
    "sequence",
    "sgd",
    "shuffle",
    "step_gradient",
    "tick",
];

type Outputs = BTreeMap<String, Array>;

fn in_double_precision(random: &RandomGraph) -> Result<Outputs> {
    Ok(Oracle::new(&random.graph)?.step()?)
}

fn on_the_cpu(random: &RandomGraph) -> Result<Outputs> {
    let mut store = Store::new();
    store.add(&random.graph)?;
    let outputs = Program::new(&random.graph)?.step(&mut store)?;
    Ok(outputs.into_iter().map(|(name, tensor)| (name, tensor.to_array())).collect())
}

fn on_the_adapter(device: &Device, random: &RandomGraph, class: AdapterClass, fuse: bool) -> Result<Outputs> {
    let plan = plan("random", &random.graph, &Target { class, fuse, ..device.target() })?;
    plan.verify()?;
    let mut executor = Executor::new(device.clone(), Checks::Guarded);
    let loaded = executor.load_blocking(&plan)?;
    executor.run_blocking(&[(&loaded, 1)])?;
    executor.check_guards_blocking()?;
    let names = random.graph.outputs().iter().map(|(name, _)| name.clone());
    names.map(|name| Ok((name.clone(), executor.read_output_blocking(&loaded, &name)?.to_array()))).collect()
}

fn agree(got: &Outputs, wanted: &Outputs) -> Result<()> {
    ensure!(got.keys().eq(wanted.keys()), "outputs {:?}, wanted {:?}", got.keys(), wanted.keys());
    for (name, wanted) in wanted {
        let largest = wanted.data.iter().fold(1e-3_f64, |largest, element| largest.max(element.abs()));
        for (index, (got, wanted)) in got[name].data.iter().zip(&wanted.data).enumerate() {
            ensure!((got - wanted).abs() <= TOLERANCE * largest, "{name}, element {index}: wanted {wanted}, got {got}");
        }
    }
    Ok(())
}

/// The loss with one element of a parameter moved.
fn moved(random: &RandomGraph, name: &str, tensor: &HostTensor, element: usize, by: f64) -> Result<f64> {
    let mut array = tensor.to_array();
    array.data[element] += by;
    let mut oracle = Oracle::new(&random.graph)?;
    oracle.write(name, array)?;
    Ok(oracle.step()?["loss"].data[0])
}

fn slopes_agree(random: &RandomGraph, outputs: &Outputs) -> Result<()> {
    for (index, (name, tensor)) in random.parameters.iter().enumerate() {
        let gradient = outputs.get(&gradient_name(index)).with_context(|| format!("{name} has no gradient"))?;
        for element in [0, tensor.len() / 2, tensor.len() - 1] {
            let ends = [STEP, -STEP].map(|by| moved(random, name, tensor, element, by));
            let [above, below] = ends;
            let (slope, got) = ((above? - below?) / (2.0 * STEP), gradient.data[element]);
            ensure!((slope - got).abs() <= 1e-6 + 1e-5 * slope.abs(), "{name}, element {element}: wanted {slope}, got {got}");
        }
    }
    Ok(())
}

#[test]
fn random_graphs_agree_everywhere() -> Result<()> {
    let device = Device::request_blocking(&Choice::Auto)?;
    let mut seen = BTreeSet::new();
    for seed in 0..GRAPHS {
        let random = RandomGraph::new(seed, OPERATIONS)?;
        seen.extend(random.graph.nodes().iter().map(|node| node.name().to_owned()));
        let describe = |what: &str| format!("seed {seed}, {what}:\n{}", random.graph);
        let wanted = in_double_precision(&random)?;
        slopes_agree(&random, &wanted).with_context(|| describe("slopes"))?;
        agree(&on_the_cpu(&random)?, &wanted).with_context(|| describe("CPU"))?;
        for class in [AdapterClass::Software, AdapterClass::Gpu] {
            for fuse in [true, false] {
                let got = on_the_adapter(&device, &random, class, fuse).with_context(|| describe("adapter"))?;
                agree(&got, &wanted).with_context(|| describe(&format!("kernels for {class:?}, fused: {fuse}")))?;
            }
        }
    }
    let all: BTreeSet<&str> = ops::examples().iter().map(|op| op.name()).collect();
    let missing: Vec<&str> = all.into_iter().filter(|name| !seen.contains(*name)).collect();
    ensure!(missing == NOT_DRAWN, "no graph has {missing:?}");
    Ok(())
}
