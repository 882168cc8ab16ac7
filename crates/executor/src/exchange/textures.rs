//! Between textures and tensors.

use wgpu::{
    BindGroupEntry, BindingResource, BufferUsages, CommandEncoder, ComputePipeline, Texture, TextureFormat, TextureSampleType,
    TextureUsages,
};
use wgrad_core::{DType, TensorType};

use super::{check_usage, mismatch};
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

/// The kernels that read and write textures: none where the device binds no textures so.
#[derive(Clone, Debug)]
pub(crate) struct Textures {
    read: Option<ComputePipeline>,
    write: Vec<(TextureFormat, ComputePipeline)>,
}

impl Textures {
    /// Compiles them.
    ///
    /// # Errors
    /// On errors of the device.
    pub(crate) async fn create(device: &Device) -> Result<Self, ExecutorError> {
        let limits = device.wgpu().limits();
        let compile = || {
            let reads = limits.max_sampled_textures_per_shader_stage > 0;
            let formats = if limits.max_storage_textures_per_shader_stage > 0 { &FORMATS[..] } else { &[] };
            let write = |(format, name): &(_, &str)| (*format, pipeline(device, "write_texture", &WRITE.replace(FORMAT, name)));
            Self { read: reads.then(|| pipeline(device, "read_texture", READ)), write: formats.iter().map(write).collect() }
        };
        device.catch(compile, |message| ExecutorError::Shader { label: "textures".to_owned(), message }).await
    }

    /// Records that a tensor gets a texture's pixels.
    ///
    /// # Errors
    /// Where the texture is of another size, or cannot be read so.
    pub(super) fn read(
        &self,
        device: &Device,
        encoder: &mut CommandEncoder,
        texture: &Texture,
        tensor: &TensorBuffer,
    ) -> Result<(), ExecutorError> {
        const WHAT: &str = "input texture";
        check_usage(WHAT, texture.usage().contains(TextureUsages::TEXTURE_BINDING), "TEXTURE_BINDING")?;
        let sample_type = texture.format().sample_type(None, Some(device.wgpu().features()));
        if !matches!(sample_type, Some(TextureSampleType::Float { .. })) {
            return Err(mismatch(WHAT, "a format of floats", format!("{:?}", texture.format())));
        }
        let Some(pipeline) = &self.read else {
            return Err(mismatch(WHAT, "a device with max_sampled_textures_per_shader_stage of 1 at least", 0));
        };
        let channels = check_pixels(WHAT, texture, tensor.kind())?;
        dispatch(device, encoder, pipeline, texture, channels, tensor)
    }

    /// Records that a texture gets a tensor's elements.
    ///
    /// # Errors
    /// Where the texture is of another size, or cannot be written so.
    pub(super) fn write(
        &self,
        device: &Device,
        encoder: &mut CommandEncoder,
        tensor: &TensorBuffer,
        texture: &Texture,
    ) -> Result<(), ExecutorError> {
        const WHAT: &str = "output texture";
        check_usage(WHAT, texture.usage().contains(TextureUsages::STORAGE_BINDING), "STORAGE_BINDING")?;
        let format = texture.format();
        if !FORMATS.iter().any(|(known, _)| *known == format) {
            let known = FORMATS.map(|(format, _)| format!("{format:?}")).join(", ");
            return Err(mismatch(WHAT, format!("one of the formats {known}"), format!("{format:?}")));
        }
        let Some((_, pipeline)) = self.write.iter().find(|(known, _)| *known == format) else {
            return Err(mismatch(WHAT, "a device with max_storage_textures_per_shader_stage of 1 at least", 0));
        };
        let channels = check_pixels(WHAT, texture, tensor.kind())?;
        dispatch(device, encoder, pipeline, texture, channels, tensor)
    }
}

fn dispatch(
    device: &Device,
    encoder: &mut CommandEncoder,
    pipeline: &ComputePipeline,
    texture: &Texture,
    channels: u32,
    tensor: &TensorBuffer,
) -> Result<(), ExecutorError> {
    let failed = |message| {
        let bytes = size_of::<[u32; 4]>() as u64;
        ExecutorError::Allocation { label: "texture dims".to_owned(), bytes, message }
    };
    let bind_group = device.catch_at_once(|| bind_group(device, pipeline, texture, channels, tensor), failed)?;
    let mut pass = encoder.begin_compute_pass(&Default::default());
    pass.set_pipeline(pipeline);
    pass.set_bind_group(0, &bind_group, &[]);
    pass.dispatch_workgroups(texture.width().div_ceil(TILE), texture.height().div_ceil(TILE), 1);
    Ok(())
}

