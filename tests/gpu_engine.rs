//! Training and inference in the frames of an application that owns the device.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wgrad::prelude::*;
use wgrad::schedules::ExponentialLR;
use wgrad::{
    Checkpoint, CopyFrom, CopyTo, Engine, PredictOptions, Predictor, TensorBuffer, Ticket, Training, Var, Weights, wgpu,
};

/// An application, with the device that it owns.
struct Application {
    instance: wgpu::Instance,
    device: wgpu::Device,
    queue: wgpu::Queue,
}

impl Application {
    /// With no feature and WebGPU's default limits, or what the engine asks for.
    fn new(is_minimal: bool) -> Self {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends: wgpu::Backends::PRIMARY,
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        });
        let adapter = pollster::block_on(instance.request_adapter(&Default::default()));
        let adapter = adapter.expect("these tests need an adapter, at least Mesa's llvmpipe");
        let wanted = wgpu::DeviceDescriptor {
            required_features: Engine::required_features(&adapter),
            required_limits: Engine::required_limits(&adapter),
            ..Default::default()
        };
        let descriptor = if is_minimal { wgpu::DeviceDescriptor::default() } else { wanted };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
        Self { instance, device, queue }
    }

    fn engine(&self) -> Engine {
        Engine::from_wgpu(self.device.clone(), self.queue.clone(), options()).unwrap()
    }

    fn encoder(&self) -> wgpu::CommandEncoder {
        self.device.create_command_encoder(&Default::default())
    }

    fn submit(&self, encoder: wgpu::CommandEncoder) {
        self.queue.submit([encoder.finish()]);
    }

    /// What an application does in the end: its own wait.
    fn wait(&self) {
        self.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    }

    fn step(&self, training: &mut Training, steps: u32) -> Result<Ticket, Error> {
        let mut encoder = self.encoder();
        let ticket = training.record_steps(&mut encoder, steps)?;
        self.submit(encoder);
        Ok(ticket)
    }

    /// A buffer of floats, or of zeros.
    fn buffer(&self, floats: &[f32]) -> wgpu::Buffer {
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("the application's"),
            size: 4 * floats.len() as u64,
            usage: wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.write(&buffer, 0, floats);
        buffer
    }

    fn write(&self, buffer: &wgpu::Buffer, offset: u64, floats: &[f32]) {
        let bytes: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
        self.queue.write_buffer(buffer, offset, &bytes);
    }

    fn read(&self, buffer: &wgpu::Buffer, offset: u64, count: usize) -> Vec<f32> {
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

    fn read_tensor(&self, tensor: &TensorBuffer) -> Vec<f32> {
        self.read(tensor.buffer(), tensor.offset(), tensor.kind().shape.elements())
    }

    /// How many buffers there are on all devices of the instance.
    fn buffers(&self) -> usize {
        self.instance.generate_report().expect("wgpu counts natively").hub.buffers.num_kept_from_user
    }
}

fn options() -> Options {
    Options { batch_size: 4, seed: 3, ..Options::default() }
}

/// Ten examples: two full batches and a smaller one.
fn data() -> Dataset {
    let xs: Vec<f32> = (0..20).map(|index| (index as f32 * 0.7).sin()).collect();
    let ys = xs.chunks_exact(2).map(|x| x[0] * x[1] - 0.3).collect();
    Dataset::new(Tensor::f32([10, 2], xs).unwrap(), Tensor::f32([10, 1], ys).unwrap()).unwrap()
}

fn model() -> Sequential {
    Sequential::new().add(Linear::new(2, 8)).add(Tanh).add(Dropout::new(0.1)).add(Linear::new(8, 1))
}

fn training(engine: &Engine) -> Training {
    pollster::block_on(engine.training(model(), MSELoss, Adam::new(0.01), &data())).unwrap()
}

fn trainer(device: &Device) -> Trainer {
    Trainer::new(device, model(), MSELoss, Adam::new(0.01), options()).unwrap()
}

fn losses(application: &Application, training: &mut Training, frames: u32, steps: u32) -> Vec<f32> {
    let tickets: Vec<Ticket> = (0..frames).map(|_| application.step(training, steps).unwrap()).collect();
    application.wait();
    tickets.iter().map(|ticket| training.try_loss(ticket).unwrap().unwrap()).collect()
}

