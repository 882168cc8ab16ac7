//! The dims of a plan's dispatches, which never change.

use wgpu::BufferUsages;
use wgrad_core::plan::{Dispatch, Plan};

use crate::buffers;
use crate::device::Device;
use crate::error::ExecutorError;
use crate::pack;

/// The dims of all dispatches in one buffer, at a fixed distance from one another.
pub(crate) struct Uniforms {
    buffer: wgpu::Buffer,
    stride: u64,
}

impl Uniforms {
    pub(crate) async fn create(device: &Device, plan: &Plan) -> Result<Self, ExecutorError> {
        let alignment = u64::from(device.wgpu().limits().min_uniform_buffer_offset_alignment);
        let largest = plan.dispatches.iter().map(dims_bytes).max().unwrap_or(1);
        let stride = largest.next_multiple_of(alignment.max(1));
        let contents = contents(&plan.dispatches, stride as usize);
        let label = format!("{} dims", plan.name);
        let usage = BufferUsages::UNIFORM.union(BufferUsages::COPY_DST);
        let bytes = (contents.len() as u64).max(stride);
        let buffer = buffers::allocate(device, &label, bytes, usage).await?;
        buffers::write(device, &buffer, &label, &contents)?;
        Ok(Self { buffer, stride })
    }

    /// The dims of the plan's `index`th dispatch.
    pub(crate) fn binding(&self, index: usize, dispatch: &Dispatch) -> wgpu::BufferBinding<'_> {
        let size = wgpu::BufferSize::new(dims_bytes(dispatch));
        wgpu::BufferBinding { buffer: &self.buffer, offset: index as u64 * self.stride, size }
    }
}

/// The size of a dispatch's uniform, which WGSL pads to 16 bytes.
fn dims_bytes(dispatch: &Dispatch) -> u64 {
    pack::buffer_bytes(size_of_val(dispatch.dims.as_slice()) as u64)
}

fn contents(dispatches: &[Dispatch], stride: usize) -> Vec<u8> {
    let mut contents = vec![0; stride * dispatches.len()];
    for (chunk, dispatch) in contents.chunks_exact_mut(stride).zip(dispatches) {
        let dims: &[u8] = bytemuck::cast_slice(&dispatch.dims);
        chunk[..dims.len()].copy_from_slice(dims);
    }
    contents
}
