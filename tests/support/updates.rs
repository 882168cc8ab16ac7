//! What an update does to each parameter.

use wgrad::optimizers::{self, Optimizer, Optimizers, Update};
use wgrad::prelude::*;
use wgrad::schedules::ExponentialLR;

use super::{classes, network, options, regression};

/// 4-8-1, without dropout.
fn small() -> Sequential {
    Sequential::new().add(Linear::new(4, 8)).add(Tanh).add(Linear::new(8, 1))
}

type Named = Vec<(String, Tensor)>;

/// Each parameter as it was, minus a rate times its gradient.
fn descended(before: &Named, gradients: &Named, rate: impl Fn(&str) -> f32) -> Named {
    let descended = before.iter().map(|(name, tensor)| {
        let gradient = gradients.iter().find(|(known, _)| known == name).map(|(_, gradient)| gradient.to_vec());
        let gradient = gradient.unwrap_or_else(|| vec![0.0; tensor.shape().elements()]);
        let elements = tensor.to_vec().into_iter().zip(gradient).map(|(element, slope)| element - rate(name) * slope);
        (name.clone(), Tensor::f32(tensor.shape().clone(), elements.collect()).unwrap())
    });
    descended.collect()
}

fn assert_same(got: &Named, wanted: &Named) {
    assert_eq!(got.len(), wanted.len());
    for ((name, got), (_, wanted)) in got.iter().zip(wanted) {
        for (got, wanted) in got.to_vec().into_iter().zip(wanted.to_vec()) {
            assert!((got - wanted).abs() <= 2e-6 * wanted.abs().max(0.1), "{name}: wanted {wanted}, got {got}");
        }
    }
}

/// The root of the sum of all squares.
fn norm(gradients: &Named) -> f32 {
    let squares = gradients.iter().flat_map(|(_, gradient)| gradient.to_vec()).map(|slope| f64::from(slope).powi(2));
    squares.sum::<f64>().sqrt() as f32
}

/// Each group has the learning rate of its optimizer; what is frozen keeps its bits, and has no gradient.
pub fn groups_have_learning_rates_of_their_own(device: &Device) {
    let data = regression(8);
    let optimizers = Optimizers::new(SGD::new(0.01)).group("2", SGD::new(0.1)).freeze("0.bias");
    let mut trainer = Trainer::new(device, small(), MSELoss, optimizers, options(8, 1)).unwrap();
    let gradients = trainer.gradients(&data).unwrap().gradients;
    let mut names: Vec<&str> = gradients.iter().map(|(name, _)| name.as_str()).collect();
    names.sort();
    assert_eq!(names, ["0.weight", "2.bias", "2.weight"]);
    let before = trainer.parameters().unwrap();
    trainer.step(&data).unwrap();
    let after = trainer.parameters().unwrap();
    assert_same(&after, &descended(&before, &gradients, |name| if name.starts_with("2.") { 0.1 } else { 0.01 }));
    assert_eq!(before[1], after[1]);
    assert!([0, 2, 3].iter().all(|&index| before[index].1 != after[index].1));
}

/// Where everything is frozen, training changes nothing, whether it clips or not.
pub fn a_frozen_model_stays(device: &Device) {
    let data = classes(10);
    for clip_norm in [None, Some(0.5)] {
        let optimizers = Optimizers::new(Adam::new(0.1)).freeze("0").freeze("3");
        let options = Options { clip_norm, ..options(4, 1) };
        let mut trainer = Trainer::new(device, network(3), CrossEntropyLoss, optimizers, options).unwrap();
        let gradients = trainer.gradients(&data).unwrap();
        assert!(gradients.gradients.is_empty() && gradients.norm == 0.0);
        let before = trainer.weights_hash().unwrap();
        let history = trainer.fit(&data, 2, Some(&data), |_| Control::Continue).unwrap();
        assert_eq!(trainer.weights_hash().unwrap(), before);
        assert_eq!(history.epochs[0].validation, history.epochs[1].validation);
    }
}

/// A learning rate that is set holds from the next step on, for all optimizers, and no graph is loaded for it.
pub fn learning_rates_change_without_a_new_plan(device: &Device) {
    let data = regression(8);
    let optimizers = Optimizers::new(SGD::new(0.01)).group("2", SGD::new(0.02));
    let mut trainer = Trainer::new(device, small(), MSELoss, optimizers, options(8, 1)).unwrap();
    trainer.build(&[4]).unwrap();
    let mut graphs = Vec::new();
    for rate in [None, Some(0.5), Some(0.25), Some(0.0)] {
        if let Some(rate) = rate {
            trainer.set_learning_rate(rate).unwrap();
        }
        assert_eq!(trainer.learning_rate(), rate.unwrap_or(0.01));
        let (before, gradients) = (trainer.parameters().unwrap(), trainer.gradients(&data).unwrap().gradients);
        trainer.step(&data).unwrap();
        let own = |name: &str| if name.starts_with("2.") { 0.02 } else { 0.01 };
        let wanted = descended(&before, &gradients, |name| rate.map_or(own(name), |rate| rate as f32));
        assert_same(&trainer.parameters().unwrap(), &wanted);
        graphs.push(trainer.graphs().count());
    }
    assert_eq!(graphs, [graphs[0]; 4]);
}

