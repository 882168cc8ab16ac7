//! Between an application's own buffers and textures and tensors, on the device.

mod textures;

use wgpu::{Buffer, BufferUsages, CommandEncoder, Texture};
use wgrad_core::TensorType;

use crate::device::Device;
use crate::error::ExecutorError;
use crate::tensor_buffer::TensorBuffer;

pub(crate) use textures::Textures;

/// Where a tensor comes from: a buffer of the application's, or a texture.
///
/// A buffer holds the tensor's elements row after row, and must allow to be copied from. A texture must allow to be bound,
/// and its texels are the pixels of one example: those of a tensor `[1, height, width]`, which gets their luma, or the red
/// component where there is no other; of `[1, channels, height, width]` with 3 or 4 channels, which gets as many components;
/// of `[1, n]`, which gets them flat, in 1, 3 or 4 channels by its size; or of `[n]` or `[n, 1]`, which has one number for
/// each texel. Pixels are what a shader reads: from 0 to 1 in most formats, and linear in those of sRGB.
#[derive(Clone, Copy, Debug)]
pub enum CopyFrom<'a> {
    /// From where it lies already.
    Here,
    /// From so many bytes into a buffer on.
    Buffer(&'a Buffer, u64),
    /// From a tensor of the same type of elements, whose rows are as long, and no fewer.
    Tensor(&'a TensorBuffer),
    /// The first mip level of a two-dimensional texture.
    Texture(&'a Texture),
}

/// Where a tensor goes to: a buffer of the application's, which must allow to be copied to, or a texture, which must allow
/// to be bound as storage, and whose texels are the pixels of a tensor of one of the shapes that [`CopyFrom`] names. One
/// channel is grey; three are opaque. The texture's format is `Rgba8Unorm`, `Rgba16Float`, `R32Float` or `Rgba32Float`, and
/// has a component for each channel.
#[derive(Clone, Copy, Debug)]
pub enum CopyTo<'a> {
    /// To where it lies already.
    Here,
    /// From so many bytes into a buffer on.
    Buffer(&'a Buffer, u64),
    /// A two-dimensional texture.
    Texture(&'a Texture),
}

impl<'a> From<&'a Buffer> for CopyFrom<'a> {
    fn from(buffer: &'a Buffer) -> Self {
        Self::Buffer(buffer, 0)
    }
}

impl<'a> From<&'a Texture> for CopyFrom<'a> {
    fn from(texture: &'a Texture) -> Self {
        Self::Texture(texture)
    }
}

impl<'a> From<&'a TensorBuffer> for CopyFrom<'a> {
    fn from(tensor: &'a TensorBuffer) -> Self {
        Self::Tensor(tensor)
    }
}

impl<'a> From<&'a Buffer> for CopyTo<'a> {
    fn from(buffer: &'a Buffer) -> Self {
        Self::Buffer(buffer, 0)
    }
}

impl<'a> From<&'a Texture> for CopyTo<'a> {
    fn from(texture: &'a Texture) -> Self {
        Self::Texture(texture)
    }
}

/// Copies tensors from and to what an application owns.
#[derive(Clone, Debug)]
pub struct Exchange {
    device: Device,
    textures: Textures,
}

impl Exchange {
    /// One for a device, whose kernels are compiled now where no other has been.
    ///
    /// # Errors
    /// On errors of the device.
    pub async fn new(device: &Device) -> Result<Self, ExecutorError> {
        Ok(Self { device: device.clone(), textures: device.textures().await? })
    }

    /// Fails where the device is known to be lost.
    ///
    /// # Errors
    /// Then.
    pub fn check(&self) -> Result<(), ExecutorError> {
        self.device.check()
    }

    /// Records that a tensor gets its elements.
    ///
    /// # Errors
    /// Where what they come from is too small, of another shape, or cannot be read so.
    pub fn read(&self, encoder: &mut CommandEncoder, from: CopyFrom, tensor: &TensorBuffer) -> Result<(), ExecutorError> {
        match from {
            CopyFrom::Here => Ok(()),
            CopyFrom::Buffer(buffer, offset) => {
                check_buffer("input", buffer, offset, BufferUsages::COPY_SRC, tensor)?;
                encoder.copy_buffer_to_buffer(buffer, offset, tensor.buffer(), tensor.offset(), copied(tensor));
                Ok(())
            }
            CopyFrom::Tensor(from) => {
                check_rows(from.kind(), tensor.kind())?;
                self.read(encoder, CopyFrom::Buffer(from.buffer(), from.offset()), tensor)
            }
            CopyFrom::Texture(texture) => self.textures.read(&self.device, encoder, texture, tensor),
        }
    }

    /// Records that a tensor's elements go somewhere.
    ///
    /// # Errors
    /// Where that is too small, of another shape, or cannot be written so.
    pub fn write(&self, encoder: &mut CommandEncoder, tensor: &TensorBuffer, to: CopyTo) -> Result<(), ExecutorError> {
        match to {
            CopyTo::Here => Ok(()),
            CopyTo::Buffer(buffer, offset) => {
                check_buffer("output", buffer, offset, BufferUsages::COPY_DST, tensor)?;
                encoder.copy_buffer_to_buffer(tensor.buffer(), tensor.offset(), buffer, offset, copied(tensor));
                Ok(())
            }
            CopyTo::Texture(texture) => self.textures.write(&self.device, encoder, tensor, texture),
        }
    }
}

/// What a copy of a tensor takes: a multiple of four bytes.
fn copied(tensor: &TensorBuffer) -> u64 {
    tensor.bytes().next_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT)
}

/// Checks that a tensor has as many elements in a row as another, of the same type, and no fewer rows.
fn check_rows(got: &TensorType, wanted: &TensorType) -> Result<(), ExecutorError> {
    let row = |kind: &TensorType| kind.shape.dims().get(1..).map(|dims| dims.iter().product::<usize>());
    let rows = |kind: &TensorType| kind.shape.dims().first().copied();
    match got.dtype == wanted.dtype && row(got) == row(wanted) && rows(got) >= rows(wanted) {
        true => Ok(()),
        false => Err(mismatch("input", format!("the rows of {wanted}"), got)),
    }
}

fn check_buffer(
    what: &'static str,
    buffer: &Buffer,
    offset: u64,
    usage: BufferUsages,
    tensor: &TensorBuffer,
) -> Result<(), ExecutorError> {
    check_usage(what, buffer.usage().contains(usage), &format!("{usage:?}"))?;
    if buffer == tensor.buffer() {
        return Err(mismatch(what, "a buffer of its own, or Here for the tensor itself", "the buffer that the tensor lies in"));
    }
    if !offset.is_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT) {
        return Err(mismatch(what, "an offset that is a multiple of 4 bytes", offset));
    }
    let wanted = copied(tensor);
    if buffer.size().saturating_sub(offset) < wanted {
        let wanted = format!("{wanted} bytes for {} from byte {offset} on", tensor.kind());
        return Err(mismatch(what, wanted, format!("a buffer of {} bytes", buffer.size())));
    }
    Ok(())
}

fn check_usage(what: &'static str, is_allowed: bool, wanted: &str) -> Result<(), ExecutorError> {
    if is_allowed { Ok(()) } else { Err(mismatch(what, format!("a usage with {wanted}"), "one without")) }
}

fn mismatch(what: &'static str, wanted: impl ToString, got: impl ToString) -> ExecutorError {
    ExecutorError::Exchange { what, wanted: wanted.to_string(), got: got.to_string() }
}
