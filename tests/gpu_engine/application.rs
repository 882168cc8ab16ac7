//! An application that owns its device, and what learns on it.

use std::sync::Arc;
use std::sync::Mutex;

use wgrad::prelude::*;
use wgrad::{Engine, TensorBuffer, Ticket, Training, wgpu};

/// An application, with the device that it owns.
pub struct Application {
    pub instance: wgpu::Instance,
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
}

impl Application {
    /// With no feature and WebGPU's default limits, or what the engine asks for.
    pub fn new(is_minimal: bool) -> Self {
        Self::with(|adapter| match is_minimal {
            true => wgpu::DeviceDescriptor::default(),
            false => wgpu::DeviceDescriptor {
                required_features: Engine::required_features(adapter),
                required_limits: Engine::required_limits(adapter),
                ..Default::default()
            },
        })
    }

    /// With a device as it is described.
    pub fn with(descriptor: impl FnOnce(&wgpu::Adapter) -> wgpu::DeviceDescriptor<'static>) -> Self {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends: wgpu::Backends::PRIMARY,
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        });
        let adapter = pollster::block_on(instance.request_adapter(&Default::default()));
        let adapter = adapter.expect("these tests need an adapter, at least Mesa's llvmpipe");
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor(&adapter))).unwrap();
        Self { instance, device, queue }
    }

    pub fn engine(&self) -> Engine {
        Engine::from_wgpu(self.device.clone(), self.queue.clone(), options()).unwrap()
    }

    pub fn encoder(&self) -> wgpu::CommandEncoder {
        self.device.create_command_encoder(&Default::default())
    }

    pub fn submit(&self, encoder: wgpu::CommandEncoder) {
        self.queue.submit([encoder.finish()]);
    }

    /// What an application does in the end: its own wait.
    pub fn wait(&self) {
        self.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    }

    pub fn step(&self, training: &mut Training, steps: u32) -> Result<Ticket, Error> {
        let mut encoder = self.encoder();
        let ticket = training.record_steps(&mut encoder, steps)?;
        self.submit(encoder);
        Ok(ticket)
    }

    /// A buffer of floats, or of zeros.
    pub fn buffer(&self, floats: &[f32]) -> wgpu::Buffer {
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("the application's"),
            size: 4 * floats.len() as u64,
            usage: wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.write(&buffer, 0, floats);
        buffer
    }

    /// A texture that can be copied from and to, and what else it is used for.
    pub fn texture(&self, format: wgpu::TextureFormat, usage: wgpu::TextureUsages, [width, height]: [u32; 2]) -> wgpu::Texture {
        self.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("the application's"),
            size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage: usage | wgpu::TextureUsages::COPY_SRC | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        })
    }

    pub fn write(&self, buffer: &wgpu::Buffer, offset: u64, floats: &[f32]) {
        let bytes: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
        self.queue.write_buffer(buffer, offset, &bytes);
    }

    pub fn read(&self, buffer: &wgpu::Buffer, offset: u64, count: usize) -> Vec<f32> {
        let read = Arc::new(Mutex::new(Vec::new()));
        let into = read.clone();
        let slice = buffer.slice(offset..offset + 4 * count as u64);
        wgpu::util::DownloadBuffer::read_buffer(&self.device, &self.queue, &slice, move |bytes| {
            *into.lock().unwrap() = bytes.unwrap().to_vec();
        });
        self.wait();
        let bytes = read.lock().unwrap();
        bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
    }

    pub fn read_tensor(&self, tensor: &TensorBuffer) -> Vec<f32> {
        self.read(tensor.buffer(), tensor.offset(), tensor.kind().shape.elements())
    }

    /// How many buffers there are on all devices of the instance.
    pub fn buffers(&self) -> usize {
        self.instance.generate_report().expect("wgpu counts natively").hub.buffers.num_kept_from_user
    }
}

pub fn options() -> Options {
    Options { batch_size: 4, seed: 3, ..Options::default() }
}

/// Ten examples: two full batches and a smaller one.
pub fn data() -> Dataset {
    let xs: Vec<f32> = (0..20).map(|index| (index as f32 * 0.7).sin()).collect();
    let ys = xs.chunks_exact(2).map(|x| x[0] * x[1] - 0.3).collect();
    Dataset::new(Tensor::f32([10, 2], xs).unwrap(), Tensor::f32([10, 1], ys).unwrap()).unwrap()
}

pub fn model() -> Sequential {
    Sequential::new().add(Linear::new(2, 8)).add(Tanh).add(Dropout::new(0.1)).add(Linear::new(8, 1))
}

pub fn training(engine: &Engine) -> Training {
    pollster::block_on(engine.training(model(), MSELoss, Adam::new(0.01), &data())).unwrap()
}

pub fn trainer(device: &Device) -> Trainer {
    Trainer::new(device, model(), MSELoss, Adam::new(0.01), options()).unwrap()
}

pub fn losses(application: &Application, training: &mut Training, frames: u32, steps: u32) -> Vec<f32> {
    let tickets: Vec<Ticket> = (0..frames).map(|_| application.step(training, steps).unwrap()).collect();
    application.wait();
    tickets.iter().map(|ticket| training.try_loss(ticket).unwrap().unwrap()).collect()
}
