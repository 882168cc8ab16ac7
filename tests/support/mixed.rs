//! Training with matrix products of f16.

use wgrad::optimizers::Optimizers;
use wgrad::prelude::*;

use super::{everything, options, regression};

fn scaled(initial: f32, growth_interval: u32) -> Precision {
    Precision::Mixed(LossScale { initial, growth_interval })
}

/// 4-16-1, without dropout.
fn trainer(device: &Device, precision: Precision, clip_norm: Option<f32>) -> Trainer {
    let model = Sequential::new().add(Linear::new(4, 16)).add(ReLU).add(Linear::new(16, 1));
    let options = Options { precision, clip_norm, ..options(8, 1) };
    Trainer::new(device, model, MSELoss, Adam::new(0.01), options).unwrap()
}

fn losses(trainer: &mut Trainer, epochs: usize) -> Vec<f32> {
    let history = trainer.fit(&regression(64), epochs, None, |_| Control::Continue).unwrap();
    history.epochs.iter().map(|epoch| epoch.loss).collect()
}

/// Everything that steps change, but for the clock, the log and the scale.
fn learned(trainer: &mut Trainer, folder: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut states = super::result(trainer, folder);
    let changes_always = ["state.clock", "state.train.log", "state.loss_scale"];
    states.retain(|(name, _)| !changes_always.iter().any(|part| name.starts_with(part)));
    states
}

/// Products of f16 differ from those of f32 in the fourth digit, and so does what is learned from them.
pub fn mixed_precision_learns_as_single_does(device: &Device) {
    let single = losses(&mut trainer(device, Precision::Single, None), 40);
    let mixed = losses(&mut trainer(device, scaled(1024.0, 2000), None), 40);
    assert_ne!(single, mixed);
    assert!(single[39] < 0.8 * single[0], "{single:?}");
    for (single, mixed) in single.iter().zip(&mixed) {
        assert!((mixed - single).abs() < 1e-3 * single, "{mixed} and {single}");
    }
    // At the default scale the first update is skipped.
    let late = losses(&mut trainer(device, Precision::Mixed(LossScale::default()), None), 40)[39];
    assert!((late - single[39]).abs() < 1e-2 * single[39], "{late} and {}", single[39]);
}

/// Dropout, buffers, groups of two optimizers, gathered gradients and clipping.
pub fn mixed_precision_works_with_everything(device: &Device) {
    let mut parameters = [Precision::Single, scaled(1024.0, 4)].map(|precision| {
        let mut trainer = everything(device, precision);
        trainer.fit(&super::examples(), 3, None, |_| Control::Continue).unwrap();
        // Nine updates: the scale has doubled twice.
        assert_eq!(trainer.loss_scale().unwrap(), precision.ne(&Precision::Single).then_some(4096.0));
        trainer.state_dict().unwrap().into_iter()
    });
    let [single, mixed] = &mut parameters;
    for ((name, single), (_, mixed)) in single.zip(mixed) {
        for (single, mixed) in single.to_vec().into_iter().zip(mixed.to_vec()) {
            assert!((single - mixed).abs() < 5e-3, "{name}: {single} and {mixed}");
        }
    }
}

/// A scale that is far too large is halved, at each step that changes nothing but it, until gradients are finite.
pub fn an_overflow_is_skipped_and_halves_the_scale(device: &Device) {
    const INITIAL: f32 = (1_u64 << 40) as f32;
    let (data, folder) = (regression(8), tempfile::tempdir().unwrap());
    for clip_norm in [None, Some(1.0)] {
        let mut trainer = trainer(device, scaled(INITIAL, 2000), clip_norm);
        trainer.build(&[4]).unwrap();
        assert_eq!(trainer.loss_scale().unwrap(), Some(INITIAL));
        let first = trainer.step(&data).unwrap();
        let (mut scale, mut states) = (INITIAL / 2.0, learned(&mut trainer, folder.path()));
        assert_eq!(trainer.loss_scale().unwrap(), Some(scale));
        for step in 2..=40 {
            trainer.step(&data).unwrap();
            let (next, after) = (trainer.loss_scale().unwrap().unwrap(), learned(&mut trainer, folder.path()));
            assert_eq!(after == states, next == scale / 2.0, "step {step}: {scale}, then {next}");
            assert!(next == scale || next == scale / 2.0, "step {step}: {scale}, then {next}");
            (scale, states) = (next, after);
        }
        assert!((2_f32.powi(10)..2_f32.powi(30)).contains(&scale), "{scale}");
        assert_eq!(trainer.steps(), 40);
        let last = losses(&mut trainer, 20)[19];
        assert!(last < 0.9 * first, "{last} after {first}");
    }
}

/// Gradients, and what clipping does with them, know nothing of the scale.
pub fn gradients_are_those_of_the_loss_itself(device: &Device) {
    let data = regression(8);
    let gradients = |precision| trainer(device, precision, None).gradients(&data).unwrap();
    let (single, mixed) = (gradients(Precision::Single), gradients(scaled(4096.0, 2000)));
    assert!((mixed.norm - single.norm).abs() < 2e-3 * single.norm, "{} and {}", mixed.norm, single.norm);
    for ((name, single), (_, mixed)) in single.gradients.iter().zip(&mixed.gradients) {
        for (single, mixed) in single.to_vec().into_iter().zip(mixed.to_vec()) {
            assert!((single - mixed).abs() < 5e-3, "{name}: {single} and {mixed}");
        }
    }
    let moved = |clip_norm: f32| {
        let options = Options { precision: scaled(4096.0, 2000), clip_norm: Some(clip_norm), ..options(8, 1) };
        let model = Sequential::new().add(Linear::new(4, 16)).add(ReLU).add(Linear::new(16, 1));
        let mut trainer = Trainer::new(device, model, MSELoss, Optimizers::new(SGD::new(1.0)), options).unwrap();
        trainer.build(&[4]).unwrap();
        let before = trainer.parameters().unwrap();
        trainer.step(&data).unwrap();
        let after = trainer.parameters().unwrap();
        let pairs =
            before.iter().zip(&after).flat_map(|((_, before), (_, after))| before.to_vec().into_iter().zip(after.to_vec()));
        pairs.map(|(before, after)| f64::from(before - after).powi(2)).sum::<f64>().sqrt() as f32
    };
    for (largest, wanted) in [(0.25, 0.25), (1e6, mixed.norm)] {
        let moved = moved(largest);
        assert!((moved - wanted).abs() < 1e-4 * wanted, "wanted {wanted}, got {moved}");
    }
}

/// What is not finite because of the loss, and not of its scale, ends the training.
pub fn a_broken_loss_stops_mixed_training_too(device: &Device) {
    let broken = Dataset::new([[1.0; 4]], [[1e30]]).unwrap();
    let mut trainer = trainer(device, scaled(1024.0, 1), None);
    trainer.step(&regression(8)).unwrap();
    assert_eq!(trainer.loss_scale().unwrap(), Some(2048.0));
    let before = trainer.weights_hash().unwrap();
    assert!(matches!(trainer.step(&broken), Err(Error::NotFinite { step: 2, .. })));
    assert_eq!((trainer.loss_scale().unwrap(), trainer.weights_hash().unwrap()), (Some(2048.0), before));
}