/// The number that wgpu gives to a submission: submissions of a queue are counted.
fn number(index: &wgpu::SubmissionIndex) -> u64 {
    let text = format!("{index:?}");
    text.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

#[test]
fn recorded_steps_have_the_bits_of_those_of_a_trainer() {
    for is_minimal in [false, true] {
        let application = Application::new(is_minimal);
        let mut training = training(&application.engine());
        let mut trainer = trainer(&application.engine().device());
        trainer.fit(&data(), 4, None, |_| Control::Continue).unwrap();
        // Three steps an epoch, in frames of two: tickets lie across the ends of epochs.
        losses(&application, &mut training, 6, 2);
        assert_eq!((training.steps(), training.epochs()), (12, 4));
        assert_eq!(training.trainer().weights_hash().unwrap(), trainer.weights_hash().unwrap());
    }
}

#[test]
fn a_ticket_s_loss_is_the_mean_over_its_examples() {
    let application = Application::new(false);
    let mut by_epoch = training(&application.engine());
    let mut trainer = trainer(&application.engine().device());
    let history = trainer.fit(&data(), 3, None, |_| Control::Continue).unwrap();
    let wanted: Vec<f32> = history.epochs.iter().map(|epoch| epoch.loss).collect();
    assert_eq!(losses(&application, &mut by_epoch, 3, 3), wanted);
    // More steps than an epoch has: the loss is that of the last epoch's.
    let mut at_once = training(&application.engine());
    assert_eq!(losses(&application, &mut at_once, 1, 9), wanted[2..]);
}

/// An application's own handlers, its submissions and its polls are the only ones.
#[test]
fn nothing_submits_polls_blocks_or_sets_a_callback() {
    let application = Application::new(false);
    let (errors, losses) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (errors_seen, losses_seen) = (errors.clone(), losses.clone());
    application.device.on_uncaptured_error(Arc::new(move |_| {
        errors_seen.fetch_add(1, Ordering::Relaxed);
    }));
    application.device.set_device_lost_callback(move |_, _| {
        losses_seen.fetch_add(1, Ordering::Relaxed);
    });
    let mut training = training(&application.engine());
    let predictor = pollster::block_on(training.predictor(PredictOptions { rows: 10, ..PredictOptions::default() })).unwrap();
    let points = training.inputs().unwrap();
    let (output, weights) = (application.buffer(&[0.0; 10]), [("3.bias".to_owned(), Tensor::from([0.5]))]);
    application.wait();

    // A mapping of the application's own lands when somebody polls: here nobody does.
    let landed = Arc::new(AtomicU32::new(0));
    let landed_seen = landed.clone();
    let staging = application.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 16,
        usage: wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let first = number(&application.queue.submit([]));
    staging.map_async(wgpu::MapMode::Read, .., move |_| {
        landed_seen.fetch_add(1, Ordering::Relaxed);
    });
    let mut encoder = application.encoder();
    let mut tickets = Vec::new();
    for frame in 0..20 {
        tickets.push(training.record_steps(&mut encoder, 2).unwrap());
        tickets.push(training.record_within(&mut encoder, Duration::from_millis(1)).unwrap());
        predictor.record_predict(&mut encoder, &points, &output).unwrap();
        let checkpoint = training.record_checkpoint(&mut encoder).unwrap();
        assert!(training.try_checkpoint(&checkpoint).unwrap().is_none());
        training.set_learning_rate(0.01 / f64::from(frame + 1)).unwrap();
        training.write_parameters(&weights).unwrap();
        assert!(tickets.iter().all(|ticket| training.try_loss(ticket).unwrap().is_none()));
    }
    assert_eq!(landed.load(Ordering::Relaxed), 0, "somebody has polled the device");
    let second = number(&application.queue.submit([encoder.finish()]));
    // wgpu has given one number to the mapping.
    assert_eq!(second, first + 2, "somebody has submitted to the queue");
    application.wait();
    assert_eq!(landed.load(Ordering::Relaxed), 1);
    assert!(tickets.iter().all(|ticket| training.try_loss(ticket).unwrap().is_some()));
    assert_eq!(errors.load(Ordering::Relaxed), 0);

    let too_large =
        wgpu::BufferDescriptor { label: None, size: 1 << 60, usage: wgpu::BufferUsages::STORAGE, mapped_at_creation: false };
    drop(application.device.create_buffer(&too_large));
    assert_eq!(errors.load(Ordering::Relaxed), 1, "the application's handler of errors was replaced");
    application.device.destroy();
    let _ = application.device.poll(wgpu::PollType::Poll);
    assert_eq!(losses.load(Ordering::Relaxed), 1, "the application's handler of the device's loss was replaced");
}

#[test]
fn a_budget_decides_how_many_steps_are_recorded() {
    for is_minimal in [false, true] {
        let application = Application::new(is_minimal);
        let mut training = training(&application.engine());
        let mut frame = |budget| {
            let mut encoder = application.encoder();
            let ticket = training.record_within(&mut encoder, budget).unwrap();
            application.submit(encoder);
            application.wait();
            ticket.steps()
        };
        assert_eq!(frame(Duration::ZERO), 4, "nothing is known yet");
        let many = (0..4).map(|_| frame(Duration::from_millis(50))).max().unwrap();
        assert!(many > 8, "{many} steps in 50 ms");
        assert_eq!(frame(Duration::ZERO), 1);
        let few = frame(Duration::from_millis(5));
        assert!(few < many, "{few} in 5 ms, {many} in 50");
    }
}

#[test]
fn the_learning_rate_changes_between_frames() {
    let application = Application::new(false);
    let (mut one, mut other) = (training(&application.engine()), training(&application.engine()));
    let mut trainer = trainer(&application.engine().device());
    trainer.set_schedule(ExponentialLR::new(0.5)).unwrap();
    trainer.fit(&data(), 4, None, |_| Control::Continue).unwrap();
    let wanted = trainer.weights_hash().unwrap();

    // A schedule by epochs, in one encoder that is submitted when all is recorded.
    one.set_schedule(ExponentialLR::new(0.5)).unwrap();
    let mut encoder = application.encoder();
    for _ in 0..4 {
        one.record_steps(&mut encoder, 3).unwrap();
    }
    application.submit(encoder);
    assert_eq!(one.trainer().weights_hash().unwrap(), wanted);

    // The same by hand, and encoders that wait.
    let encoders: Vec<_> = (0..4)
        .map(|epoch| {
            other.set_learning_rate(0.01 * 0.5_f64.powi(epoch)).unwrap();
            let mut encoder = application.encoder();
            other.record_steps(&mut encoder, 3).unwrap();
            encoder
        })
        .collect();
    encoders.into_iter().for_each(|encoder| application.submit(encoder));
    assert_eq!(other.trainer().weights_hash().unwrap(), wanted);
}

#[test]
fn weights_change_between_frames() {
    let application = Application::new(false);
    let mut training = training(&application.engine());
    application.step(&mut training, 3).unwrap();
    let before = training.trainer().state_dict().unwrap();
    training
        .write_parameters(&[("3.weight".to_owned(), Tensor::zeros([1, 8])), ("3.bias".to_owned(), Tensor::from([7.0]))])
        .unwrap();
    let after = training.trainer().state_dict().unwrap();
    assert_eq!(after[..2], before[..2]);
    assert_eq!(after[2].1.to_vec(), [0.0; 8]);
    assert_eq!(after[3].1.to_vec(), [7.0]);
    let bias = training.parameter("3.bias").unwrap();
    assert_eq!(application.read_tensor(&bias), [7.0]);

    let wrong = [("3.bias".to_owned(), Tensor::zeros([2])), ("4.bias".to_owned(), Tensor::zeros([1]))];
    let error = training.write_parameters(&wrong).unwrap_err().to_string();
    assert!(error.contains("3.bias: wanted [1], got [2]") && error.contains("4.bias: wanted nothing"), "{error}");
    let error = training.parameter("5").unwrap_err().to_string();
    assert!(error.contains("0.weight, 0.bias, 3.weight, 3.bias"), "{error}");
}

fn predict(application: &Application, predictor: &Predictor, inputs: &[f32]) -> Vec<f32> {
    let output = application.buffer(&vec![0.0; predictor.output().kind().shape.elements()]);
    let mut encoder = application.encoder();
    predictor.record_predict(&mut encoder, &application.buffer(inputs), &output).unwrap();
    application.submit(encoder);
    application.read(&output, 0, (output.size() / 4) as usize)
}

#[test]
fn a_predictor_sees_the_weights_as_they_are() {
    let application = Application::new(false);
    let mut training = training(&application.engine());
    let options = PredictOptions { rows: 10, activations: true, ..PredictOptions::default() };
    let predictor = pollster::block_on(training.predictor(options)).unwrap();
    let inputs = data().inputs().tensor().to_vec();
    for _ in 0..2 {
        application.step(&mut training, 5).unwrap();
        let wanted = training.trainer().predict(data().inputs()).unwrap().to_vec();
        assert_eq!(predict(&application, &predictor, &inputs), wanted);
        assert_eq!(application.read_tensor(predictor.output()), wanted);
    }
    assert_eq!(predictor.layers().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    let [linear, tanh, dropout] = ["0", "1", "2"].map(|layer| application.read_tensor(predictor.activation(layer).unwrap()));
    assert_eq!(dropout, tanh);
    assert!(linear.iter().zip(&tanh).all(|(x, y)| (x.tanh() - y).abs() < 1e-5));
    assert_eq!(application.read_tensor(predictor.activation("3").unwrap()), application.read_tensor(predictor.output()));

    // Its weights outlive the training.
    let wanted = training.trainer().predict(data().inputs()).unwrap().to_vec();
    drop(training);
    application.write(predictor.input().buffer(), predictor.input().offset(), &inputs);
    let mut encoder = application.encoder();
    predictor.record_predict(&mut encoder, CopyFrom::Here, CopyTo::Here).unwrap();
    application.submit(encoder);
    assert_eq!(application.read_tensor(predictor.output()), wanted);
}

#[test]
fn a_predictor_alone_takes_weights_from_bytes() {
    let application = Application::new(true);
    let mut trainer = trainer(&Device::cpu());
    trainer.fit(&data(), 5, None, |_| Control::Continue).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    trainer.save_weights(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let wanted = trainer.predict(data().inputs()).unwrap().to_vec();
    let options = PredictOptions { rows: 10, ..PredictOptions::default() };
    let of_state_dict = Weights::from(&*trainer.state_dict().unwrap());
    for weights in [Weights::from_bytes(&bytes).unwrap(), Weights::read(&path).unwrap(), of_state_dict] {
        let before = application.buffers();
        let predictor = pollster::block_on(application.engine().predictor(model(), &weights, &[2], options)).unwrap();
        // The parameters, the input, the output and the dims: no gradient, no state of an optimizer.
        assert!(application.buffers() - before <= 5, "{} buffers", application.buffers() - before);
        let got = predict(&application, &predictor, &data().inputs().tensor().to_vec());
        assert!(got.iter().zip(&wanted).all(|(got, wanted)| (got - wanted).abs() < 1e-5), "{got:?} {wanted:?}");
    }
    let error = Weights::from_bytes(&bytes[..bytes.len() - 1]).unwrap_err().to_string();
    assert!(error.starts_with("weights: wanted a whole file of safetensors, got "), "{error}");
    let other = Sequential::new().add(Linear::new(2, 9)).add(Linear::new(9, 1));
    let weights = Weights::from_bytes(&bytes).unwrap();
    let error = pollster::block_on(application.engine().predictor(other, &weights, &[2], options)).unwrap_err().to_string();
    for part in ["0.weight: wanted [9, 2], got [8, 2]", "1.bias: wanted [1], got nothing", "3.bias: wanted nothing"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

fn texture(
    application: &Application,
    format: wgpu::TextureFormat,
    usage: wgpu::TextureUsages,
    [width, height]: [u32; 2],
) -> wgpu::Texture {
    application.device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: usage | wgpu::TextureUsages::COPY_SRC | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    })
}

/// A layer that doubles what it gets, plus a parameter that is 0.
#[derive(Debug)]
struct Double;

impl Layer for Double {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        let bias = input.trace().parameter("bias", [1], wgrad::Initial::Constant(0.0))?;
        Ok(2.0 * input + bias)
    }
}

#[test]
fn textures_go_in_and_out() {
    let application = Application::new(false);
    let weights = Weights::from(&[("bias".to_owned(), Tensor::from([0.0]))][..]);
    let doubled = |input: &[usize]| {
        pollster::block_on(application.engine().predictor(Double, &weights, input, PredictOptions::default())).unwrap()
    };
    let usage = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::STORAGE_BINDING;
    // 5 x 3 texels: red, green and blue differ at each.
    let size = [5, 3];
    let camera = texture(&application, wgpu::TextureFormat::Rgba8Unorm, usage, size);
    let texels: Vec<u8> = (0..15).flat_map(|texel| [texel * 8, 120 - texel * 8, 60, 255]).collect();
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(20), rows_per_image: None };
    application.queue.write_texture(camera.as_image_copy(), &texels, layout, camera.size());
    let output = texture(&application, wgpu::TextureFormat::Rgba8Unorm, usage, size);

    let colours = doubled(&[3, 3, 5]);
    let mut encoder = application.encoder();
    colours.record_predict(&mut encoder, &camera, &output).unwrap();
    application.submit(encoder);
    let planes = application.read_tensor(colours.input());
    for (texel, place) in texels.chunks_exact(4).zip(0..) {
        for channel in 0..3 {
            assert!((planes[channel * 15 + place] - f32::from(texel[channel]) / 255.0).abs() < 1e-6, "{place} {channel}");
        }
    }
    assert_eq!(
        read_bytes(&application, &output),
        texels.iter().enumerate().map(|(index, &byte)| { if index % 4 == 3 { 255 } else { byte * 2 } }).collect::<Vec<u8>>()
    );

    let grey = doubled(&[15]);
    let height_map = texture(&application, wgpu::TextureFormat::R32Float, usage, size);
    let mut encoder = application.encoder();
    grey.record_predict(&mut encoder, &camera, &height_map).unwrap();
    application.submit(encoder);
    let luma =
        |texel: &[u8]| (0.2126 * f32::from(texel[0]) + 0.7152 * f32::from(texel[1]) + 0.0722 * f32::from(texel[2])) / 255.0;
    for (got, texel) in application.read_tensor(grey.output()).iter().zip(texels.chunks_exact(4)) {
        assert!((got - 2.0 * luma(texel)).abs() < 1e-5, "{got} {texel:?}");
    }

    let mut encoder = application.encoder();
    let mut wrong = |input: CopyFrom, output: CopyTo| grey.record_predict(&mut encoder, input, output).unwrap_err().to_string();
    let small = texture(&application, wgpu::TextureFormat::Rgba8Unorm, usage, [2, 3]);
    let integers = texture(&application, wgpu::TextureFormat::R32Uint, usage, size);
    let plain = texture(&application, wgpu::TextureFormat::Rgba8Unorm, wgpu::TextureUsages::empty(), size);
    assert!(wrong((&small).into(), CopyTo::Here).contains("wanted one layer of the pixels of f32[1, 15]"));
    assert!(wrong((&integers).into(), CopyTo::Here).contains("wanted a format of floats, got R32Uint"));
    assert!(wrong((&plain).into(), CopyTo::Here).contains("wanted a usage with TEXTURE_BINDING"));
    assert!(wrong(CopyFrom::Here, (&integers).into()).contains("got R32Uint"));
    let buffer = application.buffer(&[0.0; 14]);
    assert!(wrong((&buffer).into(), CopyTo::Here).contains("wanted 60 bytes"));
    assert!(wrong(CopyFrom::Buffer(&buffer, 6), CopyTo::Here).contains("a multiple of 4"));
    assert!(wrong(CopyFrom::Here, (&buffer).into()).contains("got a buffer of 56 bytes"));
    assert!(wrong(grey.input().into(), CopyTo::Here).contains("or Here for the tensor itself"));
}

/// The bytes of a texture of 5 x 3 texels of four bytes.
fn read_bytes(application: &Application, texture: &wgpu::Texture) -> Vec<u8> {
    let buffer = application.buffer(&[0.0; 64 * 3]);
    let mut encoder = application.encoder();
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(256), rows_per_image: None };
    encoder.copy_texture_to_buffer(
        texture.as_image_copy(),
        wgpu::TexelCopyBufferInfo { buffer: &buffer, layout },
        texture.size(),
    );
    application.submit(encoder);
    let floats = application.read(&buffer, 0, 64 * 3);
    let bytes: Vec<u8> = floats.iter().flat_map(|float| float.to_bits().to_le_bytes()).collect();
    bytes.chunks(256).flat_map(|row| row[..20].to_vec()).collect()
}

