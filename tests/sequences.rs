//! Plans of recurrent layers, which the steps of a sequence keep short. Needs no GPU.

#[path = "support/recurrent.rs"]
mod recurrent;

use anyhow::{Result, ensure};
use recurrent::{Cell, DIGITS, training_step};
use wgrad::core::op::AdapterClass;
use wgrad::core::plan::{Plan, Target, plan};

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