fn bind_group(
    device: &Device,
    pipeline: &ComputePipeline,
    texture: &Texture,
    channels: u32,
    tensor: &TensorBuffer,
) -> wgpu::BindGroup {
    let components = u32::from(texture.format().components());
    let dims = [channels, components, (tensor.offset() / size_of::<f32>() as u64) as u32, 0];
    let uniform = device.wgpu().create_buffer(&wgpu::BufferDescriptor {
        label: Some("texture dims"),
        size: size_of_val(&dims) as u64,
        usage: BufferUsages::UNIFORM.union(BufferUsages::COPY_DST),
        mapped_at_creation: false,
    });
    device.queue().write_buffer(&uniform, 0, bytemuck::cast_slice(&dims));
    let view = texture.create_view(&wgpu::TextureViewDescriptor { mip_level_count: Some(1), ..Default::default() });
    let resources = [uniform.as_entire_binding(), BindingResource::TextureView(&view), tensor.binding()];
    let entries: Vec<BindGroupEntry> =
        (0..).zip(resources).map(|(binding, resource)| BindGroupEntry { binding, resource }).collect();
    device.wgpu().create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("texture"),
        layout: &pipeline.get_bind_group_layout(0),
        entries: &entries,
    })
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

/// How many channels the pixels of a tensor have, where a texture has those pixels, and a component for each channel.
fn check_pixels(what: &'static str, texture: &Texture, kind: &TensorType) -> Result<u32, ExecutorError> {
    let (size, dimension) = (texture.size(), texture.dimension());
    let is_flat = dimension == wgpu::TextureDimension::D2 && size.depth_or_array_layers == 1 && texture.sample_count() == 1;
    let channels = channels(kind.shape.dims(), [size.height as usize, size.width as usize]);
    let Some(channels) = channels.filter(|_| is_flat && kind.dtype == DType::F32) else {
        let got = format!("{dimension:?} of {} x {} x {}", size.width, size.height, size.depth_or_array_layers);
        return Err(mismatch(what, format!("one layer of the pixels of {kind}, in 1, 3 or 4 channels"), got));
    };
    let components = u32::from(texture.format().components());
    match channels == 1 || channels <= components {
        true => Ok(channels),
        false => Err(mismatch(what, format!("{channels} components"), format!("{:?}", texture.format()))),
    }
}

/// How many channels a tensor has as a picture of so many rows and columns; none where it is no such picture.
fn channels(dims: &[usize], size: [usize; 2]) -> Option<u32> {
    let texels: usize = size.iter().product();
    let known = |channels: &usize| matches!(channels, 1 | 3 | 4);
    let channels = match *dims {
        [1, channels, height, width] => (size == [height, width]).then_some(channels).filter(known),
        [1, height, width] => (size == [height, width]).then_some(1),
        [1, elements] if texels > 0 && elements % texels == 0 => Some(elements / texels).filter(known),
        [elements] | [elements, 1] => (elements == texels).then_some(1),
        _ => None,
    };
    channels.map(|channels| channels as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_have_height_and_width_in_that_order() {
        for (dims, size, wanted) in [
            (&[1, 3, 5][..], [3, 5], Some(1)),
            (&[1, 3, 5], [5, 3], None),
            (&[2, 3, 5], [3, 5], None),
            (&[1, 3, 4, 6], [4, 6], Some(3)),
            (&[1, 4, 4, 6], [6, 4], None),
            (&[1, 2, 4, 6], [4, 6], None),
            (&[1, 45], [3, 5], Some(3)),
            (&[1, 30], [3, 5], None),
            (&[1, 4], [1, 4], Some(1)),
            (&[], [1, 1], None),
        ] {
            assert_eq!(channels(dims, size), wanted, "{dims:?} {size:?}");
        }
    }

    #[test]
    fn examples_of_one_number_are_a_picture() {
        for dims in [&[15][..], &[15, 1]] {
            assert_eq!(channels(dims, [3, 5]), Some(1));
            assert_eq!(channels(dims, [4, 4]), None);
        }
        // Colours would be interleaved here, and are not in pictures.
        assert_eq!(channels(&[15, 3], [3, 5]), None);
    }
}
