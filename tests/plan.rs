//! The plan of the MNIST step: what it must look like, and that errors planted in it are found. Needs no GPU.

#[path = "support/mnist.rs"]
mod mnist;

use anyhow::{Context, Result, ensure};
use wgrad::core::op::{AdapterClass, Cooperative};
use wgrad::core::plan::{BufferId, Choices, Plan, Role, Target, plan};
use wgrad::core::{DType, Graph, HostTensor, TensorType};
use wgrad::layers::TransformerEncoderLayer;
use wgrad::ops;
use wgrad::prelude::*;

const SNAPSHOT: &str = include_str!("snapshots/mnist_plan.txt");

fn mnist_plan(target: &Target) -> Result<Plan> {
    Ok(plan("train 64", &mnist::training_step(64)?, target)?)
}

fn gpu() -> Target {
    Target::webgpu(AdapterClass::Gpu)
}

#[test]
fn a_step_takes_at_most_13_dispatches_on_8_levels() -> Result<()> {
    for class in [AdapterClass::Gpu, AdapterClass::Software] {
        let plan = mnist_plan(&Target::webgpu(class))?;
        plan.verify()?;
        ensure!(plan.dispatches.len() <= 13 && plan.levels() <= 8, "{plan}");
    }
    Ok(())
}

#[test]
fn the_plan_is_the_one_that_was_looked_at() -> Result<()> {
    let text = mnist_plan(&gpu())?.to_string();
    ensure!(text == SNAPSHOT, "the plan has changed; if it should have, store this as tests/snapshots/mnist_plan.txt:\n{text}");
    Ok(())
}

#[test]
fn without_fusion_every_operation_has_its_dispatch() -> Result<()> {
    let plan = mnist_plan(&Target { fuse: false, ..gpu() })?;
    plan.verify()?;
    ensure!(plan.dispatches.iter().all(|dispatch| dispatch.nodes.len() <= 1), "{plan}");
    ensure!(plan.dispatches.len() > 25, "{plan}");
    Ok(())
}

#[test]
fn the_last_batch_uses_the_same_kernels_where_it_can() -> Result<()> {
    let (full, last) = (mnist_plan(&gpu())?, plan("train 32", &mnist::training_step(32)?, &gpu())?);
    last.verify()?;
    let shared = last.shaders.iter().filter(|shader| full.shaders.contains(shader)).count();
    ensure!(shared >= 5, "{shared} of {} shaders are shared", last.shaders.len());
    Ok(())
}

#[test]
fn activations_share_memory() -> Result<()> {
    let plan = mnist_plan(&gpu())?;
    let scratch = plan.buffers.iter().filter(|buffer| matches!(buffer.role, Role::Scratch)).count();
    let stored: usize = plan.dispatches.iter().map(|dispatch| dispatch.writes.len()).sum();
    ensure!(scratch + 8 < stored, "{scratch} buffers for {stored} tensors");
    Ok(())
}

#[test]
fn a_data_set_beyond_the_limit_is_an_error() -> Result<()> {
    let small = Target { binding_bytes: 1 << 20, ..gpu() };
    let error = mnist_plan(&small).map(|plan| plan.to_string()).expect_err("47 MB do not fit into 1 MiB").to_string();
    ensure!(error.contains("train.inputs") && error.contains("47040000") && error.contains("1048576"), "{error}");
    Ok(())
}

/// Picks rows of bytes as an output, next to a sum that takes them row by row.
fn picked_bytes(rows: usize, columns: usize) -> Result<Plan> {
    let graph = &mut Graph::new();
    let table = graph.input("table", TensorType::new(DType::U8, [9, columns]));
    let indices = graph.input("indices", TensorType::u32([rows]));
    let shift = graph.input("shift", TensorType::f32([columns]));
    let bytes = ops::gather_rows(graph, table, indices)?;
    let numbers = ops::normalize(graph, bytes, 1.0, 0.0)?;
    let shifted = ops::add(graph, numbers, shift)?;
    graph.set_output("bytes", bytes);
    graph.set_output("shifted", shifted);
    Ok(plan("bytes", graph, &gpu())?)
}