/// One group's learning rate can be set alone. A snapshot and a checkpoint bring it back; all are overwritten together, or left
/// to a schedule again.
pub fn one_group_s_learning_rate_changes_alone(device: &Device) {
    let data = regression(8);
    let new = || {
        let optimizers = Optimizers::new(SGD::new(0.01)).group("2.weight", SGD::new(0.02)).group("2.bias", SGD::new(0.03));
        let mut trainer = Trainer::new(device, small(), MSELoss, optimizers, options(8, 1)).unwrap();
        trainer.build(&[4]).unwrap();
        trainer
    };
    let check = |trainer: &mut Trainer, rates: [f32; 3]| {
        for (group, wanted) in rates.into_iter().enumerate() {
            assert_eq!(trainer.group_learning_rate(group).unwrap() as f32, wanted);
        }
        let (before, gradients) = (trainer.parameters().unwrap(), trainer.gradients(&data).unwrap().gradients);
        trainer.step(&data).unwrap();
        let group = |name: &str| ["2.weight", "2.bias"].iter().position(|known| *known == name).map_or(0, |place| place + 1);
        assert_same(&trainer.parameters().unwrap(), &descended(&before, &gradients, |name| rates[group(name)]));
    };
    let mut trainer = new();
    check(&mut trainer, [0.01, 0.02, 0.03]);
    let graphs = trainer.graphs().count();
    trainer.set_group_learning_rate(1, 0.5).unwrap();
    check(&mut trainer, [0.01, 0.5, 0.03]);
    assert_eq!(trainer.graphs().count(), graphs);
    let (snapshot, checkpoint) = (trainer.snapshot().unwrap(), trainer.checkpoint().unwrap());
    trainer.set_learning_rate(0.25).unwrap();
    check(&mut trainer, [0.25; 3]);
    trainer.set_group_learning_rate(0, 0.125).unwrap();
    check(&mut trainer, [0.125, 0.25, 0.25]);
    trainer.restore(&snapshot).unwrap();
    check(&mut trainer, [0.01, 0.5, 0.03]);
    let mut other = new();
    other.resume(&checkpoint).unwrap();
    check(&mut other, [0.01, 0.5, 0.03]);
    assert_eq!(other.weights_hash().unwrap(), trainer.weights_hash().unwrap());
    other.set_schedule(ExponentialLR::new(0.5).per_step()).unwrap();
    check(&mut other, [0.01, 0.02, 0.03].map(|rate: f32| rate / 8.0));

    let error = |result: Result<(), Error>| result.unwrap_err().to_string();
    let wanted = "group of parameters: wanted one of 0 (all others), 1 (2.weight), 2 (2.bias), got 3";
    assert_eq!(error(other.set_group_learning_rate(3, 0.1)), wanted);
    assert_eq!(error(other.group_learning_rate(3).map(drop)), wanted);
    let wanted = "learning rate: wanted a finite number, 0 or above, got -1";
    assert_eq!(error(other.set_group_learning_rate(1, -1.0)), wanted);
}