#[test]
fn data_may_be_overwritten_on_the_device() {
    let application = Application::new(false);
    let mut training = training(&application.engine());
    let (inputs, targets) = (training.inputs().unwrap(), training.targets().unwrap());
    application.write(inputs.buffer(), inputs.offset(), &[0.25; 20]);
    application.write(targets.buffer(), targets.offset(), &[4.0; 10]);
    application.step(&mut training, 1500).unwrap();
    let outputs = training.trainer().predict(Tensor::f32([1, 2], vec![0.25; 2]).unwrap()).unwrap().to_vec();
    assert!((outputs[0] - 4.0).abs() < 0.5, "{outputs:?}");
}

#[test]
fn steps_that_are_never_submitted_are_reported_and_left_out() {
    let application = Application::new(false);
    let mut training = training(&application.engine());
    application.step(&mut training, 3).unwrap();
    let lost = training.record_steps(&mut application.encoder(), 2).unwrap();
    let error = training.try_loss(&lost).unwrap_err().to_string();
    assert!(error.contains("recorded steps: its encoder was dropped"), "{error}");
    // The clock is set anew: the next steps are counted as they should be.
    let next = application.step(&mut training, 4).unwrap();
    application.wait();
    assert!(training.try_loss(&next).unwrap().is_some());

    // Where nobody has asked, the next ticket tells.
    drop(training.record_steps(&mut application.encoder(), 2).unwrap());
    let after = application.step(&mut training, 2).unwrap();
    application.wait();
    assert!(training.try_loss(&after).unwrap().is_some(), "the encoder was gone before the next steps were recorded");
    let mut late = application.encoder();
    let late_ticket = training.record_steps(&mut late, 2).unwrap();
    let early_ticket = application.step(&mut training, 2).unwrap();
    drop(late);
    application.wait();
    for ticket in [&late_ticket, &early_ticket] {
        assert!(training.try_loss(ticket).unwrap_err().to_string().contains("was dropped before it was submitted"));
    }
    let next = application.step(&mut training, 1).unwrap();
    application.wait();
    assert!(training.try_loss(&next).unwrap().is_some());
}

