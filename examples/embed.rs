//! An application lends its device: a network learns a few steps a frame, and what it makes of the points of a curve is
//! read from a buffer that is borrowed from it. There is no window, only frames.

use wgrad::prelude::*;
use wgrad::wgpu::util::DownloadBuffer;
use wgrad::{CopyTo, Engine, PredictOptions, wgpu};

const FRAMES: usize = 100;
const POINTS: usize = 64;

fn main() -> anyhow::Result<()> {
    // The application's own device.
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::PRIMARY,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let adapter = pollster::block_on(instance.request_adapter(&Default::default()))?;
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        required_features: Engine::required_features(&adapter),
        required_limits: Engine::required_limits(&adapter),
        ..Default::default()
    }))?;

    // A network that learns sin(3x) from points between -1 and 1, and its outputs for all of them.
    let xs: Vec<f32> = (0..POINTS).map(|point| 2.0 * point as f32 / (POINTS - 1) as f32 - 1.0).collect();
    let ys: Vec<f32> = xs.iter().map(|x| (3.0 * x).sin()).collect();
    let data = Dataset::new(Tensor::f32([POINTS, 1], xs)?, Tensor::f32([POINTS, 1], ys.clone())?)?;
    let model = Sequential::new().add(Linear::new(1, 32)).add(Tanh).add(Linear::new(32, 1));
    let engine = Engine::from_wgpu(device.clone(), queue.clone(), Options { batch_size: 16, ..Options::default() })?;
    let mut training = pollster::block_on(engine.training(model, MSELoss, Adam::new(0.01), &data))?;
    let predictor = pollster::block_on(training.predictor(PredictOptions { rows: POINTS, ..PredictOptions::default() }))?;
    let points = training.inputs()?;

    let mut last = None;
    for frame in 1..=FRAMES {
        let mut encoder = device.create_command_encoder(&Default::default());
        let ticket = training.record_steps(&mut encoder, 20)?;
        predictor.record_predict(&mut encoder, &points, CopyTo::Here)?; // and now the application would draw it
        queue.submit([encoder.finish()]);
        device.poll(wgpu::PollType::Poll)?;
        if let Some(loss) = last.replace(ticket).and_then(|ticket| training.try_loss(&ticket).transpose()) {
            println!("frame {frame}: loss {:.4} after {} steps", loss?, training.steps());
        }
    }

    let output = predictor.output();
    DownloadBuffer::read_buffer(&device, &queue, &output.buffer().slice(output.offset()..), move |bytes| {
        let Ok(bytes) = bytes else { return };
        let outputs = bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap_or_default()));
        let largest = outputs.zip(ys).map(|(output, y)| (output - y).abs()).fold(0.0, f32::max);
        println!("the curve is right to {largest:.3}");
    });
    device.poll(wgpu::PollType::wait_indefinitely())?;
    Ok(())
}