#[test]
fn bytes_that_share_a_word_with_another_row_are_an_error() -> Result<()> {
    picked_bytes(6, 8)?.verify()?;
    picked_bytes(1, 13)?.verify()?;
    let error = picked_bytes(6, 13).map(|plan| plan.to_string()).expect_err("rows of 13 bytes begin inside words").to_string();
    ensure!(error.contains("a lone row or rows of a multiple of four are wanted, got u8[6, 13]"), "{error}");
    Ok(())
}

#[test]
fn few_bindings_are_enough() -> Result<()> {
    let narrow = Target { storage_buffers: 6, ..gpu() };
    let plan = mnist_plan(&narrow)?;
    plan.verify()?;
    ensure!(plan.dispatches.iter().all(|dispatch| dispatch.bindings.len() <= 6), "{plan}");
    Ok(())
}

/// The sum of a state, or of its transpose, and of inputs that fill up all bindings.
fn sum_with_a_state(is_transposed: bool, is_read_later: bool) -> Result<Plan> {
    let graph = &mut Graph::new();
    let state = graph.state("state", HostTensor::zeros(&TensorType::f32([4, 4])))?;
    let mut sum = if is_transposed { ops::transpose(graph, state, 0, 1)? } else { state };
    for index in 1..gpu().storage_buffers {
        let input = graph.input(format!("input {index}"), TensorType::f32([4, 4]));
        sum = ops::add(graph, sum, input)?;
    }
    graph.set_next(state, sum)?;
    if is_read_later {
        let product = ops::matmul(graph, sum, state, false, false)?;
        graph.set_output("product", product);
    }
    let plan = plan("sum", graph, &gpu())?;
    plan.verify()?;
    Ok(plan)
}

#[test]
fn a_state_that_cannot_be_overwritten_takes_a_binding_more() -> Result<()> {
    let overwritten = sum_with_a_state(false, false)?;
    ensure!(overwritten.dispatches.len() == 1 && overwritten.dispatches[0].bindings.len() == 8, "{overwritten}");
    for (is_transposed, is_read_later) in [(true, false), (false, true)] {
        let plan = sum_with_a_state(is_transposed, is_read_later)?;
        ensure!(plan.dispatches.len() > 1 && plan.dispatches.iter().all(|dispatch| dispatch.bindings.len() <= 8), "{plan}");
    }
    Ok(())
}

#[test]
fn a_name_that_is_given_twice_is_an_error() -> Result<()> {
    for has_state in [false, true] {
        let graph = &mut Graph::new();
        let first = graph.input("x", TensorType::f32([4]));
        let second = match has_state {
            true => graph.state("x", HostTensor::zeros(&TensorType::f32([4])))?,
            false => graph.input("x", TensorType::f32([4])),
        };
        let sum = ops::add(graph, first, second)?;
        graph.set_output("sum", sum);
        let error = plan("twice", graph, &gpu()).map(|plan| plan.to_string()).expect_err("the two would share memory");
        ensure!(error.to_string() == "two inputs or states of one graph are called x");
    }
    Ok(())
}

/// A state of no elements is copied behind those who read it, though there is nothing to overwrite.
#[test]
fn states_of_no_elements_are_verified_like_others() -> Result<()> {
    let graph = &mut Graph::new();
    let state = graph.state("state", HostTensor::zeros(&TensorType::f32([0, 3])))?;
    let input = graph.input("input", TensorType::f32([0, 3]));
    let sum = ops::add(graph, state, input)?;
    graph.set_output("sum", sum);
    graph.set_next(state, input)?;
    plan("nothing", graph, &gpu())?.verify()?;
    Ok(())
}