#[test]
fn a_loss_that_is_not_finite_stops_the_training() {
    let application = Application::new(false);
    let engine = application.engine();
    let mut training = pollster::block_on(engine.training(model(), MSELoss, SGD::new(1e30), &data())).unwrap();
    let ticket = application.step(&mut training, 30).unwrap();
    application.wait();
    let error = training.try_loss(&ticket).unwrap_err();
    assert!(matches!(error, Error::NotFinite { step: 2..=5, epoch: None }), "{error}");
    let error = training.record_steps(&mut application.encoder(), 1).unwrap_err();
    assert!(matches!(error, Error::NotFinite { .. }), "{error}");
    assert!(training.trainer().parameters().unwrap().iter().all(|(_, tensor)| tensor.to_vec().iter().all(|x| x.is_finite())));
}

#[test]
fn two_engines_share_a_device_and_one_of_them_a_thread() {
    let application = Application::new(false);
    let wanted = {
        let mut alone = training(&application.engine());
        losses(&application, &mut alone, 6, 2)
    };
    let mut here = training(&application.engine());
    let there = std::thread::spawn({
        let (engine, device, queue) = (application.engine(), application.device.clone(), application.queue.clone());
        move || {
            let mut training = training(&engine);
            let mut losses = Vec::new();
            for _ in 0..6 {
                let mut encoder = device.create_command_encoder(&Default::default());
                let ticket = training.record_steps(&mut encoder, 2).unwrap();
                queue.submit([encoder.finish()]);
                device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
                // Another thread's poll may still be calling back.
                losses.push(std::iter::repeat_with(|| training.try_loss(&ticket).unwrap()).find_map(|loss| loss).unwrap());
            }
            losses
        }
    });
    let tickets: Vec<Ticket> = (0..6).map(|_| application.step(&mut here, 2).unwrap()).collect();
    application.wait();
    let landed = |ticket: &Ticket| std::iter::repeat_with(|| here.try_loss(ticket).unwrap()).find_map(|loss| loss).unwrap();
    assert_eq!(tickets.iter().map(landed).collect::<Vec<_>>(), wanted);
    assert_eq!(there.join().unwrap(), wanted);
}

