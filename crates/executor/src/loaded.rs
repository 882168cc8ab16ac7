//! A plan that is ready to be run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wgrad_core::TensorType;
use wgrad_core::op::Work;

use crate::buffers::Region;
use crate::faults::lock;
use crate::landing::Took;
use crate::latency::Latency;
use crate::pace::Pace;
use crate::tensor_buffer::TensorBuffer;

/// A plan on a device: its pipelines, bind groups and buffers, which live as long as it does.
#[derive(Debug)]
pub struct LoadedPlan {
    pub(crate) name: String,
    pub(crate) commands: Vec<Command>,
    pub(crate) outputs: BTreeMap<String, Output>,
    /// How long its steps take, which submissions report when they end.
    pub(crate) pace: Arc<Mutex<Pace>>,
    /// The same by landings alone, where nothing else tells.
    pub(crate) latency: Mutex<Latency>,
}

/// A dispatch with all that it takes.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) label: String,
    pub(crate) pipeline: wgpu::ComputePipeline,
    pub(crate) bind_group: wgpu::BindGroup,
    pub(crate) workgroups: [u32; 3],
    pub(crate) work: Work,
}

/// Where an output lies.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) region: Region,
    /// In elements.
    pub(crate) offset: usize,
    pub(crate) kind: TensorType,
}

impl LoadedPlan {
    /// The plan's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Records steps, one after another, as one compute pass. It does not submit, wait or block.
    ///
    /// The encoder must be of the device that the plan was loaded on.
    pub fn record(&self, encoder: &mut wgpu::CommandEncoder, steps: u32) {
        let descriptor = wgpu::ComputePassDescriptor { label: Some(&self.name), timestamp_writes: None };
        self.dispatch(&mut encoder.begin_compute_pass(&descriptor), steps);
    }

    /// As [`LoadedPlan::record`], in a pass that others share.
    pub(crate) fn dispatch(&self, pass: &mut wgpu::ComputePass, steps: u32) {
        for _ in 0..steps {
            for command in &self.commands {
                command.dispatch(pass);
            }
        }
    }

    /// How many steps, at least 1, take no longer than this; 1 as long as nothing is known.
    pub fn steps_within(&self, budget: Duration) -> u32 {
        let pace = *lock(&self.pace);
        let steps = if pace.is_known() { pace.steps_within(budget) } else { lock(&self.latency).steps_within(budget) };
        steps.max(1)
    }

    /// Learns from steps that landed.
    pub fn observe(&self, steps: u32, took: Took) {
        match took {
            Took::OnDevice(elapsed) => lock(&self.pace).observe(steps, elapsed),
            Took::Between(recorded, landed) => lock(&self.latency).observe(steps, recorded, landed),
        }
    }

    /// The names of the outputs.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.outputs.keys().map(String::as_str)
    }

    /// Where an output lies. None where the plan has no such output.
    pub fn output(&self, name: &str) -> Option<TensorBuffer> {
        let output = self.outputs.get(name)?;
        Some(TensorBuffer::new(&output.region, output.offset, output.kind.clone()))
    }
}

impl Command {
    pub(crate) fn dispatch(&self, pass: &mut wgpu::ComputePass) {
        let [x, y, z] = self.workgroups;
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        pass.dispatch_workgroups(x, y, z);
    }
}
