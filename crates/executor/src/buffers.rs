//! Memory on the device.

use wgpu::BufferUsages;

use crate::device::Device;
use crate::error::ExecutorError;

/// What tensors' buffers are for: kernels, snapshots and the host; an application may draw from them as storage.
pub(crate) const TENSOR: BufferUsages = BufferUsages::STORAGE.union(BufferUsages::COPY_SRC).union(BufferUsages::COPY_DST);

/// A buffer of zeros.
///
/// # Errors
/// Where the device has no room for it, or never has for one so large.
pub(crate) async fn allocate(
    device: &Device,
    label: &str,
    bytes: u64,
    usage: BufferUsages,
) -> Result<wgpu::Buffer, ExecutorError> {
    let descriptor = wgpu::BufferDescriptor { label: Some(label), size: bytes, usage, mapped_at_creation: false };
    let created = device.catch(|| device.wgpu().create_buffer(&descriptor)).await;
    created.map_err(|error| ExecutorError::Allocation { label: label.to_owned(), bytes, message: error.to_string() })
}

/// Writes from the buffer's beginning; it happens before the next submission.
///
/// # Errors
/// Where the device has no room to pass the bytes on.
pub(crate) async fn write(device: &Device, buffer: &wgpu::Buffer, label: &str, bytes: &[u8]) -> Result<(), ExecutorError> {
    let written = device.catch(|| device.queue().write_buffer(buffer, 0, bytes)).await;
    written.map_err(ExecutorError::during(format!("writing {label}")))
}
