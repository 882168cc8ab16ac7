//! Trainings that go back to where they were.

use wgrad::callbacks::{Callback, EarlyStopping};
use wgrad::core::Shape;
use wgrad::prelude::*;
use wgrad::{Epoch, Initial, LearningRateFinder};

use super::resuming::{everything, examples};
use super::{options, regression};

/// A snapshot, taken before or in the midst of training, is where later steps begin again.
pub fn snapshots_bring_everything_back(device: &Device) {
    let data = examples();
    let mut trainer = everything(device, Precision::Single);
    let run = |trainer: &mut Trainer| {
        trainer.step(&data.select(&[1, 2, 3]).unwrap()).unwrap();
        let epoch = trainer.fit(&data, 1, Some(&data), |_| Control::Continue).unwrap().epochs[0];
        (trainer.weights_hash().unwrap(), trainer.state_dict().unwrap(), epoch.loss, epoch.validation)
    };
    let start = trainer.snapshot().unwrap();
    let first = run(&mut trainer);
    let middle = trainer.snapshot().unwrap();
    let (steps, second) = (trainer.steps(), run(&mut trainer));
    assert_ne!(first, second);
    for _ in 0..2 {
        trainer.restore(&middle).unwrap();
        assert_eq!(trainer.steps(), steps);
        assert_eq!(run(&mut trainer), second);
        trainer.restore(&start).unwrap();
        assert_eq!((trainer.steps(), trainer.epochs()), (0, 0));
        assert_eq!(run(&mut trainer), first);
    }
}

/// What a snapshot of another model holds is written nowhere.
pub fn a_snapshot_of_another_model_is_refused(device: &Device) {
    let trainer = |model: Sequential| {
        let mut trainer = Trainer::new(device, model, MSELoss, SGD::new(0.1), options(8, 1)).unwrap();
        trainer.step(&regression(8)).unwrap();
        trainer
    };
    let linear = |outputs| Sequential::new().add(Linear::new(4, outputs));
    let trainers = || [linear(1), linear(1).add(Linear::new(1, 1)), Sequential::new().add(Tanh).add(Linear::new(4, 1))];
    for from in trainers().map(trainer) {
        let snapshot = from.snapshot().unwrap();
        let mut refused = 0;
        for mut to in trainers().map(trainer) {
            let before = to.weights_hash().unwrap();
            if let Err(error) = to.restore(&snapshot) {
                assert!(error.to_string().starts_with("snapshot: wanted one of "), "{error}");
                refused += 1;
            }
            assert_eq!(to.weights_hash().unwrap(), before);
        }
        assert_eq!(refused, 2);
    }
}

/// A training that a learning rate has broken goes on from a snapshot.
pub fn a_snapshot_mends_a_broken_training(device: &Device) {
    let data = Dataset::new([[1.0], [2.0]], [[0.0], [1.0]]).unwrap();
    let options = Options { batch_size: 1, ..Options::default() };
    let mut trainer = Trainer::new(device, Linear::new(1, 1), MSELoss, SGD::new(0.01), options).unwrap();
    trainer.fit(&data, 1, None, |_| Control::Continue).unwrap();
    let snapshot = trainer.snapshot().unwrap();
    let wanted = trainer.fit(&data, 2, None, |_| Control::Continue).unwrap().epochs[1].loss;
    trainer.set_learning_rate(1e20).unwrap();
    trainer.fit(&data, 9, None, |_| Control::Continue).unwrap_err();
    trainer.restore(&snapshot).unwrap();
    assert_eq!(trainer.fit(&data, 2, None, |_| Control::Continue).unwrap().epochs[1].loss, wanted);
}

/// Where the loss is no longer finite, that is the error, and the trainer is as it was after the best epoch.
pub fn early_stopping_goes_back_where_the_training_diverges(device: &Device) {
    struct Break;
    impl Callback for Break {
        fn after_epoch(&mut self, trainer: &mut Trainer, epoch: &Epoch) -> Result<Control, Error> {
            if epoch.epoch == 3 {
                trainer.set_learning_rate(1e30)?;
            }
            Ok(Control::Continue)
        }
    }
    let data = regression(8);
    let new = || Trainer::new(device, Linear::new(4, 1), MSELoss, SGD::new(0.01), options(4, 1)).unwrap();
    let mut wanted = new();
    wanted.fit(&data, 3, None, |_| Control::Continue).unwrap();
    let mut trainer = new();
    let error = trainer.fit_with(&data, 20, Some(&data), (EarlyStopping::new(9), Break)).unwrap_err();
    assert!(matches!(error, Error::NotFinite { .. }), "{error}");
    assert_eq!((trainer.epochs(), trainer.learning_rate()), (3, 0.01));
    assert_eq!(trainer.weights_hash().unwrap(), wanted.weights_hash().unwrap());
    for trainer in [&mut trainer, &mut wanted] {
        trainer.fit(&data, 1, None, |_| Control::Continue).unwrap();
    }
    assert_eq!(trainer.weights_hash().unwrap(), wanted.weights_hash().unwrap());
}

