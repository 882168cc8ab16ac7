//! What an update does to each parameter.

use wgrad::optimizers::Optimizers;
use wgrad::prelude::*;

use super::{classes, network, options, regression};

/// 4-8-1, without dropout.
pub(super) fn small() -> Sequential {
    Sequential::new().add(Linear::new(4, 8)).add(Tanh).add(Linear::new(8, 1))
}

pub(super) type Named = Vec<(String, Tensor)>;

/// Each parameter as it was, minus a rate times its gradient.
pub(super) fn descended(before: &Named, gradients: &Named, rate: impl Fn(&str) -> f32) -> Named {
    let descended = before.iter().map(|(name, tensor)| {
        let gradient = gradients.iter().find(|(known, _)| known == name).map(|(_, gradient)| gradient.to_vec());
        let gradient = gradient.unwrap_or_else(|| vec![0.0; tensor.shape().elements()]);
        let elements = tensor.to_vec().into_iter().zip(gradient).map(|(element, slope)| element - rate(name) * slope);
        (name.clone(), Tensor::f32(tensor.shape().clone(), elements.collect()).unwrap())
    });
    descended.collect()
}

pub(super) fn assert_same(got: &Named, wanted: &Named) {
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

/// Groups may be chosen by a function of the names, and what was said last holds.
pub fn groups_are_chosen_by_their_names(device: &Device) {
    let data = regression(8);
    let optimizers = Optimizers::new(SGD::new(0.01))
        .group_where(|name| name.ends_with("weight"), SGD::new(0.1))
        .group("2.weight", SGD::new(0.02))
        .freeze_where(|name| name == "0.bias");
    let mut trainer = Trainer::new(device, small(), MSELoss, optimizers, options(8, 1)).unwrap();
    let gradients = trainer.gradients(&data).unwrap().gradients;
    let before = trainer.parameters().unwrap();
    trainer.step(&data).unwrap();
    let after = trainer.parameters().unwrap();
    let rate = |name: &str| match name {
        "0.weight" => 0.1,
        "2.weight" => 0.02,
        _ => 0.01,
    };
    assert_same(&after, &descended(&before, &gradients, rate));
    assert_eq!(before[1], after[1]);
    assert!([0, 2, 3].iter().all(|&index| before[index].1 != after[index].1));

    let nobody = Optimizers::new(SGD::new(0.01)).freeze_where(|name| name.contains("attention"));
    let mut trainer = Trainer::new(device, small(), MSELoss, nobody, options(8, 1)).unwrap();
    let error = trainer.build(&[4]).unwrap_err().to_string();
    assert!(
        error.contains("layer around: 0.weight, 0.bias, 2.weight, 2.bias, got those of ") && error.contains("{{closure}}"),
        "{error}"
    );
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