#[test]
fn an_engine_that_is_dropped_leaves_nothing_behind() {
    let application = Application::new(false);
    let engine = application.engine();
    drop(training(&engine));
    application.wait();
    let before = application.buffers();
    for _ in 0..3 {
        let mut training = training(&engine);
        let predictor = pollster::block_on(training.predictor(PredictOptions::default())).unwrap();
        let tickets: Vec<Ticket> = (0..9).map(|_| application.step(&mut training, 2).unwrap()).collect();
        let mut encoder = application.encoder();
        training.record_steps(&mut encoder, 1).unwrap();
        drop((training, predictor, tickets));
        // In the middle of training: what was recorded is submitted all the same.
        application.submit(encoder);
        application.wait();
    }
    assert_eq!(application.buffers(), before);
}

#[test]
fn staging_memory_is_used_again() {
    let application = Application::new(false);
    let mut training = training(&application.engine());
    let frame = |training: &mut Training| {
        let ticket = application.step(training, 1).unwrap();
        application.wait();
        training.try_loss(&ticket).unwrap().unwrap();
    };
    frame(&mut training);
    let before = application.buffers();
    (0..50).for_each(|_| frame(&mut training));
    assert_eq!(application.buffers(), before);
}

#[test]
fn training_goes_on_from_a_checkpoint_on_a_new_device() {
    let application = Application::new(false);
    let mut training = training(&application.engine());
    application.step(&mut training, 4).unwrap();
    let mut encoder = application.encoder();
    let ticket = training.record_checkpoint(&mut encoder).unwrap();
    let lost = training.record_steps(&mut encoder, 5).unwrap();
    application.submit(encoder);
    application.wait();
    assert!(training.try_loss(&lost).unwrap().is_some());
    let wanted = training.trainer().weights_hash().unwrap();
    let checkpoint: Checkpoint = training.try_checkpoint(&ticket).unwrap().unwrap();
    application.device.destroy();
    drop(training);

    let other = Application::new(false);
    let mut resumed = self::training(&other.engine());
    other.step(&mut resumed, 1).unwrap();
    resumed.resume(&checkpoint).unwrap();
    let ticket = other.step(&mut resumed, 5).unwrap();
    other.wait();
    assert!(resumed.try_loss(&ticket).unwrap().is_some());
    assert_eq!(resumed.trainer().weights_hash().unwrap(), wanted);

    // It is a file of the trainer's too.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training");
    checkpoint.write(&path).unwrap();
    let mut trainer = trainer(&other.engine().device());
    trainer.load(&path).unwrap();
    assert_eq!(trainer.steps(), 4);
}