/// A weight decay that is set holds for its group from the next step on, and no graph is loaded for it. A snapshot and a
/// checkpoint bring it back, and a schedule leaves it.
pub fn weight_decay_changes_without_a_new_plan(device: &Device) {
    let data = regression(8);
    let new = || {
        let optimizers = Optimizers::new(SGD::new(0.01)).group("2", SGD::new(0.02).momentum(1e-9).weight_decay(0.5));
        let mut trainer = Trainer::new(device, small(), MSELoss, optimizers, options(8, 1)).unwrap();
        trainer.build(&[4]).unwrap();
        trainer
    };
    let check = |trainer: &mut Trainer, decays: [f32; 2]| {
        let group = |name: &str| usize::from(name.starts_with("2."));
        assert_eq!([0, 1].map(|group| trainer.group_weight_decay(group).unwrap()), decays.map(|decay| Some(decay.into())));
        let rate = |trainer: &Trainer, name: &str| trainer.group_learning_rate(group(name)).unwrap() as f32;
        let (before, mut slopes) = (trainer.parameters().unwrap(), trainer.gradients(&data).unwrap().gradients);
        for (name, slope) in &mut slopes {
            let (_, own) = before.iter().find(|(known, _)| known == name).unwrap();
            let decayed = slope.to_vec().into_iter().zip(own.to_vec()).map(|(slope, own)| slope + decays[group(name)] * own);
            *slope = Tensor::f32(own.shape().clone(), decayed.collect()).unwrap();
        }
        let wanted = descended(&before, &slopes, |name| rate(trainer, name));
        trainer.step(&data).unwrap();
        assert_same(&trainer.parameters().unwrap(), &wanted);
    };
    let mut trainer = new();
    check(&mut trainer, [0.0, 0.5]);
    let graphs = trainer.graphs().count();
    trainer.set_group_weight_decay(0, 0.25).unwrap();
    check(&mut trainer, [0.25, 0.5]);
    trainer.set_group_weight_decay(1, 0.0).unwrap();
    let (snapshot, checkpoint) = (trainer.snapshot().unwrap(), trainer.checkpoint().unwrap());
    check(&mut trainer, [0.25, 0.0]);
    trainer.set_group_weight_decay(0, 4.0).unwrap();
    check(&mut trainer, [4.0, 0.0]);
    trainer.restore(&snapshot).unwrap();
    check(&mut trainer, [0.25, 0.0]);
    assert_eq!(trainer.graphs().count(), graphs);
    let mut other = new();
    other.resume(&checkpoint).unwrap();
    check(&mut other, [0.25, 0.0]);
    assert_eq!(other.weights_hash().unwrap(), trainer.weights_hash().unwrap());
    other.set_schedule(ExponentialLR::new(0.5).per_step()).unwrap();
    check(&mut other, [0.25, 0.0]);

    let error = |result: Result<(), Error>| result.unwrap_err().to_string();
    let wanted = "group of parameters: wanted one of 0 (all others), 1 (2), got 2";
    assert_eq!(error(other.set_group_weight_decay(2, 0.1)), wanted);
    assert_eq!(error(other.group_weight_decay(2).map(drop)), wanted);
    for wrong in [-1.0, f64::NAN, f64::INFINITY] {
        let wanted = format!("weight decay: wanted a finite number, 0 or above, got {wrong}");
        assert_eq!(error(other.set_group_weight_decay(1, wrong)), wanted);
    }
    check(&mut other, [0.25, 0.0]);
}

/// Whether an optimizer is made with a weight decay or is given it later, its steps have the same bits.
pub fn a_weight_decay_that_is_set_is_as_one_from_the_start(device: &Device) {
    let data = regression(8);
    let weights = |optimizers: Optimizers, set: Option<f64>| {
        let mut trainer = Trainer::new(device, small(), MSELoss, optimizers, options(8, 1)).unwrap();
        set.map_or(Ok(()), |decay| trainer.set_group_weight_decay(0, decay)).unwrap();
        (0..3).for_each(|_| _ = trainer.step(&data).unwrap());
        trainer.weights_hash().unwrap()
    };
    let doubled = |update: &Update| Ok(&update.gradient * 2.0);
    let kinds: [fn(f64) -> Optimizers; 5] = [
        |decay| SGD::new(0.05).weight_decay(decay).into(),
        |decay| SGD::new(0.05).momentum(0.9).nesterov().weight_decay(decay).into(),
        |decay| Adam::new(0.05).weight_decay(decay).into(),
        |decay| AdamW::new(0.05).weight_decay(decay).into(),
        |decay| (Box::new(AdamW::new(0.05).weight_decay(decay)) as Box<dyn Optimizer>).into(),
    ];
    for kind in kinds {
        let (wanted, without) = (weights(kind(0.5), None), weights(kind(0.0), None));
        assert_ne!(wanted, without);
        assert_eq!(weights(kind(0.0), Some(0.5)), wanted);
        assert_eq!(weights(kind(0.5), Some(0.0)), without);
    }
    let chained = |decay| optimizers::chain(doubled, AdamW::new(0.05).weight_decay(decay)).into();
    assert_eq!(weights(chained(0.0), Some(0.5)), weights(chained(0.5), None));
}