/// Parameters that a function has distributions for are drawn from them, whatever layer they are of, and others stay.
pub fn parameters_are_drawn_anew(device: &Device) {
    let model = || Sequential::new().add(GRU::new(4, 8).last_step()).add(Linear::new(8, 3));
    let new = || Trainer::new(device, model(), CrossEntropyLoss, SGD::new(0.1), options(8, 1)).unwrap();
    let (mut trainer, mut other) = (new(), new());
    let uniform = |name: &str, _: &Shape| name.starts_with("0.weight").then_some(Initial::Uniform { bound: 0.001 });
    assert!(matches!(trainer.initialize(uniform), Err(Error::NotBuilt)));
    for trainer in [&mut trainer, &mut other] {
        trainer.build(&[5, 4]).unwrap();
    }
    let before = trainer.parameters().unwrap();
    trainer.initialize(uniform).unwrap();
    let after = trainer.parameters().unwrap();
    for ((name, before), (_, after)) in before.iter().zip(&after) {
        let largest = after.to_vec().into_iter().fold(0.0, |largest: f32, element| largest.max(element.abs()));
        match name.starts_with("0.weight") {
            true => assert!(before != after && (0.0005..=0.001).contains(&largest), "{name}: {largest}"),
            false => assert_eq!(before, after),
        }
    }
    other.initialize(uniform).unwrap();
    assert_eq!(trainer.weights_hash().unwrap(), other.weights_hash().unwrap());
    let error = trainer.initialize(|_, _| Some(Initial::HE)).unwrap_err().to_string();
    assert!(error.starts_with("0.bias_ih_l0: wanted a weight of two axes or more"), "{error}");
    assert_eq!(trainer.parameters().unwrap(), after);
}

/// The whole data are one batch then, whatever was asked for.
pub fn a_batch_may_be_larger_than_the_data(device: &Device) {
    let data = regression(8);
    let trained = |batch_size| {
        let mut trainer = Trainer::new(device, Linear::new(4, 1), MSELoss, SGD::new(0.01), options(batch_size, 1)).unwrap();
        trainer.fit(&data, 3, Some(&data), |_| Control::Continue).unwrap();
        (trainer.steps(), trainer.weights_hash().unwrap())
    };
    let wanted = trained(8);
    assert_eq!(wanted.0, 3);
    for batch_size in [9, u32::MAX as usize, usize::MAX] {
        assert_eq!(trained(batch_size), wanted);
    }
}

/// The figure is smallest in the third epoch: two epochs later the training ends, and is what it was then.
pub fn early_stopping_goes_back_to_the_best_epoch(device: &Device) {
    let data = examples();
    let mut wanted = everything(device, Precision::Single);
    wanted.fit(&data, 3, None, |_| Control::Continue).unwrap();
    let (hash, state) = (wanted.weights_hash().unwrap(), wanted.state_dict().unwrap());

    let mut trainer = everything(device, Precision::Single);
    let mut stopping = EarlyStopping::new(2).figure(|epoch| Some((epoch.epoch as f32 - 3.0).abs()));
    let history = trainer.fit_with(&data, 20, None, &mut stopping as &mut dyn Callback).unwrap();
    assert_eq!((history.epochs.len(), trainer.steps(), trainer.epochs()), (5, 18, 3));
    assert_eq!((trainer.weights_hash().unwrap(), trainer.state_dict().unwrap()), (hash, state));
    trainer.fit(&data, 1, None, |_| Control::Continue).unwrap();
    wanted.fit(&data, 1, None, |_| Control::Continue).unwrap();
    assert_eq!(trainer.weights_hash().unwrap(), wanted.weights_hash().unwrap());

    // It can be used again, and also goes back where the epochs ended first.
    let history = trainer.fit_with(&data, 4, None, &mut stopping as &mut dyn Callback).unwrap();
    assert_eq!((history.epochs.len(), trainer.epochs()), (4, 7));
}