/// Parameters and outputs land as they were where they were recorded, whatever is recorded behind.
#[test]
fn tensors_are_read_and_written_in_frames() {
    for is_minimal in [false, true] {
        let application = Application::new(is_minimal);
        let mut training = training(&application.engine());
        let options = PredictOptions { rows: 2, ..PredictOptions::default() };
        let predictor = pollster::block_on(training.predictor(options)).unwrap();
        let (weight, output) = (training.parameter("0.weight").unwrap(), predictor.output().clone());
        let examples = Tensor::f32([2, 2], vec![0.5, -0.25, 1.0, 0.125]).unwrap();
        training.write(predictor.input(), &examples).unwrap();
        assert!(training.write(predictor.input(), &Tensor::zeros([2, 3])).is_err());

        let mut encoder = application.encoder();
        training.record_steps(&mut encoder, 3).unwrap();
        predictor.record_predict(&mut encoder, CopyFrom::Here, CopyTo::Here).unwrap();
        let reading = training.record_read(&mut encoder, &[output.clone(), weight.clone()]).unwrap();
        assert!(training.try_read(&reading).unwrap().is_none());
        application.submit(encoder);
        application.wait();
        let wanted = [application.read_tensor(&output), application.read_tensor(&weight)];
        application.step(&mut training, 1).unwrap();
        let tensors = training.try_read(&reading).unwrap().unwrap();
        assert_eq!(tensors.iter().map(Tensor::to_vec).collect::<Vec<_>>(), wanted);
        assert_eq!(tensors[1].kind(), *weight.kind());
        let predicted = training.trainer().predict(examples).unwrap();
        assert_ne!(predicted.to_vec(), wanted[0], "nothing was learned since");

        let mut encoder = application.encoder();
        let lost = training.record_read(&mut encoder, &[weight]).unwrap();
        drop(encoder);
        assert!(training.try_read(&lost).is_err());
    }
}

