//! Memory on the device.

use wgpu::BufferUsages;

use crate::device::Device;
use crate::error::ExecutorError;

/// What tensors' buffers are for: kernels, snapshots and the host; an application may draw from them, as storage or as
/// vertices.
pub(crate) const TENSOR: BufferUsages =
    BufferUsages::STORAGE.union(BufferUsages::VERTEX).union(BufferUsages::COPY_SRC).union(BufferUsages::COPY_DST);

/// Memory for tensors: a buffer, or what lies in it between guard words.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) buffer: wgpu::Buffer,
    /// Bytes of guard words on each side.
    pub(crate) guard: u64,
}

impl Region {
    /// The bytes that are free for use.
    pub(crate) fn bytes(&self) -> u64 {
        self.buffer.size() - 2 * self.guard
    }

    /// What kernels bind. The guard words behind are a part of it, since many drivers drop writes that lie outside of
    /// what is bound: they would not be seen.
    pub(crate) fn binding(&self) -> wgpu::BindingResource<'_> {
        let size = wgpu::BufferSize::new(self.bytes() + self.guard);
        wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer: &self.buffer, offset: self.guard, size })
    }

    /// Copies all that is free for use to another region of the same size.
    pub(crate) fn copy_to(&self, other: &Region, encoder: &mut wgpu::CommandEncoder) {
        encoder.copy_buffer_to_buffer(&self.buffer, self.guard, &other.buffer, other.guard, self.bytes());
    }

    /// Writes from the region's beginning; it happens before the next submission.
    ///
    /// # Errors
    /// Where the device has no room to pass the bytes on.
    pub(crate) fn write(&self, device: &Device, label: &str, bytes: &[u8]) -> Result<(), ExecutorError> {
        write_at(device, &self.buffer, self.guard, label, bytes)
    }
}

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
    let failed = |message| ExecutorError::Allocation { label: label.to_owned(), bytes, message };
    device.catch(|| device.wgpu().create_buffer(&descriptor), failed).await
}

/// Writes from the buffer's beginning; it happens before the next submission.
///
/// # Errors
/// Where the device has no room to pass the bytes on.
pub(crate) fn write(device: &Device, buffer: &wgpu::Buffer, label: &str, bytes: &[u8]) -> Result<(), ExecutorError> {
    write_at(device, buffer, 0, label, bytes)
}

/// The same, from so many bytes into the buffer.
///
/// # Errors
/// As there.
pub(crate) fn write_at(
    device: &Device,
    buffer: &wgpu::Buffer,
    offset: u64,
    label: &str,
    bytes: &[u8],
) -> Result<(), ExecutorError> {
    let failed = ExecutorError::during(format!("writing {label}"));
    device.catch_at_once(|| device.queue().write_buffer(buffer, offset, bytes), failed)
}