/// A norm that is set for clipping holds from the next step on, and no graph is loaded for it. A snapshot and a checkpoint
/// bring it back.
pub fn the_norm_to_clip_at_changes_without_a_new_plan(device: &Device) {
    let data = regression(8);
    let new = |clip_norm| {
        let options = Options { clip_norm, ..options(8, 1) };
        let mut trainer = Trainer::new(device, small(), MSELoss, SGD::new(0.1), options).unwrap();
        trainer.build(&[4]).unwrap();
        trainer
    };
    let check = |trainer: &mut Trainer, largest: f32| {
        assert_eq!(trainer.clip_norm(), Some(largest));
        let (before, gradients) = (trainer.parameters().unwrap(), trainer.gradients(&data).unwrap());
        trainer.step(&data).unwrap();
        let factor = (largest / (gradients.norm + 1e-6)).min(1.0);
        assert_same(&trainer.parameters().unwrap(), &descended(&before, &gradients.gradients, |_| 0.1 * factor));
    };
    let mut trainer = new(Some(0.5));
    check(&mut trainer, 0.5);
    let graphs = trainer.graphs().count();
    trainer.set_clip_norm(0.125).unwrap();
    let (snapshot, checkpoint) = (trainer.snapshot().unwrap(), trainer.checkpoint().unwrap());
    check(&mut trainer, 0.125);
    trainer.set_clip_norm(1e30).unwrap();
    check(&mut trainer, 1e30);
    trainer.restore(&snapshot).unwrap();
    check(&mut trainer, 0.125);
    assert_eq!(trainer.graphs().count(), graphs);
    let mut other = new(Some(0.5));
    other.resume(&checkpoint).unwrap();
    check(&mut other, 0.125);
    assert_eq!(other.weights_hash().unwrap(), trainer.weights_hash().unwrap());

    let error = |result: Result<(), Error>| result.unwrap_err().to_string();
    for wrong in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        assert_eq!(error(other.set_clip_norm(wrong)), format!("clip_norm: wanted a finite number above 0, got {wrong}"));
    }
    check(&mut other, 0.125);
    let mut without = new(None);
    assert_eq!(without.clip_norm(), None);
    let wanted = "clip_norm: wanted a trainer that was made with one in its Options, got one without";
    assert_eq!(error(without.set_clip_norm(1.0)), wanted);
}

/// Gradients above the norm are scaled down to it, over all groups together; others stay.
pub fn gradients_are_clipped_by_their_norm(device: &Device) {
    let data = regression(8);
    for clip_norm in [0.5, 1e6] {
        let optimizers = Optimizers::new(SGD::new(0.1)).group("2.weight", SGD::new(0.1));
        let options = Options { clip_norm: Some(clip_norm), ..options(8, 1) };
        let mut trainer = Trainer::new(device, small(), MSELoss, optimizers, options).unwrap();
        let gradients = trainer.gradients(&data).unwrap();
        let wanted = norm(&gradients.gradients);
        assert!(wanted > 1.0 && (gradients.norm - wanted).abs() < 1e-5 * wanted, "wanted {wanted}, got {}", gradients.norm);
        let before = trainer.parameters().unwrap();
        trainer.step(&data).unwrap();
        let factor = (clip_norm / (wanted + 1e-6)).min(1.0);
        assert_same(&trainer.parameters().unwrap(), &descended(&before, &gradients.gradients, |_| 0.1 * factor));
    }
}

/// The gradients of several batches make one update, which is that of all their examples together, clipped or not: in
/// single steps, and where the device picks the batches.
pub fn gathered_steps_are_one_large_step(device: &Device) {
    const STEPS: usize = 3;
    let data = regression(4 * STEPS * 2);
    let part = |from: usize, to: usize| data.select(&(from..to).collect::<Vec<_>>()).unwrap();
    for clip_norm in [None, Some(2.0)] {
        let trainer = |batch_size, accumulation| {
            let options = Options { accumulation, clip_norm, ..options(batch_size, 1) };
            let mut trainer = Trainer::new(device, small(), MSELoss, SGD::new(0.05).momentum(0.5), options).unwrap();
            trainer.build(&[4]).unwrap();
            trainer
        };
        let (mut small, mut large) = (trainer(4, STEPS as u32), trainer(4 * STEPS, 1));
        for first in [0, 4 * STEPS] {
            let mut losses = 0.0;
            for step in 0..STEPS {
                let before = small.weights_hash().unwrap();
                losses += small.step(&part(first + 4 * step, first + 4 * step + 4)).unwrap();
                assert_eq!(small.weights_hash().unwrap() != before, step + 1 == STEPS);
            }
            let (mean, loss) = (losses / STEPS as f32, large.step(&part(first, first + 4 * STEPS)).unwrap());
            assert!((mean - loss).abs() < 1e-5 * loss, "wanted {loss}, got {mean}");
            assert_same(&small.parameters().unwrap(), &large.parameters().unwrap());
        }
        let (mut small, mut large) = (trainer(4, STEPS as u32), trainer(4 * STEPS, 1));
        for trainer in [&mut small, &mut large] {
            trainer.fit(&data, 3, None, |_| Control::Continue).unwrap();
        }
        assert_eq!((small.steps(), large.steps()), (18, 6));
        assert_same(&small.parameters().unwrap(), &large.parameters().unwrap());
    }
}
