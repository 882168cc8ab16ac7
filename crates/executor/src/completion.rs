//! When a submission has finished.

use crate::device::Device;
use crate::error::ExecutorError;

/// A submission that may still run.
///
/// Natively it is waited for by its index, so that no callback is set on a device that may be lent; a browser knows
/// only the callback.
#[derive(Debug)]
pub(crate) struct Completion {
    #[cfg(not(target_arch = "wasm32"))]
    index: wgpu::SubmissionIndex,
    #[cfg(target_arch = "wasm32")]
    done: crate::oneshot::Receiver<()>,
}

#[cfg(not(target_arch = "wasm32"))]
impl Completion {
    /// Submits commands.
    pub(crate) fn submit(device: &Device, commands: wgpu::CommandBuffer) -> Self {
        Self { index: device.queue().submit([commands]) }
    }

    /// Waits for the end, and says whether there was anything to wait for.
    pub(crate) async fn wait(self, device: &Device) -> Result<bool, ExecutorError> {
        let wait = |timeout| wgpu::PollType::Wait { submission_index: Some(self.index.clone()), timeout };
        let finished = device.poll(wait(Some(std::time::Duration::ZERO)))?;
        if !finished {
            device.poll(wait(None))?;
        }
        Ok(!finished)
    }
}

#[cfg(target_arch = "wasm32")]
impl Completion {
    /// Submits commands.
    pub(crate) fn submit(device: &Device, commands: wgpu::CommandBuffer) -> Self {
        let (sender, done) = crate::oneshot::oneshot();
        device.queue().submit([commands]);
        device.queue().on_submitted_work_done(move || sender.send(()));
        Self { done }
    }

    /// Waits for the end, and says whether there was anything to wait for.
    pub(crate) async fn wait(self, device: &Device) -> Result<bool, ExecutorError> {
        self.done.await;
        device.check().map(|()| true)
    }
}
