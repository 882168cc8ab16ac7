//! What an engine leaves alone on a device that it was lent, and what it bears there.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wgrad::prelude::*;
use wgrad::{CopyFrom, Engine, PredictOptions, Ticket, Training, wgpu};

use crate::application::{Application, data, losses, model, options, training};

/// The number that wgpu gives to a submission: submissions of a queue are counted.
fn number(index: &wgpu::SubmissionIndex) -> u64 {
    let text = format!("{index:?}");
    text.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

/// An application's own handlers, its submissions and its polls are the only ones. Nothing that was recorded runs before the
/// end, since nobody submits it: whoever waited for the device would wait for ever.
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
    let mut evaluation = pollster::block_on(training.evaluation(&data())).unwrap();
    let picture = application.texture(wgpu::TextureFormat::Rgba8Unorm, wgpu::TextureUsages::STORAGE_BINDING, [5, 2]);
    // What the trainer does may wait, and so it does before anything is counted.
    let first_checkpoint = training.trainer().checkpoint().unwrap();
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
    let map = || {
        let landed_seen = landed_seen.clone();
        staging.map_async(wgpu::MapMode::Read, .., move |_| {
            landed_seen.fetch_add(1, Ordering::Relaxed);
        });
    };
    map();
    let mut encoder = application.encoder();
    let mut tickets = Vec::new();
    let mut readings = Vec::new();
    for frame in 0..20 {
        tickets.push(training.record_steps(&mut encoder, 2).unwrap());
        tickets.push(training.record_within(&mut encoder, Duration::from_millis(1)).unwrap());
        predictor.record_predict(&mut encoder, &points, &output).unwrap();
        let checkpoint = training.record_checkpoint(&mut encoder).unwrap();
        assert!(training.try_checkpoint(&checkpoint).unwrap().is_none());
        training.set_learning_rate(0.01 / (frame + 1) as f64).unwrap();
        training.set_group_weight_decay(0, 0.01 * frame as f64).unwrap();
        training.write_parameters(&weights).unwrap();
        predictor.record_predict(&mut encoder, CopyFrom::Here, &picture).unwrap();
        readings.push(training.record_read(&mut encoder, std::slice::from_ref(&points)).unwrap());
        assert!(training.try_read(&readings[frame]).unwrap().is_none());
        training.record_evaluation(&mut encoder, &mut evaluation, Duration::from_millis(1)).unwrap();
        assert!(training.try_evaluation(&mut evaluation).unwrap().is_none());
        assert!(tickets.iter().all(|ticket| training.try_loss(ticket).unwrap().is_none()));
    }
    assert_eq!(landed.load(Ordering::Relaxed), 0, "somebody has polled the device");
    let second = number(&application.queue.submit([encoder.finish()]));
    // wgpu has given one number to the mapping.
    assert_eq!(second, first + 2, "somebody has submitted to the queue");
    application.wait();
    assert_eq!(landed.load(Ordering::Relaxed), 1);
    assert!(tickets.iter().all(|ticket| training.try_loss(ticket).unwrap().is_some()));
    assert!(readings.iter().all(|reading| training.try_read(reading).unwrap().is_some()));
    assert!(training.try_evaluation(&mut evaluation).unwrap().is_some());

    // Going back to a checkpoint writes to the queue, and neither submits nor polls.
    staging.unmap();
    let first = number(&application.queue.submit([]));
    map();
    training.resume(&first_checkpoint).unwrap();
    training.record_steps(&mut application.encoder(), 1).unwrap();
    assert_eq!(landed.load(Ordering::Relaxed), 1, "somebody has polled the device");
    assert_eq!(number(&application.queue.submit([])), first + 2, "somebody has submitted to the queue");
    application.wait();
    assert_eq!(landed.load(Ordering::Relaxed), 2);
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
fn staging_memory_does_not_grow() {
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
fn a_lost_device_is_an_error() {
    let application = Application::new(false);
    let engine = application.engine();
    let mut training = training(&engine);
    let predictor = pollster::block_on(training.predictor(PredictOptions::default())).unwrap();
    let ticket = application.step(&mut training, 2).unwrap();
    application.wait();
    assert!(training.try_loss(&ticket).unwrap().is_some());
    let output = application.buffer(&[0.0]);
    let texture = application.texture(wgpu::TextureFormat::R32Float, wgpu::TextureUsages::STORAGE_BINDING, [1, 1]);
    // Submitting to a lost device is the application's mistake; recording for it reaches no handler.
    let errors = Arc::new(Mutex::new(Vec::new()));
    let told = errors.clone();
    application.device.on_uncaptured_error(Arc::new(move |error| told.lock().unwrap().push(error.to_string())));
    application.device.destroy();
    let _ = application.device.poll(wgpu::PollType::Poll);
    for _ in 0..3 {
        let mut encoder = application.encoder();
        let recorded = training.record_steps(&mut encoder, 2);
        let shown = predictor.record_predict(&mut encoder, CopyFrom::Here, &texture);
        assert!(matches!(shown, Err(Error::DeviceLost { .. })), "{shown:?}");
        let predicted = predictor.record_predict(&mut encoder, CopyFrom::Here, &output);
        assert!(matches!(predicted, Err(Error::DeviceLost { .. })), "{predicted:?}");
        let checkpoint = training.record_checkpoint(&mut encoder);
        assert_eq!(*errors.lock().unwrap(), Vec::<String>::new());
        application.submit(encoder);
        let _ = application.device.poll(wgpu::PollType::Poll);
        errors.lock().unwrap().clear();
        let failed = recorded.and_then(|ticket| training.try_loss(&ticket)).unwrap_err();
        assert!(matches!(failed, Error::DeviceLost { .. }), "{failed}");
        let failed = checkpoint.and_then(|ticket| training.try_checkpoint(&ticket)).unwrap_err();
        assert!(matches!(failed, Error::DeviceLost { .. }), "{failed}");
        // What is known now is known to whatever shares the device.
        let recorded = training.record_steps(&mut application.encoder(), 1).unwrap_err();
        assert!(matches!(recorded, Error::DeviceLost { .. }), "{recorded}");
    }
    let read = training.trainer().weights_hash().unwrap_err();
    assert!(matches!(read, Error::DeviceLost { .. }), "{read}");
    let made = pollster::block_on(engine.training(model(), MSELoss, Adam::new(0.01), &data()));
    assert!(matches!(made, Err(Error::DeviceLost { .. })), "{made:?}");
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
    let adapter = pollster::block_on(application.instance.request_adapter(&Default::default())).unwrap();
    let required_limits = wgpu::Limits { max_compute_workgroup_size_y: 1, ..wgpu::Limits::default() };
    let flat = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
    let (device, _) = pollster::block_on(adapter.request_device(&flat)).unwrap();
    assert!(Engine::check(&device).unwrap_err().to_string().contains("max_compute_workgroup_size_y of 256 (got 1)"));
}

/// What a device that passes the check may lack is missed only by those who ask for it.
#[test]
fn a_device_without_textures_is_enough_for_buffers() {
    let required_limits = wgpu::Limits {
        max_sampled_textures_per_shader_stage: 0,
        max_storage_textures_per_shader_stage: 0,
        max_uniform_buffer_binding_size: 1 << 10,
        ..wgpu::Limits::default()
    };
    let application = Application::with(|_| wgpu::DeviceDescriptor { required_limits, ..Default::default() });
    Engine::check(&application.device).unwrap();
    let mut training = training(&application.engine());
    let predictor = pollster::block_on(training.predictor(PredictOptions::default())).unwrap();
    let output = application.buffer(&[7.0]);
    let mut encoder = application.encoder();
    training.record_steps(&mut encoder, 1).unwrap();
    predictor.record_predict(&mut encoder, CopyFrom::Here, &output).unwrap();
    application.submit(encoder);
    assert_ne!(application.read(&output, 0, 1), [7.0]);
    let texture = application.texture(wgpu::TextureFormat::R32Float, wgpu::TextureUsages::empty(), [1, 1]);
    let error = predictor.record_predict(&mut application.encoder(), CopyFrom::Here, &texture).unwrap_err();
    assert!(error.to_string().contains("STORAGE_BINDING"), "{error}");
}

/// A network is compiled in one thread while another draws: no frame waits for it.
#[test]
fn frames_go_on_while_a_network_is_made() {
    let application = Application::new(false);
    let engine = application.engine();
    let mut training = training(&engine);
    application.step(&mut training, 1).unwrap();
    application.wait();
    let making = std::thread::spawn(move || {
        // Sizes that no other test has, so that no driver has its kernels in store.
        let size = 33 + std::process::id() as usize % 64;
        let model = Sequential::new().add(Linear::new(2, size)).add(GELU).add(LayerNorm::new(size)).add(Linear::new(size, 1));
        let began = Instant::now();
        pollster::block_on(engine.training(model, MSELoss, AdamW::new(0.01), &data())).unwrap();
        began.elapsed()
    });
    let (mut frames, mut longest) = (0, Duration::ZERO);
    while !making.is_finished() {
        let began = Instant::now();
        application.step(&mut training, 1).unwrap();
        let _ = application.device.poll(wgpu::PollType::Poll);
        longest = longest.max(began.elapsed());
        frames += 1;
        std::thread::sleep(Duration::from_millis(4));
    }
    let making = making.join().unwrap();
    println!("{frames} frames in {making:?}, the longest {longest:?}");
    assert!(frames >= 4 && longest < making / 2, "{frames} frames in {making:?}, the longest {longest:?}");
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
