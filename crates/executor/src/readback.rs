//! Tensors on their way back to the host.

use std::ops::Range;
use std::sync::atomic::Ordering;

use wgpu::BufferUsages;
use wgrad_core::{HostTensor, TensorType};

use crate::buffers::{self, Region};
use crate::error::ExecutorError;
use crate::executor::{Executor, unknown};
use crate::loaded::LoadedPlan;
use crate::oneshot::oneshot;
use crate::pack;

impl Executor {
    /// A state's value after all steps that were submitted so far.
    ///
    /// Natively, the future ends only when somebody polls the device: the application that lent it, or the blocking
    /// twin of this function.
    ///
    /// # Errors
    /// Where no plan has such a state; on errors and loss of the device.
    pub async fn read_state(&self, name: &str) -> Result<HostTensor, ExecutorError> {
        let (state, kind) = self.state(name)?;
        self.read(name, &state.region, 0, kind).await
    }

    /// An output's value in the last step of this plan that was submitted so far.
    ///
    /// Natively, the future ends only when somebody polls the device.
    ///
    /// # Errors
    /// Where the plan has no such output; on errors and loss of the device.
    pub async fn read_output(&self, plan: &LoadedPlan, name: &str) -> Result<HostTensor, ExecutorError> {
        let output = plan.outputs.get(name).ok_or_else(|| unknown("output", name, plan.outputs()))?;
        self.read(name, &output.region, output.offset, &output.kind).await
    }

    async fn read(&self, name: &str, region: &Region, offset: usize, kind: &TensorType) -> Result<HostTensor, ExecutorError> {
        let (range, before) = pack::copied_range(kind, offset);
        let bytes = self.read_bytes(name, &region.buffer, range.start + region.guard..range.end + region.guard).await?;
        Ok(pack::unpack(kind, &bytes[before..]))
    }

    /// The bytes of a buffer, at multiples of four.
    pub(crate) async fn read_bytes(
        &self,
        label: &str,
        source: &wgpu::Buffer,
        range: Range<u64>,
    ) -> Result<Vec<u8>, ExecutorError> {
        self.device.check()?;
        let bytes = range.end - range.start;
        if bytes == 0 {
            return Ok(Vec::new());
        }
        let usage = BufferUsages::MAP_READ.union(BufferUsages::COPY_DST);
        let staging = buffers::allocate(&self.device, &format!("{label} for the host"), bytes, usage).await?;
        let (sender, mapped) = oneshot();
        let submit = || {
            let mut encoder = self.device.wgpu().create_command_encoder(&Default::default());
            encoder.copy_buffer_to_buffer(source, range.start, &staging, 0, bytes);
            self.device.queue().submit([encoder.finish()]);
            staging.map_async(wgpu::MapMode::Read, .., |result| sender.send(result));
        };
        let failed = |message| ExecutorError::Device { during: format!("reading {label}"), message };
        self.device.catch(submit, failed).await?;
        self.counters.submissions.fetch_add(1, Ordering::Relaxed);
        self.counters.read_backs.fetch_add(1, Ordering::Relaxed);
        let result = mapped.await;
        self.device.check()?;
        result.map_err(|error| failed(error.to_string()))?;
        let view = staging.get_mapped_range(..).map_err(|error| failed(error.to_string()))?;
        Ok(view.to_vec())
    }
}