/// The loss of a linear regression falls until the rate is too large for it, and the suggestion is before that.
pub fn a_search_suggests_a_rate_at_which_the_loss_falls(device: &Device) {
    let data = regression(64);
    let trainer = || Trainer::new(device, Linear::new(4, 1), MSELoss, SGD::new(1e-9), options(64, 1)).unwrap();
    let curve = trainer().find_learning_rate(&data, LearningRateFinder { start: 1e-5, ..Default::default() }).unwrap();
    assert!(curve.losses.len() < 100 && curve.losses.last() > Some(&(2.0 * curve.losses[0])), "{curve:?}");
    let rate = curve.suggestion.unwrap();
    let last_loss = |rate| {
        let mut trainer = trainer();
        trainer.set_learning_rate(rate).unwrap();
        trainer.fit(&data, 20, None, |_| Control::Continue).unwrap().epochs[19].loss
    };
    assert!(last_loss(rate) < 0.9 * last_loss(rate / 10.0), "{rate}");
}

/// A search loads nothing, reads little, and leaves no trace.
pub fn a_search_for_a_learning_rate_leaves_no_trace(device: &Device) {
    let data = examples();
    let finder = LearningRateFinder { start: 1e-4, ..LearningRateFinder::default() };
    for before in 0..3 {
        let mut hashes = Vec::new();
        for searches in [false, true] {
            let mut trainer = everything(device, Precision::Single);
            trainer.prepare(&data, None).unwrap();
            // The search may begin in the midst of gathering.
            (0..before).for_each(|_| _ = trainer.step(&data.select(&[0, 1]).unwrap()).unwrap());
            if searches {
                let (graphs, read_backs) = (trainer.graphs().count(), trainer.statistics().read_backs);
                let curve = trainer.find_learning_rate(&data, finder).unwrap();
                assert!(trainer.graphs().count() == graphs && trainer.statistics().read_backs - read_backs <= 40);
                let growth = curve.learning_rates.windows(2).map(|pair| pair[1] / pair[0]);
                assert!(growth.into_iter().all(|factor| (factor - 1e5_f64.powf(1.0 / 99.0)).abs() < 1e-9));
                assert!(curve.losses.len() > 50 && curve.losses.len() == curve.learning_rates.len());
                assert!(curve.suggestion.is_some_and(|rate| curve.learning_rates.contains(&rate)), "{curve:?}");
                assert_eq!(trainer.learning_rate(), 0.01);
            }
            trainer.fit(&data, 2, None, |_| Control::Continue).unwrap();
            hashes.push((trainer.weights_hash().unwrap(), trainer.state_dict().unwrap()));
        }
        assert!(hashes[0] == hashes[1], "after {before} steps");
    }
}

/// An estimate leaves no trace, and grows with the number of epochs.
pub fn an_estimate_leaves_no_trace(device: &Device) {
    let data = examples();
    let mut hashes = Vec::new();
    for estimates in [false, true] {
        let mut trainer = everything(device, Precision::Single);
        if estimates {
            let [one, hundred] = [1, 100].map(|epochs| trainer.estimate(&data, epochs).unwrap());
            assert!(one.as_nanos() > 0 && hundred > 4 * one, "{one:?} for an epoch, {hundred:?} for a hundred");
        }
        trainer.fit(&data, 2, None, |_| Control::Continue).unwrap();
        hashes.push((trainer.weights_hash().unwrap(), trainer.state_dict().unwrap()));
    }
    assert!(hashes[0] == hashes[1]);
}

/// The loss before the first update is that of the model, and does not depend on the rate; where rates are far too large,
/// the search ends early.
pub fn a_search_ends_where_the_loss_is_not_finite(device: &Device) {
    let data = Dataset::new([[1.0], [1.0]], [[3.0], [3.0]]).unwrap();
    let options = Options { batch_size: 1, ..Options::default() };
    let mut trainer = Trainer::new(device, Linear::new(1, 1), MSELoss, SGD::new(0.1), options).unwrap();
    let loss = trainer.evaluate(&data).unwrap().loss;
    let hash = trainer.weights_hash().unwrap();
    let finder = LearningRateFinder { start: 1e25, end: 1e26, steps: 50 };
    let curve = trainer.find_learning_rate(&data, finder).unwrap();
    assert!(curve.losses.len() < 3 && (curve.losses[0] - loss).abs() < 1e-6 * loss, "{curve:?}");
    assert_eq!(curve.suggestion, None);
    assert_eq!(trainer.weights_hash().unwrap(), hash);
    assert!(trainer.step(&data).is_ok());
}
