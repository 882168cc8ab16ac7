//! Steps and readings in frames.

use std::time::Duration;

use wgrad::prelude::*;
use wgrad::schedules::ExponentialLR;
use wgrad::{CopyFrom, CopyTo, Engine, PredictOptions, wgpu};

use crate::application::{Application, data, losses, model, options, trainer, training};

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
    // Single steps, of 4, 4 and 2 examples, and steps on both sides of an epoch's end.
    let mut by_step = training(&application.engine());
    let steps = losses(&application, &mut by_step, 9, 1);
    for (losses, wanted) in steps.chunks(3).zip(&wanted) {
        let mean = (4.0 * losses[0] + 4.0 * losses[1] + 2.0 * losses[2]) / 10.0;
        assert!((mean - wanted).abs() < 1e-6, "{losses:?} {wanted}");
    }
    let mut by_two = training(&application.engine());
    let across = losses(&application, &mut by_two, 2, 2)[1];
    assert!((across - (2.0 * steps[2] + 4.0 * steps[3]) / 6.0).abs() < 1e-6, "{across} {steps:?}");
    // More steps than an epoch has: the loss is that of the last epoch's.
    let mut at_once = training(&application.engine());
    assert_eq!(losses(&application, &mut at_once, 1, 9), wanted[2..]);
}

#[test]
fn no_steps_are_an_error() {
    let application = Application::new(false);
    let mut training = training(&application.engine());
    let mut encoder = application.device.create_command_encoder(&Default::default());
    let error = training.record_steps(&mut encoder, 0).unwrap_err();
    assert_eq!(error.to_string(), "recorded steps: wanted 1 at least, got 0");
    assert_eq!(training.steps(), 0);
}

#[test]
fn a_ticket_belongs_to_its_training() {
    let application = Application::new(false);
    let engine = application.engine();
    let (mut one, mut other) = (training(&engine), training(&engine));
    let ticket = application.step(&mut one, 1).unwrap();
    application.wait();
    let error = other.try_loss(&ticket).unwrap_err();
    assert_eq!(error.to_string(), "ticket: wanted one of this training, got one of another");
    assert!(one.try_loss(&ticket).unwrap().is_some());
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
        assert_eq!(frame(Duration::from_millis(50)), 1, "nothing is known yet");
        // Without timestamps a frame has at most twice the steps of the largest before it.
        let many = (0..12).map(|_| frame(Duration::from_millis(50))).max().unwrap();
        assert!(many > 8, "{many} steps in 50 ms");
        assert_eq!(frame(Duration::ZERO), 1);
        let few = frame(Duration::from_millis(5));
        assert!(few < many, "{few} in 5 ms, {many} in 50");
    }
}

/// An application that polls once a frame, without waiting, on a device that has no timestamps: what lands in the next frame
/// has not taken all of this one.
#[test]
fn frames_that_only_poll_find_out_how_many_steps_fit() {
    let application = Application::new(true);
    let mut training = training(&application.engine());
    let mut frame = || {
        let mut encoder = application.encoder();
        let ticket = training.record_within(&mut encoder, Duration::from_millis(4)).unwrap();
        application.submit(encoder);
        std::thread::sleep(Duration::from_millis(16));
        application.device.poll(wgpu::PollType::Poll).unwrap();
        ticket.steps()
    };
    let steps: Vec<u32> = (0..60).map(|_| frame()).collect();
    assert_eq!(steps[0], 1);
    assert!(steps.iter().any(|steps| *steps >= 8), "{steps:?}");
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
fn weight_decay_momentum_and_the_norm_to_clip_at_change_between_frames() {
    let application = Application::new(false);
    let options = Options { clip_norm: Some(1.0), ..options() };
    let engine = Engine::from_wgpu(application.device.clone(), application.queue.clone(), options).unwrap();
    let scalars = [(0.0, 0.9, 1.0), (0.5, 0.25, 0.25), (0.125, 0.5, 1e30)];
    let mut trainer = Trainer::new(&engine.device(), model(), MSELoss, AdamW::new(0.01), options).unwrap();
    for (weight_decay, momentum, clip_norm) in scalars {
        trainer.set_group_weight_decay(0, weight_decay).unwrap();
        trainer.set_group_momentum(0, momentum).unwrap();
        trainer.set_clip_norm(clip_norm).unwrap();
        trainer.fit(&data(), 1, None, |_| Control::Continue).unwrap();
    }
    let mut training = pollster::block_on(engine.training(model(), MSELoss, AdamW::new(0.01), &data())).unwrap();
    let encoders = scalars.map(|(weight_decay, momentum, clip_norm)| {
        training.set_group_weight_decay(0, weight_decay).unwrap();
        training.set_group_momentum(0, momentum).unwrap();
        training.set_clip_norm(clip_norm).unwrap();
        let mut encoder = application.encoder();
        training.record_steps(&mut encoder, 3).unwrap();
        encoder
    });
    encoders.into_iter().for_each(|encoder| application.submit(encoder));
    assert_eq!(training.trainer().weights_hash().unwrap(), trainer.weights_hash().unwrap());
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

/// A dropped encoder takes the numbers of updates with it that the device was to be told.
#[test]
fn numbers_of_a_dropped_encoder_are_written_again() {
    let application = Application::new(false);
    let mut training = training(&application.engine());
    // The first numbers of all, then a learning rate that was just set, then one behind which a checkpoint is recorded.
    for (rate, checkpoint) in [(0.01, false), (0.0, false), (0.25, true)] {
        training.set_learning_rate(rate).unwrap();
        let before = training.trainer().weights_hash().unwrap();
        let lost = training.record_steps(&mut application.encoder(), 1).unwrap();
        assert!(training.try_loss(&lost).is_err());
        if checkpoint {
            let mut encoder = application.encoder();
            training.record_checkpoint(&mut encoder).unwrap();
            application.submit(encoder);
        }
        // Within the epoch, since numbers are written at its beginning anyhow.
        application.step(&mut training, 1).unwrap();
        application.wait();
        assert_eq!(training.trainer().weights_hash().unwrap() != before, rate > 0.0, "at {rate}");
        application.step(&mut training, 1).unwrap();
    }
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
