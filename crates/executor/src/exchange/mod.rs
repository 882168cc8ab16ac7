//! Between an application's own buffers and textures and tensors, on the device.

use wgpu::{
    BindGroupEntry, BindingResource, Buffer, BufferUsages, CommandEncoder, ComputePipeline, Texture, TextureFormat,
    TextureSampleType, TextureUsages,
};
use wgrad_core::{DType, TensorType};

use crate::device::Device;
use crate::error::ExecutorError;
use crate::tensor_buffer::TensorBuffer;

const READ: &str = include_str!("read_texture.wgsl");
const WRITE: &str = include_str!("write_texture.wgsl");
/// The format that [`WRITE`] has as it stands.
const FORMAT: &str = "rgba8unorm";
/// The formats that textures can be written in, with their names in WGSL.
const FORMATS: [(TextureFormat, &str); 4] = [
    (TextureFormat::Rgba8Unorm, FORMAT),
    (TextureFormat::Rgba16Float, "rgba16float"),
    (TextureFormat::R32Float, "r32float"),
    (TextureFormat::Rgba32Float, "rgba32float"),
];
/// The side of a workgroup, in texels.
const TILE: u32 = 8;

/// Where a tensor comes from: a buffer of the application's, or a texture.
///
/// A buffer holds the tensor's elements row after row, and must allow to be copied from. A texture must allow to be bound,
/// and its texels are the pixels of one example: a tensor `[1, height, width]` or `[1, height * width]` gets their luma, or
/// the red component where there is no other; `[1, channels, height, width]` with 3 or 4 channels gets colours. They are
/// what a shader reads: from 0 to 1 in most formats, and linear in those of sRGB.
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

/// Where a tensor goes to: a buffer of the application's, which must allow to be copied to, or a texture of as many texels
/// as the tensor has elements (grey), or a third or a fourth of them (colours, channel after channel), which must allow to
/// be bound as storage. Its format is `Rgba8Unorm`, `Rgba16Float`, `R32Float` or `Rgba32Float`.
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
    read: ComputePipeline,
    write: Vec<(TextureFormat, ComputePipeline)>,
}

impl Exchange {
    /// One for a device, whose kernels are compiled now.
    ///
    /// # Errors
    /// On errors of the device.
    pub async fn new(device: &Device) -> Result<Self, ExecutorError> {
        let created = device.catch(|| {
            let write = FORMATS.map(|(format, name)| (format, pipeline(device, "write_texture", &WRITE.replace(FORMAT, name))));
            (pipeline(device, "read_texture", READ), write.into())
        });
        let failed = |error: wgpu::Error| ExecutorError::Shader { label: "textures".to_owned(), message: error.to_string() };
        let (read, write) = created.await.map_err(failed)?;
        Ok(Self { device: device.clone(), read, write })
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
            CopyFrom::Texture(texture) => {
                check_usage("input texture", texture.usage().contains(TextureUsages::TEXTURE_BINDING), "TEXTURE_BINDING")?;
                let sample_type = texture.format().sample_type(None, Some(self.device.wgpu().features()));
                if !matches!(sample_type, Some(TextureSampleType::Float { .. })) {
                    return Err(mismatch("input texture", "a format of floats", format!("{:?}", texture.format())));
                }
                let channels = channels("input texture", texture, tensor)?;
                self.dispatch(encoder, &self.read, texture, channels, tensor)
            }
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
            CopyTo::Texture(texture) => {
                check_usage("output texture", texture.usage().contains(TextureUsages::STORAGE_BINDING), "STORAGE_BINDING")?;
                let format = texture.format();
                let Some((_, pipeline)) = self.write.iter().find(|(known, _)| *known == format) else {
                    let known = FORMATS.map(|(format, _)| format!("{format:?}")).join(", ");
                    return Err(mismatch("output texture", format!("one of the formats {known}"), format!("{format:?}")));
                };
                let channels = channels("output texture", texture, tensor)?;
                self.dispatch(encoder, pipeline, texture, channels, tensor)
            }
        }
    }

    fn dispatch(
        &self,
        encoder: &mut CommandEncoder,
        pipeline: &ComputePipeline,
        texture: &Texture,
        channels: u32,
        tensor: &TensorBuffer,
    ) -> Result<(), ExecutorError> {
        let bind_group = self.device.catch_at_once(|| self.bind_group(pipeline, texture, channels, tensor));
        let bind_group = bind_group.map_err(|error| ExecutorError::Allocation {
            label: "texture dims".to_owned(),
            bytes: size_of::<[u32; 4]>() as u64,
            message: error.to_string(),
        })?;
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, &bind_group, &[]);
        pass.dispatch_workgroups(texture.width().div_ceil(TILE), texture.height().div_ceil(TILE), 1);
        Ok(())
    }

    fn bind_group(&self, pipeline: &ComputePipeline, texture: &Texture, channels: u32, tensor: &TensorBuffer) -> wgpu::BindGroup {
        let wgpu = self.device.wgpu();
        let components = u32::from(texture.format().components());
        let dims = [channels, components, (tensor.offset() / size_of::<f32>() as u64) as u32, 0];
        let uniform = wgpu.create_buffer(&wgpu::BufferDescriptor {
            label: Some("texture dims"),
            size: size_of_val(&dims) as u64,
            usage: BufferUsages::UNIFORM.union(BufferUsages::COPY_DST),
            mapped_at_creation: false,
        });
        self.device.queue().write_buffer(&uniform, 0, bytemuck::cast_slice(&dims));
        let view = texture.create_view(&wgpu::TextureViewDescriptor { mip_level_count: Some(1), ..Default::default() });
        let resources = [uniform.as_entire_binding(), BindingResource::TextureView(&view), tensor.binding()];
        let entries: Vec<BindGroupEntry> =
            (0..).zip(resources).map(|(binding, resource)| BindGroupEntry { binding, resource }).collect();
        wgpu.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("texture"),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        })
    }
}

fn pipeline(device: &Device, entry: &str, source: &str) -> ComputePipeline {
    let module = device.wgpu().create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(entry),
        source: wgpu::ShaderSource::Wgsl(source.into()),
    });
    device.wgpu().create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(entry),
        layout: None,
        module: &module,
        entry_point: Some(entry),
        compilation_options: Default::default(),
        cache: None,
    })
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

/// How many channels of a texture's size a tensor has.
fn channels(what: &'static str, texture: &Texture, tensor: &TensorBuffer) -> Result<u32, ExecutorError> {
    let (kind, texels) = (tensor.kind(), texture.width() as usize * texture.height() as usize);
    let is_flat =
        texture.dimension() == wgpu::TextureDimension::D2 && texture.depth_or_array_layers() == 1 && texture.sample_count() == 1;
    let channels = [1, 3, 4].into_iter().find(|channels| channels * texels == kind.shape.elements());
    match channels {
        Some(channels) if is_flat && kind.dtype == DType::F32 => Ok(channels as u32),
        _ => {
            let (size, dimension) = (texture.size(), texture.dimension());
            let got = format!("{dimension:?} of {} x {} x {}", size.width, size.height, size.depth_or_array_layers);
            Err(mismatch(what, format!("one layer of the pixels of {kind}, in 1, 3 or 4 channels"), got))
        }
    }
}

fn mismatch(what: &'static str, wanted: impl ToString, got: impl ToString) -> ExecutorError {
    ExecutorError::Exchange { what, wanted: wanted.to_string(), got: got.to_string() }
}