/// A checkpoint behind steps that were never submitted holds what the device has done, and training goes on from it.
#[test]
fn a_checkpoint_behind_a_dropped_encoder_is_whole() {
    let application = Application::new(false);
    let mut training = training(&application.engine());
    application.step(&mut training, 3).unwrap();
    application.wait();
    drop(training.record_steps(&mut application.encoder(), 4).unwrap());
    let mut encoder = application.encoder();
    let ticket = training.record_checkpoint(&mut encoder).unwrap();
    let old = training.record_steps(&mut encoder, 2).unwrap();
    application.submit(encoder);
    application.wait();
    let checkpoint = training.try_checkpoint(&ticket).unwrap().unwrap();
    assert!(training.try_loss(&old).unwrap().is_some());
    let wanted = training.trainer().weights_hash().unwrap();

    let mut resumed = self::training(&application.engine());
    let lost = resumed.record_steps(&mut application.encoder(), 1).unwrap();
    let early = application.step(&mut resumed, 1).unwrap();
    resumed.resume(&checkpoint).unwrap();
    let next = application.step(&mut resumed, 2).unwrap();
    application.wait();
    assert!(resumed.try_loss(&next).unwrap().is_some());
    assert_eq!(resumed.trainer().weights_hash().unwrap(), wanted);
    for ticket in [&lost, &early] {
        assert!(!matches!(resumed.try_loss(ticket), Ok(None)), "a ticket of steps before the checkpoint stays open");
    }
}

/// A recorded checkpoint is what the trainer makes by waiting, also where a training that goes on with other data still
/// holds the log of those before, which no plan of its own has.
#[test]
fn a_recorded_checkpoint_is_that_of_a_trainer() {
    let application = Application::new(false);
    let open =
        |data: &Dataset| pollster::block_on(application.engine().training(model(), MSELoss, Adam::new(0.01), data)).unwrap();
    let (all, fewer) = (data(), data().take(6).unwrap());
    for (first, second) in [(&all, &fewer), (&fewer, &all)] {
        let (mut one, mut other) = (open(first), open(second));
        application.step(&mut one, 3).unwrap();
        other.resume(&one.trainer().checkpoint().unwrap()).unwrap();
        application.step(&mut other, 2).unwrap();
        for training in [&mut one, &mut other] {
            let mut encoder = application.encoder();
            let ticket = training.record_checkpoint(&mut encoder).unwrap();
            application.submit(encoder);
            application.wait();
            let recorded = training.try_checkpoint(&ticket).unwrap().unwrap();
            assert!(recorded == training.trainer().checkpoint().unwrap(), "{} examples", second.len());
        }
    }
}

#[test]
fn a_lost_device_is_an_error() {
    let application = Application::new(false);
    let engine = application.engine();
    let mut training = training(&engine);
    let predictor = pollster::block_on(training.predictor(PredictOptions::default())).unwrap();
    let ticket = application.step(&mut training, 2).unwrap();
    application.wait();
    assert!(training.try_loss(&ticket).unwrap().is_some());
    let output = application.buffer(&[0.0]);
    application.device.on_uncaptured_error(Arc::new(|_| ()));
    application.device.destroy();
    let _ = application.device.poll(wgpu::PollType::Poll);
    for _ in 0..3 {
        let mut encoder = application.encoder();
        let recorded = training.record_steps(&mut encoder, 2);
        let _ = predictor.record_predict(&mut encoder, CopyFrom::Here, &output);
        let checkpoint = training.record_checkpoint(&mut encoder);
        application.submit(encoder);
        let _ = application.device.poll(wgpu::PollType::Poll);
        let failed = recorded.and_then(|ticket| training.try_loss(&ticket)).unwrap_err();
        assert!(matches!(failed, Error::Executor(_)), "{failed}");
        let failed = checkpoint.and_then(|ticket| training.try_checkpoint(&ticket)).unwrap_err();
        assert!(matches!(failed, Error::Executor(_)), "{failed}");
    }
    assert!(training.trainer().weights_hash().is_err());
    let made = pollster::block_on(engine.training(model(), MSELoss, Adam::new(0.01), &data()));
    assert!(made.is_err());
}