#[test]
fn sums_do_not_make_kernels_wait_for_each_other() -> Result<()> {
    let graph = &mut Graph::new();
    let [left, right] = ["left", "right"].map(|name| graph.input(name, TensorType::f32([8, 8])));
    let (left_sum, right_sum) = (ops::sum_axes(graph, left, &[0], false)?, ops::sum_axes(graph, right, &[0], false)?);
    for (name, factor, other, sum) in [("a", left, right, right_sum), ("b", right, left, left_sum)] {
        let shifted = ops::add(graph, other, sum)?;
        let product = ops::matmul(graph, factor, shifted, true, false)?;
        graph.set_output(name, product);
    }
    plan("mutual sums", graph, &gpu())?.verify()?;
    Ok(())
}

/// What NVIDIA's adapters have.
const COOPERATIVE: Cooperative = Cooperative { edge: 16, subgroup_size: 32 };

/// Whether a product of `[rows, 96]` and `[96, 1024]` goes through cooperative matrices.
fn is_cooperative(dtype: DType, rows: usize, target: &Target) -> Result<bool> {
    let graph = &mut Graph::new();
    let [lhs, rhs] = [[rows, 96], [96, 1024]].map(|dims| graph.input(format!("{dims:?}"), TensorType::new(dtype, dims)));
    let product = ops::matmul(graph, lhs, rhs, false, false)?;
    graph.set_output("product", product);
    let plan = plan("product", graph, target)?;
    plan.verify()?;
    Ok(plan.shaders.iter().any(|shader| shader.source.contains("coopMultiplyAdd")))
}

#[test]
fn large_products_of_halves_go_through_cooperative_matrices_where_there_are_some() -> Result<()> {
    let target = Target { cooperative: Some(COOPERATIVE), ..gpu() };
    ensure!(is_cooperative(DType::F16, 1024, &target)?);
    ensure!(!is_cooperative(DType::F16, 64, &target)?, "a small product");
    ensure!(!is_cooperative(DType::F32, 1024, &target)?, "a product of f32");
    ensure!(!is_cooperative(DType::F16, 1024, &gpu())?, "on an adapter without");
    let software = Target { class: AdapterClass::Software, ..target.clone() };
    ensure!(!is_cooperative(DType::F16, 1024, &software)?, "on software");
    for other in [Cooperative { edge: 8, ..COOPERATIVE }, Cooperative { subgroup_size: 64, ..COOPERATIVE }] {
        let target = Target { cooperative: Some(other), ..target.clone() };
        ensure!(!is_cooperative(DType::F16, 1024, &target)?, "with {other:?}");
    }
    Ok(())
}

#[test]
fn a_choice_of_cooperative_matrices_counts_only_where_there_are_some() -> Result<()> {
    let op = ops::Matmul { transpose_lhs: false, transpose_rhs: false };
    let mut choices = Choices::default();
    for rows in [64, 1024] {
        let inputs = [[rows, 96], [96, 1024]].map(|dims| TensorType::new(DType::F16, dims));
        choices.set(&op, &inputs, "cooperative_tile");
    }
    let with = Target { cooperative: Some(COOPERATIVE), choices: choices.clone().into(), ..gpu() };
    let without = Target { choices: choices.into(), ..gpu() };
    for rows in [64, 1024] {
        ensure!(is_cooperative(DType::F16, rows, &with)?, "{rows} rows: the choice was ignored");
        ensure!(!is_cooperative(DType::F16, rows, &without)?, "{rows} rows on an adapter without");
    }
    Ok(())
}

/// The plan of a training step of a transformer's layer, with dropout, on 5 sequences of 23 steps.
fn transformer_plan(layer: TransformerEncoderLayer, features: usize, target: &Target) -> Result<Plan> {
    let mut trainer =
        Trainer::new(&Device::cpu(), layer, MSELoss, SGD::new(0.1), Options { batch_size: 5, ..Options::default() })?;
    let sequences = Tensor::zeros([5, 23, features]);
    trainer.prepare(&Dataset::new(sequences.clone(), sequences)?, None)?;
    let (name, graph) = trainer.graphs().next().context("no graph was loaded")?;
    Ok(plan(&name, graph, target)?)
}

