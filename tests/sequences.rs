//! Recurrent layers: PyTorch's results on the CPU and on the adapter, and plans that the steps of a sequence keep short.

#[path = "support/adapter.rs"]
mod adapter;
#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "support/pytorch.rs"]
mod pytorch;
#[path = "support/recurrent.rs"]
mod recurrent;

use anyhow::{Result, ensure};
use pytorch::Golden;
use recurrent::{Cell, Classifier, DIGITS, training_step};
use wgrad::Device;
use wgrad::core::op::AdapterClass;
use wgrad::core::plan::{Plan, Target, plan};

const GOLDEN: [(&str, Classifier); 3] = [
    ("rnn_two_layers", Classifier { cell: Cell::Rnn, hidden: 16, layers: 2, classes: 3 }),
    ("lstm_two_layers", Classifier { cell: Cell::Lstm, hidden: 16, layers: 2, classes: 3 }),
    ("gru_one_layer", Classifier { cell: Cell::Gru, hidden: 12, layers: 1, classes: 3 }),
];

fn every_case_agrees(device: &Device, fuse: bool) -> Result<()> {
    for (case, classifier) in GOLDEN {
        let golden = Golden::load(case)?;
        golden.check_gradients(device, fuse, classifier, golden.loss()?).map_err(|error| error.context(case))?;
    }
    Ok(())
}

#[test]
fn gradients_are_those_of_pytorch_on_the_cpu() -> Result<()> {
    every_case_agrees(&Device::cpu(), true)
}

#[test]
fn gradients_are_those_of_pytorch_on_the_adapter() -> Result<()> {
    every_case_agrees(&adapter::adapter(), true)?;
    every_case_agrees(&adapter::adapter(), false)
}

fn digits(cell: Cell, class: AdapterClass) -> Result<Plan> {
    let plan = plan("digits", &training_step(cell, DIGITS)?, &Target::webgpu(class))?;
    plan.verify()?;
    Ok(plan)
}

/// One dispatch a step and layer, forward and backward, and all steps of a layer share a pipeline.
#[test]
fn a_step_of_a_sequence_is_one_dispatch() -> Result<()> {
    for class in [AdapterClass::Gpu, AdapterClass::Software] {
        for (cell, levels) in [(Cell::Rnn, 124), (Cell::Lstm, 124), (Cell::Gru, 124)] {
            let plan = digits(cell, class)?;
            ensure!(plan.levels() <= levels && plan.dispatches.len() <= 4 * 28 + 24, "{plan}");
            ensure!(plan.shaders.len() <= 28, "{} shaders", plan.shaders.len());
        }
    }
    Ok(())
}