#[test]
fn a_device_with_too_low_limits_is_refused() {
    let application = Application::new(false);
    let adapter = pollster::block_on(application.instance.request_adapter(&Default::default())).unwrap();
    let required_limits = wgpu::Limits {
        max_storage_buffers_per_shader_stage: 4,
        max_compute_workgroup_storage_size: 8192,
        ..wgpu::Limits::default()
    };
    let low = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&low)).unwrap();
    let error = Engine::check(&device).unwrap_err().to_string();
    for part in ["max_storage_buffers_per_shader_stage of 8 (got 4)", "max_compute_workgroup_storage_size of 16384 (got 8192)"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(Engine::from_wgpu(device, queue, options()).is_err());
    Engine::check(&Application::new(true).device).unwrap();
}

/// A layer of 70,000 units for 500 examples at once would be larger than the 128 MiB that WebGPU's limits allow.
#[test]
fn as_many_examples_are_evaluated_at_once_as_a_device_has_room_for() {
    let application = Application::new(true);
    let wide = Sequential::new().add(Linear::new(1, 70_000)).add(Tanh).add(Linear::new(70_000, 1));
    let mut trainer = Trainer::new(&application.engine().device(), wide, MSELoss, SGD::new(0.01), options()).unwrap();
    let inputs = Tensor::linspace(-1.0, 1.0, 600).reshaped([600, 1]).unwrap();
    let outputs = trainer.predict(&inputs).unwrap();
    let data = Dataset::new(inputs.clone(), outputs.clone()).unwrap();
    let score = trainer.evaluate(&data).unwrap();
    assert!(score.loss < 1e-10, "{score}");
    let few = trainer.predict(inputs.select(&[0, 299, 599]).unwrap()).unwrap().to_vec();
    let all = outputs.to_vec();
    assert!([all[0], all[299], all[599]].iter().zip(&few).all(|(all, few)| (all - few).abs() < 1e-5), "{few:?}");
}

/// An application compiles networks in a thread of its own, and moves them to the one that draws.
#[test]
fn an_engine_can_be_made_in_another_thread() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let application = Application::new(false);
    let engine = application.engine();
    let future = is_send({
        let engine = engine.clone();
        async move {
            let mut training = engine.training(model(), MSELoss, Adam::new(0.01), &data()).await?;
            let predictor = training.predictor(PredictOptions::default()).await?;
            Ok::<_, Error>((training, predictor))
        }
    });
    let (mut training, predictor) = std::thread::spawn(move || pollster::block_on(future)).join().unwrap().unwrap();
    is_send(&predictor);
    let ticket = application.step(&mut training, 3).unwrap();
    application.wait();
    assert!(training.try_loss(&ticket).unwrap().is_some());
}

#[test]
fn an_evaluation_in_frames_has_the_score_of_a_trainer_s() {
    let application = Application::new(false);
    let mut training = training(&application.engine());
    // More than a step of evaluation takes, and a smaller rest.
    let xs: Vec<f32> = (0..2020).map(|index| (index as f32 * 0.3).cos()).collect();
    let ys = xs.chunks_exact(2).map(|x| x[0] - x[1]).collect();
    let test = Dataset::new(Tensor::f32([1010, 2], xs).unwrap(), Tensor::f32([1010, 1], ys).unwrap()).unwrap();
    let mut evaluation = pollster::block_on(training.evaluation(&test)).unwrap();
    for _ in 0..2 {
        application.step(&mut training, 5).unwrap();
        // Both kinds of steps, one in a frame.
        let mut frames = 0;
        loop {
            let mut encoder = application.encoder();
            let is_last = training.record_evaluation(&mut encoder, &mut evaluation, Duration::from_nanos(1)).unwrap();
            assert_eq!(training.try_evaluation(&mut evaluation).unwrap(), None);
            application.submit(encoder);
            frames += 1;
            if is_last {
                break;
            }
        }
        assert!((2..=3).contains(&frames), "{frames}");
        application.wait();
        let score = training.try_evaluation(&mut evaluation).unwrap();
        assert_eq!(training.try_evaluation(&mut evaluation).unwrap(), None);
        assert_eq!(score, Some(training.trainer().evaluate(&test).unwrap()));
    }
    // A frame that is never submitted ends the pass, and the next begins anew.
    let mut dropped = application.encoder();
    training.record_evaluation(&mut dropped, &mut evaluation, Duration::from_nanos(1)).unwrap();
    drop(dropped);
    assert!(training.try_evaluation(&mut evaluation).is_err());
    let wanted = training.trainer().evaluate(&test).unwrap();
    let mut encoder = application.encoder();
    while !training.record_evaluation(&mut encoder, &mut evaluation, Duration::from_secs(1)).unwrap() {}
    application.submit(encoder);
    application.wait();
    assert_eq!(training.try_evaluation(&mut evaluation).unwrap(), Some(wanted));
}
