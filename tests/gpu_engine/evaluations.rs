//! Evaluations in frames.

use std::time::Duration;

use wgrad::prelude::*;
use wgrad::{Evaluation, Training};

use crate::application::{Application, data, model, training};

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

/// Passes share a clock on the device: one that another has begun behind is told, and begins anew.
#[test]
fn one_pass_over_data_is_under_way_at_a_time() {
    let application = Application::new(false);
    let engine = application.engine();
    let (mut one, mut stranger) = (training(&engine), training(&engine));
    let large = |seed: f32| {
        let xs: Vec<f32> = (0..2020).map(|index| (index as f32 * seed).cos()).collect();
        Dataset::new(Tensor::f32([1010, 2], xs).unwrap(), Tensor::zeros([1010, 1])).unwrap()
    };
    let [first_data, second_data] = [0.3, 0.7].map(large);
    let [mut first, mut second] = [&first_data, &second_data].map(|data| pollster::block_on(one.evaluation(data)).unwrap());
    let frame = |training: &mut Training, evaluation: &mut Evaluation| {
        let mut encoder = application.encoder();
        let is_last = training.record_evaluation(&mut encoder, evaluation, Duration::ZERO);
        application.submit(encoder);
        application.wait();
        is_last
    };
    let message = "evaluation: wanted one pass over data at a time, got another that has begun since";
    assert!(!frame(&mut one, &mut first).unwrap());
    assert!(!frame(&mut one, &mut second).unwrap());
    assert_eq!(frame(&mut one, &mut first).unwrap_err().to_string(), message);
    let wanted = one.trainer().evaluate(&second_data).unwrap();
    assert_eq!(frame(&mut one, &mut second).unwrap_err().to_string(), message);
    while !frame(&mut one, &mut second).unwrap() {}
    assert_eq!(one.try_evaluation(&mut second).unwrap(), Some(wanted));

    let foreign = frame(&mut stranger, &mut first).unwrap_err().to_string();
    assert_eq!(foreign, "evaluation: wanted one of this training, got one of another");
    assert_eq!(stranger.try_evaluation(&mut first).unwrap_err().to_string(), foreign);
}

/// Data of one shape are told apart: those of several evaluations, of the trainer's own, and those that are learned.
#[test]
fn each_has_data_of_its_own() {
    let application = Application::new(false);
    let engine = application.engine();
    let learned = data();
    let new = || pollster::block_on(engine.training(model(), MSELoss, Adam::new(0.01), &learned)).unwrap();
    let [mut training, mut wanted] = [new(), new()];
    let ones = Dataset::new(learned.inputs().tensor().clone(), Tensor::f32([10, 1], vec![1.0; 10]).unwrap()).unwrap();
    let wanted_scores = [&learned, &ones].map(|data| training.trainer().evaluate(data).unwrap());
    assert_ne!(wanted_scores[0], wanted_scores[1]);
    let mut evaluations = [&learned, &ones].map(|data| pollster::block_on(training.evaluation(data)).unwrap());
    training.trainer().evaluate(&ones).unwrap();
    let scores = evaluations.each_mut().map(|evaluation| {
        let mut encoder = application.encoder();
        assert!(training.record_evaluation(&mut encoder, evaluation, Duration::from_secs(1)).unwrap());
        application.submit(encoder);
        application.wait();
        training.try_evaluation(evaluation).unwrap().unwrap()
    });
    assert_eq!(scores, wanted_scores);

    // What is there already is neither planned nor written again.
    let graphs = training.trainer().graphs().count();
    pollster::block_on(training.evaluation(&ones)).unwrap();
    training.trainer().prepare(&learned, None).unwrap();
    assert_eq!(training.trainer().graphs().count(), graphs);
    training.trainer().prepare(&ones, None).unwrap();
    for training in [&mut training, &mut wanted] {
        application.step(training, 5).unwrap();
    }
    assert_eq!(training.trainer().weights_hash().unwrap(), wanted.trainer().weights_hash().unwrap());
}