/// The tensors of a plan that hold something for each pair of 23 steps.
fn pairs_of_steps(plan: &Plan) -> Vec<String> {
    let stored = plan.dispatches.iter().flat_map(|dispatch| dispatch.reads.iter().chain(&dispatch.writes));
    let kinds = stored.map(|tensor| &tensor.location.kind);
    kinds.filter(|kind| kind.shape.elements().is_multiple_of(23 * 23)).map(TensorType::to_string).collect()
}

#[test]
fn attention_stores_nothing_for_pairs_of_steps() -> Result<()> {
    let layer = |features| TransformerEncoderLayer::new(features, 2).dim_feedforward(12);
    for class in [AdapterClass::Gpu, AdapterClass::Software] {
        let target = Target::webgpu(class);
        for layer in [layer(8), layer(8).causal()] {
            let plan = transformer_plan(layer, 8, &target)?;
            plan.verify()?;
            let labels: Vec<_> = plan.dispatches.iter().map(|dispatch| dispatch.label.as_str()).collect();
            ensure!(labels.iter().filter(|label| label.starts_with("attention")).count() == 4, "{plan}");
            ensure!(pairs_of_steps(&plan).is_empty(), "{:?}\n{plan}", pairs_of_steps(&plan));
        }
        // Heads that are too wide for the operation keep their weights.
        ensure!(!pairs_of_steps(&transformer_plan(layer(264), 264, &target)?).is_empty());
    }
    Ok(())
}

/// A change of a plan that makes it wrong.
type Error = (&'static str, fn(&mut Plan));

const PLANTED: &[Error] = &[
    ("a dispatch one level too early", |plan| {
        let index = plan.dispatches.iter().position(|dispatch| dispatch.level == 3).unwrap_or(0);
        plan.dispatches[index].level = 2;
    }),
    ("a level that nothing needs", |plan| plan.dispatches.iter_mut().for_each(|dispatch| dispatch.level += 1)),
    ("a buffer bound twice", |plan| {
        let binding = plan.dispatches[0].bindings[0];
        plan.dispatches[0].bindings.push(binding);
    }),
    ("a missing binding", |plan| plan.dispatches.iter_mut().for_each(|dispatch| _ = dispatch.bindings.pop())),
    ("a write through a read-only binding", |plan| {
        plan.dispatches.iter_mut().flat_map(|dispatch| &mut dispatch.bindings).for_each(|binding| binding.writes = false);
    }),
    ("a read of memory that somebody else took over", |plan| {
        let dead = plan.dispatches[0].writes[0].clone();
        let last = plan.dispatches.len() - 1;
        plan.dispatches[last].reads.push(dead.clone());
        plan.dispatches[last - 1].writes.push(dead);
    }),
    ("a dispatch left out", |plan| _ = plan.dispatches.remove(3)),
    ("too many workgroups", |plan| plan.dispatches[0].workgroups[0] = 70_000),
    ("a buffer too small for its tensor", |plan| {
        let BufferId(index) = plan.dispatches[0].writes[0].location.buffer;
        plan.buffers[index as usize].bytes -= 16;
    }),
    ("a state that is overwritten too early", |plan| {
        let update = plan.dispatches.iter().position(|dispatch| dispatch.label.starts_with("adam")).unwrap_or(0);
        plan.dispatches[update].level = 0;
        plan.dispatches.sort_by_key(|dispatch| dispatch.level);
    }),
];

#[test]
fn planted_errors_are_found() -> Result<()> {
    for (what, plant) in PLANTED {
        let mut plan = mnist_plan(&gpu())?;
        plan.verify()?;
        plant(&mut plan);
        ensure!(plan.verify().is_err(), "{what} was not found");
    }
    Ok(())
}
