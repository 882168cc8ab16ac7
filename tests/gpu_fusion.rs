//! Fused plans compute what unfused ones do, between guard words; and the bisection finds the operation that does not.

#[path = "support/bisect.rs"]
mod bisect;
#[path = "support/networks.rs"]
mod networks;
#[path = "support/planted.rs"]
mod planted;

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use bisect::{differences, with_operation};
use networks::Network;
use planted::Planted;
use wgrad::core::autodiff::differentiate;
use wgrad::core::graph::Kind;
use wgrad::core::op::AdapterClass;
use wgrad::core::plan::{Plan, Target, plan};
use wgrad::core::{Graph, HostTensor, Literal, Lowering, Node, Op, TensorType, Tolerance, Value};
use wgrad::executor::{Checks, Choice, Device, Executor};
use wgrad::ops;
use wgrad::reference::{Oracle, compare};

const CLASSES: [AdapterClass; 2] = [AdapterClass::Software, AdapterClass::Gpu];
const STEPS: u32 = 5;
/// Sums of up to 24 terms near 1, each rounded to 6e-8, differ by 1e-6 at most where their order does. The networks'
/// gradients are below 1, and change a parameter at most ten times as much as themselves: with 5 steps that feed on
/// each other, 1e-4 would be the worst case, and a fifth of it is still far below what one wrong operation does.
const TOLERANCE: Tolerance = Tolerance { absolute: 2e-5, relative: 2e-5 };

type States = Vec<(String, HostTensor)>;

fn plan_of(device: &Device, network: &Network, class: AdapterClass, fuse: bool) -> Result<Plan> {
    let plan = plan("step", &network.graph, &Target { class, fuse, ..device.target() })?;
    plan.verify()?;
    Ok(plan)
}

/// All states after so many steps.
fn states_after(device: &Device, network: &Network, plan: &Plan, steps: u32) -> Result<States> {
    let mut executor = Executor::new(device.clone(), Checks::Guarded);
    let loaded = executor.load_blocking(plan)?;
    for (name, tensor) in &network.inputs {
        executor.write_input(name, tensor)?;
    }
    executor.run_blocking(&[(&loaded, steps)])?;
    executor.check_guards_blocking()?;
    let names: Vec<String> = executor.states().map(|(name, _)| name.to_owned()).collect();
    names.into_iter().map(|name| Ok((name.clone(), executor.read_state_blocking(&name)?))).collect()
}

fn oracle_after(network: &Network, steps: u32) -> Result<Oracle> {
    let mut oracle = Oracle::new(&network.graph)?.rounding();
    for (name, tensor) in &network.inputs {
        oracle.write(name, tensor.to_array())?;
    }
    for _ in 0..steps {
        oracle.step()?;
    }
    Ok(oracle)
}

fn agree(got: &States, wanted: &States) -> Result<()> {
    ensure!(got.len() == wanted.len(), "{} states, wanted {}", got.len(), wanted.len());
    for ((name, got), (wanted_name, wanted)) in got.iter().zip(wanted) {
        ensure!(name == wanted_name, "state {name} instead of {wanted_name}");
        compare(got, &wanted.to_array(), TOLERANCE).with_context(|| format!("state {name}"))?;
    }
    Ok(())
}

fn fusion_changes_nothing(network: &Network) -> Result<()> {
    let device = Device::request_blocking(&Choice::Auto)?;
    let oracle = oracle_after(network, STEPS)?;
    for class in CLASSES {
        let [fused, unfused] = [true, false].map(|fuse| plan_of(&device, network, class, fuse));
        let (fused, unfused) = (fused?, unfused?);
        ensure!(4 * fused.dispatches.len() < 3 * unfused.dispatches.len(), "{fused}\nis hardly fused");
        let wanted = states_after(&device, network, &unfused, STEPS)?;
        let got = states_after(&device, network, &fused, STEPS)?;
        agree(&got, &wanted).with_context(|| format!("fused and unfused, kernels for {class:?}"))?;
        for (name, state) in got.iter().chain(&wanted) {
            compare(state, oracle.read(name)?, TOLERANCE).with_context(|| format!("{name}, kernels for {class:?}"))?;
        }
    }
    Ok(())
}

