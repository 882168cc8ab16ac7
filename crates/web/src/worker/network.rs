//! The network: it learns and reads a little in each turn of the worker.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use wgrad::prelude::*;
use wgrad::{CopyFrom, CopyTo, Engine, Evaluation, PredictOptions, Predictor, Reading, Ticket, Training, wgpu};

use crate::browser::{Failure, Result};
use crate::drawing::SIDE;
use crate::messages::{Image, News};

/// Digits in a step: as many as leave no rest of 20,000 or 60,000, which would need a plan of its own.
const BATCH: usize = 80;
/// Steps between two tests.
const TEST_EVERY: u64 = 200;
/// Submissions that the device may have at once: one that runs, and one that waits.
const IN_FLIGHT: u32 = 2;

/// The worker's device.
#[derive(Clone)]
pub struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    /// What it is called, for the reader.
    pub name: String,
    /// Whether it is the CPU that runs shaders.
    pub is_software: bool,
}

/// A network, and what it has recorded.
pub struct Network {
    gpu: Gpu,
    training: Training,
    evaluation: Evaluation,
    reader: Predictor,
    budget: Duration,
    examples: usize,
    in_flight: Arc<AtomicU32>,
    /// Steps on their way, with their number.
    tickets: VecDeque<(u64, Ticket)>,
    test: Test,
    /// What is being read, and which drawing it is of.
    reading: Option<(u32, Reading)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Test {
    /// Due at this step.
    Due(u64),
    /// Being recorded since this step.
    Recording(u64),
    /// On its way since this step.
    Landing(u64),
}

impl Gpu {
    /// The browser's own choice.
    pub async fn request() -> Result<Self> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends: wgpu::Backends::BROWSER_WEBGPU,
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        });
        let options =
            wgpu::RequestAdapterOptions { power_preference: wgpu::PowerPreference::HighPerformance, ..Default::default() };
        let adapter = instance.request_adapter(&options).await;
        let adapter = adapter.map_err(|_| Failure::new("This browser offers WebGPU, but no device of this computer for it."))?;
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("the worker's"),
            required_features: Engine::required_features(&adapter),
            required_limits: Engine::required_limits(&adapter),
            ..Default::default()
        };
        let (device, queue) = adapter.request_device(&descriptor).await.map_err(Failure::new)?;
        let info = adapter.get_info();
        let is_software = info.device_type == wgpu::DeviceType::Cpu || info.name.to_lowercase().contains("swiftshader");
        Ok(Self { device, queue, name: info.name, is_software })
    }
}

impl Network {
    /// A network that knows nothing yet; `seed` decides how it begins.
    pub async fn make(gpu: &Gpu, seed: u32, train: &Dataset, test: &Dataset) -> Result<Self> {
        let options = Options { batch_size: BATCH, seed, ..Options::default() };
        let engine = Engine::from_wgpu(gpu.device.clone(), gpu.queue.clone(), options)?;
        let model = Sequential::new().add(Linear::new(SIDE * SIDE, 128)).add(ReLU).add(Linear::new(128, 10));
        let mut training = engine.training(model, CrossEntropyLoss, Adam::new(0.001), train).await?;
        let evaluation = training.evaluation(test).await?;
        let normalization = train.inputs().normalization();
        let reader = training.predictor(PredictOptions { normalization, ..PredictOptions::default() }).await?;
        // Where a device tells no times, those that are known are longer than what it takes.
        let has_timestamps = gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        let budget = Duration::from_millis(if has_timestamps { 10 } else { 40 });
        Ok(Self {
            gpu: gpu.clone(),
            training,
            evaluation,
            reader,
            budget,
            examples: train.len(),
            in_flight: Arc::default(),
            tickets: VecDeque::new(),
            test: Test::Due(TEST_EVERY / 2),
            reading: None,
        })
    }

    /// Whether nothing is on its way or due, as long as nothing else is wanted.
    pub fn is_idle(&self) -> bool {
        let is_tested = matches!(self.test, Test::Due(due) if due > self.training.steps());
        is_tested && self.tickets.is_empty() && self.reading.is_none()
    }

    /// Records what the device does next, unless it has enough to do, and takes in what it has done: training, where that
    /// is wanted, and the reading of an image, which is taken away once it is under way.
    pub fn turn(&mut self, trains: bool, image: &mut Option<Image>) -> Result<Vec<News>> {
        let news = self.take_in()?;
        if self.in_flight.load(Ordering::Relaxed) >= IN_FLIGHT {
            return Ok(news);
        }
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        let has_worked = self.record_work(&mut encoder, trains)?;
        let has_read = self.record_reading(&mut encoder, image)?;
        if has_worked || has_read {
            self.submit(encoder);
        }
        Ok(news)
    }

    fn submit(&self, encoder: wgpu::CommandEncoder) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.gpu.queue.submit([encoder.finish()]);
        let in_flight = self.in_flight.clone();
        self.gpu.queue.on_submitted_work_done(move || {
            in_flight.fetch_sub(1, Ordering::Relaxed);
        });
    }

    /// Records a part of a test that has begun or is due, else training.
    fn record_work(&mut self, encoder: &mut wgpu::CommandEncoder, trains: bool) -> Result<bool> {
        let steps = self.training.steps();
        match self.test {
            Test::Due(due) if due <= steps => self.test = Test::Recording(steps),
            _ => {}
        }
        if let Test::Recording(since) = self.test {
            if self.training.record_evaluation(encoder, &mut self.evaluation, self.budget)? {
                self.test = Test::Landing(since);
            }
        } else if trains {
            let ticket = self.training.record_within(encoder, self.budget)?;
            self.tickets.push_back((self.training.steps(), ticket));
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn record_reading(&mut self, encoder: &mut wgpu::CommandEncoder, image: &mut Option<Image>) -> Result<bool> {
        if self.reading.is_some() {
            return Ok(false);
        }
        let Some(Image { number, pixels }) = image.take() else { return Ok(false) };
        // The model's inputs are bytes.
        let pixels = Tensor::f32([1, SIDE * SIDE], pixels.iter().map(|ink| 255.0 * ink).collect())?;
        self.training.write(self.reader.input(), &pixels)?;
        self.reader.record_predict(encoder, CopyFrom::Here, CopyTo::Here)?;
        self.reading = Some((number, self.training.record_read(encoder, &[self.reader.output().clone()])?));
        Ok(true)
    }

    fn take_in(&mut self) -> Result<Vec<News>> {
        let mut news = Vec::new();
        while let Some((step, ticket)) = self.tickets.front() {
            let Some(loss) = self.training.try_loss(ticket)? else { break };
            let epochs = (step * BATCH as u64) as f64 / self.examples as f64;
            news.push(News::Trained { step: *step, epochs, loss });
            self.tickets.pop_front();
        }
        if let (Test::Landing(since), Some(score)) = (self.test, self.training.try_evaluation(&mut self.evaluation)?) {
            news.extend(score.accuracy.map(|accuracy| News::Tested { step: since, accuracy }));
            self.test = Test::Due(since + TEST_EVERY);
        }
        if let Some((number, reading)) = &self.reading
            && let Some(outputs) = self.training.try_read(reading)?
        {
            let read = |logits: &Tensor| News::Read { number: *number, shares: softmax(&logits.to_vec()) };
            news.extend(outputs.first().map(read));
            self.reading = None;
        }
        Ok(news)
    }
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f32 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}
