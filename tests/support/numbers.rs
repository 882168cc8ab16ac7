//! What is set between steps: learning rates, weight decay, momentum, and the norm to clip at.

use wgrad::Var;
use wgrad::optimizers::{self, At, Optimizer, Optimizers, Update};
use wgrad::prelude::*;
use wgrad::schedules::{ExponentialLR, Schedule, StepLR, Unit};

use super::updates::{assert_same, descended, small};
use super::{options, regression};

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
    check(&mut other, [0.01, 0.5, 0.03]);
    check(&mut other, [0.01, 0.5, 0.03].map(|rate: f32| rate / 2.0));

    let error = |result: Result<(), Error>| result.unwrap_err().to_string();
    let wanted = "group of parameters: wanted one of 0 (all others), 1 (2.weight), 2 (2.bias), got 3";
    assert_eq!(error(other.set_group_learning_rate(3, 0.1)), wanted);
    assert_eq!(error(other.group_learning_rate(3).map(drop)), wanted);
    let wanted = "learning rate: wanted a finite number, 0 or above, got -1";
    assert_eq!(error(other.set_group_learning_rate(1, -1.0)), wanted);
}

/// A schedule that is set in the course of a training begins there, with the rate that was set before, or that the schedule before
/// it gave, as PyTorch's does. From a snapshot and from a checkpoint it goes on where it was.
pub fn a_schedule_begins_where_it_is_set(device: &Device) {
    // What PyTorch 2.15 gives for StepLR(optimizer, 2, 0.5) behind three steps and `lr = 0.5`.
    const WANTED: [f64; 6] = [0.5, 0.5, 0.25, 0.25, 0.125, 0.125];
    let data = regression(8);
    let new = || Trainer::new(device, small(), MSELoss, SGD::new(0.1), options(8, 1)).unwrap();
    let schedule = || StepLR::new(2, 0.5).per_step();
    let rates = |trainer: &mut Trainer, steps: usize| {
        let step = |_| (trainer.learning_rate(), trainer.step(&data).unwrap()).0;
        (0..steps).map(step).collect::<Vec<f64>>()
    };
    let mut trainer = new();
    rates(&mut trainer, 3);
    trainer.set_learning_rate(0.5).unwrap();
    trainer.set_schedule(schedule()).unwrap();
    assert_eq!(rates(&mut trainer, 3), WANTED[..3]);
    let (snapshot, checkpoint) = (trainer.snapshot().unwrap(), trainer.checkpoint().unwrap());
    assert_eq!(rates(&mut trainer, 3), WANTED[3..]);
    let wanted = trainer.weights_hash().unwrap();
    trainer.restore(&snapshot).unwrap();
    let mut other = new();
    other.set_schedule(schedule()).unwrap();
    other.resume(&checkpoint).unwrap();
    for trainer in [&mut trainer, &mut other] {
        assert_eq!(rates(trainer, 3), WANTED[3..]);
        assert_eq!(trainer.weights_hash().unwrap(), wanted);
    }
    // By epochs it does so too, from what the schedule before it would give next.
    trainer.end_epoch();
    trainer.set_schedule(StepLR::new(2, 0.5)).unwrap();
    let by_epoch = [(); 3].map(|()| (trainer.learning_rate(), trainer.end_epoch()).0);
    assert_eq!(by_epoch, [0.0625, 0.0625, 0.03125]);
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

/// Momenta that differ from each other and from those that optimizers here are made with.
const MOMENTA: [f64; 3] = [0.75, 0.25, 0.5];

/// A schedule that has them one after another.
#[derive(Debug)]
struct Momenta;

impl Schedule for Momenta {
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    fn unit(&self) -> Unit {
        Unit::Step
    }

    fn learning_rate(&self, base: f64, _: u64) -> f64 {
        base
    }

    fn momentum(&self, time: u64) -> Option<f64> {
        Some(MOMENTA[time as usize % MOMENTA.len()])
    }
}

/// Whether momentum, or Adam's beta1, is moved by a schedule or set before each step, steps have the same bits, and no graph is
/// loaded for it.
pub fn momenta_that_are_set_are_as_those_of_a_schedule(device: &Device) {
    let data = regression(8);
    let new = |optimizers: Optimizers| {
        let mut trainer = Trainer::new(device, small(), MSELoss, optimizers, options(8, 1)).unwrap();
        trainer.build(&[4]).unwrap();
        trainer
    };
    let doubled = |update: &Update| Ok(&update.gradient * 2.0);
    let kinds: [&dyn Fn() -> Optimizers; 5] = [
        &|| SGD::new(0.05).momentum(0.875).into(),
        &|| SGD::new(0.05).momentum(0.875).nesterov().into(),
        &|| Adam::new(0.05).into(),
        &|| (Box::new(AdamW::new(0.05)) as Box<dyn Optimizer>).into(),
        &|| optimizers::chain(doubled, SGD::new(0.05).momentum(0.875)).into(),
    ];
    for kind in kinds {
        let [mut own, mut scheduled, mut set] = [new(kind()), new(kind()), new(kind())];
        scheduled.set_schedule(Momenta).unwrap();
        let mut graphs = Vec::new();
        for momentum in MOMENTA {
            set.set_group_momentum(0, momentum).unwrap();
            for trainer in [&mut scheduled, &mut set] {
                assert_eq!(trainer.group_momentum(0).unwrap(), Some(momentum));
            }
            for trainer in [&mut own, &mut scheduled, &mut set] {
                trainer.step(&data).unwrap();
            }
            graphs.push(set.graphs().count());
        }
        let [own, scheduled, set] = [own, scheduled, set].map(|mut trainer| trainer.weights_hash().unwrap());
        assert_eq!(set, scheduled);
        assert_ne!(set, own);
        assert_eq!(graphs, [graphs[0]; 3]);
    }
}

/// A momentum is set for one group alone. A snapshot and a checkpoint bring it back, and a schedule leaves it, but for one that
/// moves momenta itself.
pub fn one_group_s_momentum_changes_alone(device: &Device) {
    let data = regression(8);
    let new = |first: SGD| {
        let optimizers = Optimizers::new(first).group("2", Adam::new(0.01));
        let mut trainer = Trainer::new(device, small(), MSELoss, optimizers, options(8, 1)).unwrap();
        trainer.build(&[4]).unwrap();
        trainer
    };
    let momenta = |trainer: &Trainer| [0, 1].map(|group| trainer.group_momentum(group).unwrap().unwrap());
    let mut trainer = new(SGD::new(0.01).momentum(0.5));
    assert_eq!(momenta(&trainer), [0.5, 0.9]);
    trainer.step(&data).unwrap();
    trainer.set_group_momentum(1, 0.25).unwrap();
    let (snapshot, checkpoint) = (trainer.snapshot().unwrap(), trainer.checkpoint().unwrap());
    trainer.step(&data).unwrap();
    let wanted = trainer.weights_hash().unwrap();

    trainer.set_group_momentum(0, 0.0).unwrap();
    trainer.restore(&snapshot).unwrap();
    let mut other = new(SGD::new(0.01).momentum(0.5));
    other.resume(&checkpoint).unwrap();
    for trainer in [&mut trainer, &mut other] {
        assert_eq!(momenta(trainer), [0.5, 0.25]);
        trainer.set_schedule(ExponentialLR::new(1.0)).unwrap();
        trainer.step(&data).unwrap();
        assert_eq!(trainer.weights_hash().unwrap(), wanted);
    }
    trainer.set_schedule(Momenta).unwrap();
    assert_eq!(momenta(&trainer), [MOMENTA[0]; 2]);
    trainer.set_group_momentum(0, 0.125).unwrap();
    assert_eq!(momenta(&trainer), [0.125, MOMENTA[0]]);

    let error = |result: Result<(), Error>| result.unwrap_err().to_string();
    let wanted = "group of parameters: wanted one of 0 (all others), 1 (2), got 2";
    assert_eq!(error(other.set_group_momentum(2, 0.5)), wanted);
    assert_eq!(error(other.group_momentum(2).map(drop)), wanted);
    for wrong in [-0.5, 1.0, 1.0 - 1e-9, f64::NAN] {
        let wanted = format!("momentum: wanted at least 0, and below 1 as an f32, got {wrong}");
        assert_eq!(error(other.set_group_momentum(1, wrong)), wanted);
    }
    assert_eq!(momenta(&other), [0.5, 0.25]);
    // Without a velocity there is nothing that a momentum could keep, until a schedule asks for one.
    let mut without = new(SGD::new(0.01));
    let wanted = "momentum: wanted an optimizer that was made with it, got SGD";
    assert!(error(without.set_group_momentum(0, 0.5)).starts_with(wanted));
    assert_eq!(without.group_momentum(0).unwrap(), None);
    without.set_schedule(Momenta).unwrap();
    without.set_group_momentum(0, 0.5).unwrap();
    assert_eq!(momenta(&without), [0.5, MOMENTA[0]]);
}

/// An optimizer of a user that says nothing of momentum and weight decay.
#[derive(Debug)]
struct Plain;

impl Optimizer for Plain {
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    fn learning_rate(&self) -> f64 {
        0.5
    }

    fn numbers(&self, at: At) -> Vec<f32> {
        [at.learning_rate, at.momentum, at.weight_decay].map(|number| number as f32).to_vec()
    }

    fn update(&self, update: &Update) -> Result<Var, Error> {
        let step = &update.number(0) + &update.number(1) + &update.number(2);
        Ok(&update.parameters - &(&update.gradient * &update.scale * &step))
    }
}

/// Neither a schedule nor a user gives momentum or weight decay to an optimizer that knows none.
pub fn what_an_optimizer_does_not_know_is_not_set(device: &Device) {
    let data = regression(8);
    let mut trainer = Trainer::new(device, small(), MSELoss, Plain, options(8, 1)).unwrap();
    let gradients = trainer.gradients(&data).unwrap().gradients;
    trainer.set_schedule(Momenta).unwrap();
    let before = trainer.parameters().unwrap();
    trainer.step(&data).unwrap();
    assert_same(&trainer.parameters().unwrap(), &descended(&before, &gradients, |_| 0.5));
    assert_eq!((trainer.group_momentum(0).unwrap(), trainer.group_weight_decay(0).unwrap()), (None, None));
    let errors = [trainer.set_group_momentum(0, 0.5), trainer.set_group_weight_decay(0, 0.5)];
    assert_eq!(
        errors.map(|result| result.unwrap_err().to_string()),
        [
            "momentum: wanted an optimizer that was made with it, got Plain",
            "weight decay: wanted an optimizer that knows it, got Plain",
        ]
    );
}