/// The states of a fused graph, for kernels of both classes, after a step.
fn agrees_with_the_oracle(graph: Graph, inputs: Vec<(&'static str, HostTensor)>) -> Result<()> {
    let network = Network { graph, inputs };
    let device = Device::request_blocking(&Choice::Auto)?;
    let oracle = oracle_after(&network, 1)?;
    for class in CLASSES {
        let plan = plan_of(&device, &network, class, true)?;
        for (name, state) in states_after(&device, &network, &plan, 1)? {
            let outcome = compare(&state, oracle.read(&name)?, TOLERANCE);
            outcome.with_context(|| format!("{name}, kernels for {class:?}:\n{plan}"))?;
        }
    }
    Ok(())
}

/// A state of zeros that becomes `next`.
fn becomes(graph: &mut Graph, name: &str, next: Value) -> Result<()> {
    let state = graph.state(name, HostTensor::zeros(&graph.kind(next).clone()))?;
    Ok(graph.set_next(state, next)?)
}

/// Distinct numbers from -1 to 1.
fn values<const RANK: usize>(shape: [usize; RANK]) -> HostTensor {
    HostTensor::F32(shape.into(), (0..shape.iter().product()).map(|index| (index * 37 % 101) as f32 / 50.0 - 1.0).collect())
}

#[test]
fn a_fused_classifier_trains_as_an_unfused_one() -> Result<()> {
    fusion_changes_nothing(&networks::classifier()?)
}

#[test]
fn a_fused_recurrent_network_trains_as_an_unfused_one() -> Result<()> {
    fusion_changes_nothing(&networks::recurrent()?)
}

/// What is in two concatenations is stored twice by its dispatch, unless that would then bind too many buffers.
#[test]
fn what_is_concatenated_twice_is_stored_twice() -> Result<()> {
    let mut graph = Graph::new();
    let [left, right] = ["left", "right"].map(|name| graph.input(name, TensorType::f32([3, 5])));
    let sum = ops::add(&mut graph, left, right)?;
    let product = ops::mul(&mut graph, left, right)?;
    for (name, values) in [("one way", [sum, product]), ("the other", [product, sum])] {
        let together = ops::concat(&mut graph, &values, 0)?;
        graph.set_output(name, together);
    }
    for (storage_buffers, copies) in [(4, 0), (3, 2)] {
        let plan = plan("step", &graph, &Target { storage_buffers, ..Target::webgpu(AdapterClass::Gpu) })?;
        plan.verify()?;
        let found = plan.dispatches.iter().filter(|dispatch| dispatch.label.starts_with("copy")).count();
        ensure!(found == copies, "{found} copies within {storage_buffers} buffers:\n{plan}");
    }
    Ok(())
}

/// A part of 15 elements that is stored after the one behind it, which begins within its last group of four.
#[test]
fn a_part_of_odd_size_leaves_the_next_alone() -> Result<()> {
    let mut graph = Graph::new();
    let inputs = vec![("inputs", HostTensor::F32([3, 5].into(), (0..15).map(|index| 0.1 * index as f32 - 0.55).collect()))];
    let input = graph.input("inputs", TensorType::f32([3, 5]));
    let first = ops::tanh(&mut graph, input)?;
    let total = ops::sum(&mut graph, first)?;
    let second = ops::mul(&mut graph, first, total)?;
    let together = ops::concat(&mut graph, &[second, first], 0)?;
    let kept = graph.state("together", HostTensor::zeros(&TensorType::f32([6, 5])))?;
    graph.set_next(kept, together)?;
    agrees_with_the_oracle(graph, inputs)
}

/// A weight whose columns are read as rows: four lanes are no neighbours in its mask.
#[test]
fn dropout_of_a_transposed_weight_goes_by_its_own_places() -> Result<()> {
    let graph = &mut Graph::new();
    let step = graph.constant(HostTensor::U32([].into(), vec![3]))?;
    let (rows, weight) = (("rows", values([6, 12])), ("weight", values([8, 12])));
    let [x, w] = [&rows, &weight].map(|(name, tensor)| graph.input(*name, tensor.kind()));
    let dropped = ops::dropout(graph, w, step, 0.5, 1, 2)?;
    let transposed = ops::permute(graph, dropped, &[1, 0])?;
    let product = ops::matmul(graph, x, transposed, false, false)?;
    becomes(graph, "product", product)?;
    agrees_with_the_oracle(std::mem::take(graph), vec![rows, weight])
}

/// One random number for all columns of a row: it is that of all four lanes.
#[test]
fn dropout_of_whole_rows_drops_all_their_columns() -> Result<()> {
    let graph = &mut Graph::new();
    let step = graph.constant(HostTensor::U32([].into(), vec![3]))?;
    let (rows, mask) = (("rows", values([6, 12])), ("mask", values([6, 1])));
    let [x, ones] = [&rows, &mask].map(|(name, tensor)| graph.input(*name, tensor.kind()));
    let kept = ops::dropout(graph, ones, step, 0.5, 1, 3)?;
    let masked = ops::mul(graph, x, kept)?;
    becomes(graph, "masked", masked)?;
    agrees_with_the_oracle(std::mem::take(graph), vec![rows, mask])
}

/// A product fetches each row's place in the table once; the random numbers are those of the row that it becomes.
#[test]
fn dropout_of_gathered_rows_goes_by_their_new_places() -> Result<()> {
    let graph = &mut Graph::new();
    let step = graph.constant(HostTensor::U32([].into(), vec![3]))?;
    let (table, weight) = (("table", values([9, 12])), ("weight", values([12, 8])));
    let [rows, w] = [&table, &weight].map(|(name, tensor)| graph.input(*name, tensor.kind()));
    let order = ops::shuffle(graph, step, 9, 6, 6, 7)?;
    let examples = ops::gather_rows(graph, rows, order)?;
    let dropped = ops::dropout(graph, examples, step, 0.5, 1, 2)?;
    let product = ops::matmul(graph, dropped, w, false, false)?;
    becomes(graph, "product", product)?;
    agrees_with_the_oracle(std::mem::take(graph), vec![table, weight])
}

/// A kernel with two outputs, where what is made of the second reads the state that the first becomes.
#[test]
fn a_state_is_kept_until_all_outputs_have_read_it() -> Result<()> {
    let graph = &mut Graph::new();
    let rows = ("rows", values([6, 8]));
    let x = graph.input(rows.0, rows.1.kind());
    let [first, second] = ["first", "second"].map(|name| graph.state(name, values([8])));
    let (first, second) = (first?, second?);
    let moments = ops::moments(graph, x)?;
    let next = ops::add(graph, first, moments.mean)?;
    graph.set_next(first, next)?;
    let product = ops::mul(graph, moments.variance, first)?;
    let next = ops::add(graph, second, product)?;
    graph.set_next(second, next)?;
    agrees_with_the_oracle(std::mem::take(graph), vec![rows])
}

/// The copy of one state waits for the dispatch that overwrites the other, which must not be waited for in turn.
#[test]
fn a_state_takes_the_place_of_another_that_depends_on_it() -> Result<()> {
    let graph = &mut Graph::new();
    let before = graph.state("before", values([4]))?;
    let last = graph.state("last", HostTensor::F32([4].into(), vec![1.0; 4]))?;
    let sum = ops::add(graph, before, last)?;
    graph.set_next(before, last)?;
    graph.set_next(last, sum)?;
    agrees_with_the_oracle(std::mem::take(graph), Vec::new())
}

/// A constant of one element is written into the WGSL, but rows are picked from memory.
#[test]
fn rows_of_a_constant_of_one_element_are_picked() -> Result<()> {
    let graph = &mut Graph::new();
    let tokens = ("tokens", HostTensor::U32([3].into(), vec![0, 7, 0]));
    let indices = graph.input(tokens.0, tokens.1.kind());
    let table = graph.constant(HostTensor::F32([1, 1].into(), vec![3.0]))?;
    let view = graph.scalar(5.0);
    let view = ops::reshape(graph, view, [1])?;
    for (name, table) in [("rows", table), ("elements", view)] {
        let rows = ops::gather_rows(graph, table, indices)?;
        becomes(graph, name, rows)?;
    }
    agrees_with_the_oracle(std::mem::take(graph), vec![tokens])
}

/// The gradient runs in the shape of the product, which has fewer rows than the batch that the moments are of.
#[test]
fn gradients_of_moments_are_shares_of_the_rows_before_a_reshape() -> Result<()> {
    let graph = &mut Graph::new();
    let rows = ("rows", values([4, 5]));
    let x = graph.input(rows.0, rows.1.kind());
    let weight = graph.state("weight", values([5, 12]))?;
    let product = ops::matmul(graph, x, weight, false, false)?;
    let pixels = ops::reshape(graph, product, [48, 1])?;
    let moments = ops::moments(graph, pixels)?;
    let loss = ops::sum(graph, moments.variance)?;
    let one = graph.scalar(1.0);
    let gradients = differentiate(graph, loss, one, &[weight], ops::accumulate)?;
    becomes(graph, "gradient", gradients[0].context("the weight has no gradient")?)?;
    agrees_with_the_oracle(std::mem::take(graph), vec![rows])
}

/// The sum of so many inputs that one dispatch would bind more buffers than wgpu allows by default, where the adapter does.
#[test]
fn a_dispatch_binds_as_many_buffers_as_the_adapter_has() -> Result<()> {
    let graph = &mut Graph::new();
    let names: Vec<&'static str> = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ".split_inclusive(|_: char| true).collect();
    let inputs: Vec<_> = names.into_iter().map(|name| (name, values([3, 4]))).collect();
    let mut total = graph.scalar(0.5);
    for (name, tensor) in &inputs {
        let input = graph.input(*name, tensor.kind());
        total = ops::add(graph, total, input)?;
    }
    becomes(graph, "total", total)?;
    agrees_with_the_oracle(std::mem::take(graph), inputs)
}

#[test]
fn a_fused_regression_trains_as_an_unfused_one() -> Result<()> {
    fusion_changes_nothing(&networks::regression()?)
}

#[test]
fn a_fused_classifier_of_images_trains_as_an_unfused_one() -> Result<()> {
    fusion_changes_nothing(&networks::images()?)
}

/// A node's operation with all floats among its function's constants too small by a quarter; none where there are none.
fn with_wrong_constants(graph: &Graph, node: &Node) -> Option<Arc<dyn Op>> {
    let Kind::Op(op) = &node.kind else { return None };
    let kinds: Vec<TensorType> = node.inputs.iter().map(|&input| graph.kind(input).clone()).collect();
    let Lowering::Pointwise(mut function) = op.lowering(&kinds) else { return None };
    let right = function.constants.clone();
    for constant in &mut function.constants {
        if let Literal::F32(constant) = constant {
            *constant *= 0.75;
        }
    }
    if function.constants == right {
        return None;
    }
    Some(Arc::new(Planted { op: op.clone(), lowering: Lowering::Pointwise(function) }))
}

/// All nodes of a graph that can have wrong constants, with the operation that has them.
fn plantings(graph: &Graph) -> Vec<(&Node, Arc<dyn Op>)> {
    graph.nodes().iter().filter_map(|node| Some((node, with_wrong_constants(graph, node)?))).collect()
}

#[test]
fn no_operation_of_a_network_leaves_its_reference() -> Result<()> {
    let device = Device::request_blocking(&Choice::Auto)?;
    for network in [networks::classifier()?, networks::regression()?, networks::recurrent()?] {
        for class in CLASSES {
            let found = differences(&device, class, &network.graph, &network.inputs)?;
            if let Some(difference) = found.first() {
                bail!("kernels for {class:?}: {difference}\n{}", network.graph);
            }
        }
    }
    Ok(())
}

#[test]
fn a_wrong_constant_is_found_where_it_is() -> Result<()> {
    let device = Device::request_blocking(&Choice::Auto)?;
    let network = networks::classifier()?;
    let mut operations = Vec::new();
    for (node, op) in plantings(&network.graph) {
        let graph = with_operation(&network.graph, node.id, op)?;
        let found = differences(&device, AdapterClass::Software, &graph, &network.inputs)?;
        ensure!(!found.is_empty(), "a wrong {} passed", node.name());
        for difference in &found {
            ensure!(difference.node == node.id, "{difference} was named instead of node {} ({})", node.id.0, node.name());
        }
        operations.push(node.name());
    }
    ensure!(operations.contains(&"leaky_relu_gradient"), "{operations:?}");
    Ok(())
}

#[test]
fn a_wrong_constant_changes_what_is_trained() -> Result<()> {
    let device = Device::request_blocking(&Choice::Auto)?;
    let network = networks::classifier()?;
    let states =
        |network: &Network| states_after(&device, network, &plan_of(&device, network, AdapterClass::Software, true)?, STEPS);
    let wanted = states(&network)?;
    for (node, op) in plantings(&network.graph) {
        let wrong = Network { graph: with_operation(&network.graph, node.id, op)?, ..network.clone() };
        ensure!(agree(&states(&wrong)?, &wanted).is_err(), "a wrong {} passed", node.name());
    }
    Ok(())
}

#[test]
fn an_output_shows_what_it_was_in_the_step() -> Result<()> {
    let device = Device::request_blocking(&Choice::Auto)?;
    let graph = &mut Graph::new();
    let state = graph.state("state", HostTensor::F32([3].into(), vec![1.0, 2.0, 4.0]))?;
    let one = graph.scalar(1.0);
    let next = ops::add(graph, state, one)?;
    let kept = graph.state("kept", HostTensor::scalar(7.0))?;
    let input = graph.input("input", TensorType::f32([2]));
    for (name, value) in [("before", state), ("after", next), ("kept", kept), ("input", input)] {
        graph.set_output(name, value);
    }
    graph.set_next(state, next)?;
    for fuse in [true, false] {
        let plan = plan("old state", graph, &Target { fuse, ..device.target() })?;
        plan.verify()?;
        let mut executor = Executor::new(device.clone(), Checks::Guarded);
        let loaded = executor.load_blocking(&plan)?;
        executor.write_input("input", &HostTensor::F32([2].into(), vec![5.0, 6.0]))?;
        executor.run_blocking(&[(&loaded, 3)])?;
        // For the next step: outputs are of the last.
        executor.write_state("state", &HostTensor::F32([3].into(), vec![0.0; 3]))?;
        executor.write_state("kept", &HostTensor::scalar(0.0))?;
        executor.write_input("input", &HostTensor::F32([2].into(), vec![0.0; 2]))?;
        let [before, after] = ["before", "after"].map(|name| executor.read_output_blocking(&loaded, name));
        ensure!(before? == HostTensor::F32([3].into(), vec![3.0, 4.0, 6.0]), "fused: {fuse}");
        ensure!(after? == HostTensor::F32([3].into(), vec![4.0, 5.0, 7.0]), "fused: {fuse}");
        let [kept, input] = ["kept", "input"].map(|name| executor.read_output_blocking(&loaded, name));
        ensure!(kept? == HostTensor::scalar(7.0), "fused: {fuse}");
        ensure!(input? == HostTensor::F32([2].into(), vec![5.0, 6.0]), "fused: {fuse}");
    }
    Ok(())
}
