//! Trainings that go on elsewhere.

use safetensors::SafeTensors;
use wgrad::Checkpoint;
use wgrad::prelude::*;
use wgrad::schedules::{OneCycleLR, StepLR};

use crate::application::{Application, data, model, trainer, training};

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
    let mut resumed = crate::application::training(&other.engine());
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

    let mut resumed = crate::application::training(&application.engine());
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

/// What lands only after the training went back is of steps that are no more, and does not stop those that follow.
#[test]
fn a_training_that_goes_back_is_not_stopped_by_what_it_left() {
    let application = Application::new(false);
    let mut training = training(&application.engine());
    application.step(&mut training, 1).unwrap();
    let mut encoder = application.encoder();
    let ticket = training.record_checkpoint(&mut encoder).unwrap();
    application.submit(encoder);
    application.wait();
    let checkpoint = training.try_checkpoint(&ticket).unwrap().unwrap();
    training.set_learning_rate(1e30).unwrap();
    let broken = [30, 2].map(|steps| application.step(&mut training, steps).unwrap());
    // All has landed, and nobody has asked.
    application.wait();
    training.resume(&checkpoint).unwrap();
    let next = application.step(&mut training, 3).unwrap();
    application.wait();
    assert!(training.try_loss(&next).unwrap().is_some());
    assert!(broken.iter().all(|ticket| training.try_loss(ticket).is_err()));
}

/// Momentum that a schedule gave to SGD takes another plan than that by which an application takes steps.
#[test]
fn a_checkpoint_whose_momentum_was_moved_takes_other_plans() {
    let (application, data) = (Application::new(false), data());
    let mut training = pollster::block_on(application.engine().training(model(), MSELoss, SGD::new(0.1), &data)).unwrap();
    training.set_schedule(StepLR::new(30, 0.5)).unwrap();
    let mut trainer = Trainer::new(&Device::cpu(), model(), MSELoss, SGD::new(0.1), crate::application::options()).unwrap();
    trainer.set_schedule(OneCycleLR::new(0.1, 10)).unwrap();
    trainer.set_schedule(StepLR::new(30, 0.5)).unwrap();
    trainer.build(&[2]).unwrap();
    let before = training.trainer().weights_hash().unwrap();
    let error = training.resume(&trainer.checkpoint().unwrap()).unwrap_err().to_string();
    assert!(error.starts_with("checkpoint: wanted that of a training whose schedules have moved no momentum"), "{error}");
    assert_eq!(training.trainer().weights_hash().unwrap(), before);
    application.step(&mut training, 1).unwrap();
}

/// Steps that are recorded at once, beyond the end of the clock's 32 bits, take each example once in an epoch.
#[test]
fn recorded_steps_go_on_where_a_clock_ends() {
    let (application, data, folder) = (Application::new(false), data(), tempfile::tempdir().unwrap());
    let path = folder.path().join("training");
    let open = || pollster::block_on(application.engine().training(Linear::new(2, 1), MSELoss, SGD::new(0.0), &data)).unwrap();
    let mut training = open();
    training.trainer().save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let mut texts = SafeTensors::read_metadata(&bytes).unwrap().1.metadata().clone().unwrap();
    texts.remove("digest");
    // No number of steps but a power of two divides 2^32, so that another one ends within an epoch there.
    let steps = data.len().div_ceil(crate::application::options().batch_size) as u64;
    assert!(!steps.is_power_of_two());
    let position = ((1_u64 << 32) / steps - 1) * steps;
    for (name, count) in [("steps", position), ("updates", position), ("position", position), ("epoch_steps", 1)] {
        texts.insert(name.to_owned(), count.to_string());
    }
    std::fs::write(&path, safetensors::serialize(SafeTensors::deserialize(&bytes).unwrap().tensors(), Some(texts)).unwrap())
        .unwrap();

    let mut resumed = open();
    resumed.resume(&Checkpoint::read(&path).unwrap()).unwrap();
    let ticket = application.step(&mut resumed, 2 * steps as u32).unwrap();
    application.wait();
    let loss = resumed.try_loss(&ticket).unwrap().unwrap();
    let wanted = resumed.trainer().evaluate(&data).unwrap().loss;
    assert!((loss - wanted).abs() < 1e-5 * wanted, "{loss} of {wanted}");
    assert_eq!(resumed.steps(), position + 2 * steps);
}
