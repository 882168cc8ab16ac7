//! Pictures of what units make of the plane, drawn from the buffers that hold their outputs.

use std::sync::Arc;

use bytemuck::{Pod, Zeroable};
use eframe::egui::{PaintCallbackInfo, Rect, Shape};
use eframe::egui_wgpu::{Callback, CallbackResources, CallbackTrait, ScreenDescriptor};
use wgrad::{TensorBuffer, wgpu};

use crate::app::Shared;
use crate::network::{SIDE, Work};
use crate::points::REACH;

/// What makes a number from -1 (orange) to 1 (blue) of a value. The numbers are those of the shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// It is one.
    Signed = 0,
    /// It is a logit.
    Logit = 1,
    /// It lies between 0 and 1.
    Share = 2,
    /// It can be any number.
    Unbounded = 3,
    /// It is a coordinate.
    Place = 4,
}

/// What draws pictures.
#[derive(Clone, Debug)]
pub struct SurfacePipeline {
    device: wgpu::Device,
    pipeline: wgpu::RenderPipeline,
}

/// Pictures of the units of a layer.
#[derive(Clone, Debug)]
pub struct Picture {
    pipeline: wgpu::RenderPipeline,
    bind_group: wgpu::BindGroup,
    units: u32,
}

/// The shader's uniform.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct Uniform {
    offset: u32,
    columns: u32,
    side: u32,
    scale: u32,
}

impl SurfacePipeline {
    /// One that draws to targets of a format.
    pub fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::include_wgsl!("surface.wgsl"));
        let constants = [("is_linear", f64::from(u8::from(format.is_srgb()))), ("reach", f64::from(REACH))];
        let vertex = wgpu::VertexState {
            module: &module,
            entry_point: Some("corner"),
            compilation_options: Default::default(),
            buffers: &[],
        };
        let fragment = wgpu::FragmentState {
            module: &module,
            entry_point: Some("shade"),
            compilation_options: wgpu::PipelineCompilationOptions { constants: &constants, ..Default::default() },
            targets: &[Some(format.into())],
        };
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("surface"),
            layout: None,
            vertex,
            primitive: Default::default(),
            depth_stencil: None,
            multisample: Default::default(),
            fragment: Some(fragment),
            multiview_mask: None,
            cache: None,
        });
        Self { device: device.clone(), pipeline }
    }

    /// The pictures of a tensor `[SIDE * SIDE, units]` of outputs on a grid.
    pub fn picture(&self, tensor: &TensorBuffer, scale: Scale) -> Picture {
        let columns = tensor.kind().shape.dims().last().map_or(1, |&columns| columns as u32);
        let uniform = Uniform {
            offset: (tensor.offset() / size_of::<f32>() as u64) as u32,
            columns,
            side: SIDE as u32,
            scale: scale as u32,
        };
        let contents = bytemuck::bytes_of(&uniform);
        let buffer = wgpu::util::DeviceExt::create_buffer_init(
            &self.device,
            &wgpu::util::BufferInitDescriptor { label: Some("picture"), contents, usage: wgpu::BufferUsages::UNIFORM },
        );
        let resources = [buffer.as_entire_binding(), tensor.binding()];
        let entries: Vec<_> =
            (0..).zip(resources).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
        let layout = self.pipeline.get_bind_group_layout(0);
        let descriptor = wgpu::BindGroupDescriptor { label: Some("picture"), layout: &layout, entries: &entries };
        let bind_group = self.device.create_bind_group(&descriptor);
        Picture { pipeline: self.pipeline.clone(), bind_group, units: columns }
    }
}

impl Picture {
    /// How many units there are pictures of.
    pub fn units(&self) -> u32 {
        self.units
    }

    /// The picture of a unit, in a rectangle.
    pub fn shape(&self, unit: u32, rect: Rect) -> Shape {
        Callback::new_paint_callback(rect, Unit { picture: self.clone(), unit }).into()
    }

    fn draw(&self, unit: u32, pass: &mut wgpu::RenderPass<'static>) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        pass.draw(0..3, unit..unit + 1);
    }
}

/// Draws one unit.
struct Unit {
    picture: Picture,
    unit: u32,
}

impl CallbackTrait for Unit {
    fn paint(&self, _: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, _: &CallbackResources) {
        self.picture.draw(self.unit, pass);
    }
}

/// The work of a frame, which is recorded before anything of the frame is drawn. It draws nothing itself.
pub fn work(network: &Shared, work: Work, rect: Rect) -> Shape {
    Callback::new_paint_callback(rect, FrameWork { network: Arc::clone(network), work }).into()
}

struct FrameWork {
    network: Shared,
    work: Work,
}

impl CallbackTrait for FrameWork {
    fn prepare(
        &self,
        _: &wgpu::Device,
        _: &wgpu::Queue,
        _: &ScreenDescriptor,
        encoder: &mut wgpu::CommandEncoder,
        _: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        crate::app::locked(&self.network).record(encoder, self.work);
        Vec::new()
    }

    fn paint(&self, _: PaintCallbackInfo, _: &mut wgpu::RenderPass<'static>, _: &CallbackResources) {}
}
