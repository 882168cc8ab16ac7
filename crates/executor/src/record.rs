//! Steps in an encoder that an application owns and submits.

use wgpu::{BufferUsages, CommandEncoder, ComputePassDescriptor};
use wgrad_core::HostTensor;

use crate::buffers::Region;
use crate::error::ExecutorError;
use crate::executor::Executor;
use crate::landing::{Landing, Timing};
use crate::loaded::LoadedPlan;
use crate::pack;
use crate::tensor_buffer::TensorBuffer;

/// What is recorded, in order.
#[derive(Clone, Copy, Debug)]
pub enum Action<'a> {
    /// Steps of a plan.
    Steps(&'a LoadedPlan, u32),
    /// Overwrites an input or a state: what is recorded before still sees the old value.
    Write(&'a str, &'a HostTensor),
}

/// An action with all that it takes.
enum Ready<'a> {
    Steps(&'a LoadedPlan, u32),
    Copy(wgpu::Buffer, Region),
}

impl Executor {
    /// Records actions into an application's encoder, and has what they leave in `tensors` brought back.
    ///
    /// Nothing is submitted, polled or awaited, and no callback is set on the device. The application submits all that it
    /// has recorded, in that order.
    ///
    /// # Errors
    /// Where a name is unknown, or a tensor of another type; where the device has no room. Nothing is recorded then.
    pub fn record(
        &mut self,
        encoder: &mut CommandEncoder,
        actions: &[Action],
        tensors: &[TensorBuffer],
    ) -> Result<Landing, ExecutorError> {
        self.device.check()?;
        let ready = actions.iter().map(|action| self.ready(action)).collect::<Result<Vec<_>, _>>()?;
        self.landings.record(&self.device, encoder, tensors, |encoder, timing| encode(encoder, &ready, timing))
    }

    fn ready<'a>(&self, action: &Action<'a>) -> Result<Ready<'a>, ExecutorError> {
        match action {
            Action::Steps(plan, steps) => Ok(Ready::Steps(plan, *steps)),
            Action::Write(name, tensor) => {
                let region = self.fitting(name, tensor)?.clone();
                Ok(Ready::Copy(self.staged(name, &pack::pack(name, tensor)?)?, region))
            }
        }
    }

    /// A buffer that holds bytes from its beginning.
    fn staged(&self, label: &str, bytes: &[u8]) -> Result<wgpu::Buffer, ExecutorError> {
        let descriptor = wgpu::BufferDescriptor {
            label: Some(label),
            size: bytes.len() as u64,
            usage: BufferUsages::COPY_SRC,
            mapped_at_creation: true,
        };
        let failed = |message| ExecutorError::Allocation { label: label.to_owned(), bytes: bytes.len() as u64, message };
        let fill = || {
            let buffer = self.device.wgpu().create_buffer(&descriptor);
            let mut view = buffer.get_mapped_range_mut(..).map_err(|error| error.to_string())?;
            view.copy_from_slice(bytes);
            drop(view);
            buffer.unmap();
            Ok(buffer)
        };
        self.device.catch_at_once(fill, failed)?.map_err(|message| self.device.explain(failed(message)))
    }
}

/// Steps that follow one another share a pass. Whether their time is measured.
fn encode(encoder: &mut CommandEncoder, ready: &[Ready], timing: Option<&Timing>) -> bool {
    let is_steps = |action: &Ready| matches!(action, Ready::Steps(..));
    let runs: Vec<&[Ready]> = ready.chunk_by(|one, next| is_steps(one) && is_steps(next)).collect();
    let passes = runs.iter().filter(|run| is_steps(&run[0])).count();
    let mut passed = 0;
    for run in runs {
        if let [Ready::Copy(staged, region)] = run {
            encoder.copy_buffer_to_buffer(staged, 0, &region.buffer, region.guard, staged.size());
            continue;
        }
        passed += 1;
        let timestamp_writes = timing.and_then(|timing| timing.writes(passed == 1, passed == passes));
        let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor { label: Some("training"), timestamp_writes });
        for action in run {
            if let Ready::Steps(plan, steps) = action {
                plan.dispatch(&mut pass, *steps);
            }
        }
    }
    timing.is_some() && passes > 0
}
