//! Losses and gradients that are functions.

use wgrad::losses::{Losses, from_fn};
use wgrad::optimizers::{Update, chain};
use wgrad::prelude::*;

/// One weight, 8, and one example, whose loss is the weight's square.
fn one_weight(optimizer: impl Optimizer + 'static, clip_norm: Option<f32>) -> (Trainer, Dataset) {
    let model = Linear::new(1, 1).weight(Initial::Constant(8.0)).without_bias();
    let options = Options { clip_norm, ..Options::default() };
    let trainer = Trainer::new(&Device::cpu(), model, MSELoss, optimizer, options).unwrap();
    (trainer, Dataset::new([[1.0]], [[0.0]]).unwrap())
}

fn weight(trainer: &mut Trainer) -> f32 {
    trainer.parameters().unwrap()[0].1.item().unwrap()
}

fn accumulate(update: &Update) -> Result<Var, Error> {
    let sum = update.state("sum");
    let next = &sum + &update.gradient;
    sum.set(&next);
    Ok(next)
}

#[test]
fn a_transform_sees_the_gradient_that_was_clipped() {
    // A gradient of 16, which the norm clips to 1, and the transform leaves.
    let clamp = |update: &Update| Ok(update.gradient.clamp(-1.0, 1.0));
    let (mut trainer, data) = one_weight(chain(clamp, SGD::new(1.0)), Some(1.0));
    trainer.step(&data).unwrap();
    // As in PyTorch, the norm is 1 but for the millionth that keeps its divisor from 0.
    assert!((weight(&mut trainer) - 7.0).abs() < 1e-6);
    // Thrice the clipped gradient, and not the gradient clipped thrice.
    let (mut trainer, data) = one_weight(chain(|update: &Update| Ok(3.0 * &update.gradient), SGD::new(1.0)), Some(1.0));
    trainer.step(&data).unwrap();
    assert!((weight(&mut trainer) - 5.0).abs() < 1e-6);
}

#[test]
fn transforms_within_transforms_and_optimizers_have_states_of_their_own() {
    let (mut trainer, data) = one_weight(chain(accumulate, chain(accumulate, SGD::new(0.01).momentum(0.5))), None);
    let (mut w, mut outer, mut inner, mut velocity) = (8.0_f32, 0.0, 0.0, 0.0);
    for _ in 0..4 {
        outer += 2.0 * w;
        inner += outer;
        velocity = 0.5 * velocity + inner;
        w -= 0.01 * velocity;
        trainer.step(&data).unwrap();
        assert!((weight(&mut trainer) - w).abs() < 1e-5, "{w}");
    }
}

#[test]
fn what_a_transform_keeps_survives_a_step_that_does_not_count() {
    let (mut trainer, data) = one_weight(chain(accumulate, SGD::new(0.01)), None);
    trainer.step(&data).unwrap();
    let before = weight(&mut trainer);
    let broken = Dataset::new([[1e30]], [[0.0]]).unwrap();
    assert!(matches!(trainer.step(&broken), Err(Error::NotFinite { step: 2, .. })));
    assert_eq!(weight(&mut trainer), before);
}

#[test]
fn a_checkpoint_knows_its_functions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    fn squares(output: &Var, target: &Var) -> Result<Losses, Error> {
        Ok(Losses { losses: (output - target).square(), hits: None })
    }
    fn magnitudes(output: &Var, target: &Var) -> Result<Losses, Error> {
        Ok(Losses { losses: (output - target).abs(), hits: None })
    }
    let trainer = |is_other: bool| {
        let options = Options::default();
        let (device, model) = (Device::cpu(), Linear::new(1, 1));
        match is_other {
            false => Trainer::new(&device, model, from_fn(squares), chain(accumulate, SGD::new(0.1)), options).unwrap(),
            true => Trainer::new(&device, model, from_fn(magnitudes), chain(accumulate, SGD::new(0.1)), options).unwrap(),
        }
    };
    let mut first = trainer(false);
    first.step(&Dataset::new([[1.0]], [[0.0]]).unwrap()).unwrap();
    first.save(&path).unwrap();
    trainer(false).load(&path).unwrap();
    let error = trainer(true).load(&path).unwrap_err().to_string();
    assert!(error.contains("squares") && error.contains("magnitudes"), "{error}");
}
