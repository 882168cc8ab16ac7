//! What callbacks do between the steps and epochs of a training, and how an epoch that was interrupted goes on.

use wgrad::callbacks::Callback;
use wgrad::losses::{Losses, from_fn};
use wgrad::prelude::*;
use wgrad::{Epoch, LearningRateFinder, Snapshot, Var};

use super::{assert_close, options, regression};

fn trainer(device: &Device, rate: f64) -> Trainer {
    Trainer::new(device, Linear::new(4, 1), MSELoss, SGD::new(rate), options(4, 1)).unwrap()
}

/// A function after every so many steps, and one after each epoch.
struct Calls<S, E> {
    every: u64,
    after_steps: S,
    after_epoch: E,
}

impl<S, E> Callback for Calls<S, E>
where
    S: FnMut(&mut Trainer) -> Result<Control, Error>,
    E: FnMut(&mut Trainer) -> Result<Control, Error>,
{
    fn every_steps(&self) -> u64 {
        self.every
    }

    fn after_steps(&mut self, trainer: &mut Trainer) -> Result<Control, Error> {
        (self.after_steps)(trainer)
    }

    fn after_epoch(&mut self, trainer: &mut Trainer, _: &Epoch) -> Result<Control, Error> {
        (self.after_epoch)(trainer)
    }
}

/// Other data of the same shape, which a callback looks at, do not take the place of those that are learned.
pub fn callbacks_may_look_at_other_data(device: &Device) {
    let (data, other) = (regression(10), regression(20).select(&(10..20).collect::<Vec<_>>()).unwrap());
    let look = |trainer: &mut Trainer| {
        trainer.find_learning_rate(&other, LearningRateFinder { steps: 3, ..LearningRateFinder::default() })?;
        trainer.estimate(&other, 1)?;
        trainer.prepare(&other, Some(&other))?;
        trainer.evaluate(&other)?;
        Ok(Control::Continue)
    };
    let mut undisturbed = trainer(device, 0.05);
    let wanted = undisturbed.fit(&data, 4, None, |_| Control::Continue).unwrap();
    let mut disturbed = trainer(device, 0.05);
    let got = disturbed.fit_with(&data, 4, None, Calls { every: 2, after_steps: look, after_epoch: look }).unwrap();
    let losses = |history: &wgrad::History| history.epochs.iter().map(|epoch| epoch.loss).collect::<Vec<f32>>();
    assert_eq!(losses(&got), losses(&wanted));
    assert_eq!(disturbed.weights_hash().unwrap(), undisturbed.weights_hash().unwrap());
}

/// A callback that goes back within an epoch, or takes steps there, has to stop the training.
pub fn callbacks_take_no_steps_within_an_epoch(device: &Device) {
    let data = regression(20);
    let done = |_: &mut Trainer| Ok(Control::Continue);
    let mut back = trainer(device, 0.05);
    back.build(&[4]).unwrap();
    let start: Snapshot = back.snapshot().unwrap();
    let go_back = |trainer: &mut Trainer| trainer.restore(&start).map(|()| Control::Continue);
    let error = back.fit_with(&data, 2, None, Calls { every: 3, after_steps: go_back, after_epoch: done }).unwrap_err();
    let wanted = "callback within an epoch: wanted no other step than 4 to be the next, unless it stops the training, got step 1";
    assert_eq!(error.to_string(), wanted);

    let take = |trainer: &mut Trainer| trainer.step(&data).map(|_| Control::Continue);
    let mut further = trainer(device, 0.05);
    let error = further.fit_with(&data, 2, None, Calls { every: 3, after_steps: take, after_epoch: done }).unwrap_err();
    assert!(error.to_string().ends_with("got step 5"), "{error}");

    // Back at the beginning, the epoch is none, and the next one is whole.
    let stop = |trainer: &mut Trainer| trainer.restore(&start).map(|()| Control::Stop);
    let history = back.fit_with(&data, 2, None, Calls { every: 3, after_steps: stop, after_epoch: done }).unwrap();
    assert_eq!((history.epochs.len(), back.steps(), back.epochs()), (0, 0, 0));
    let mut whole = trainer(device, 0.05);
    whole.fit(&data, 1, None, |_| Control::Continue).unwrap();
    back.fit(&data, 1, None, |_| Control::Continue).unwrap();
    assert_eq!(back.weights_hash().unwrap(), whole.weights_hash().unwrap());
}

/// What is left of an interrupted epoch is for as many examples alone, even if others would have as many steps.
pub fn an_interrupted_epoch_is_ended_on_as_many_examples(device: &Device) {
    let stop = |_: &mut Trainer| Ok(Control::Stop);
    for (examples, steps) in [(9, 2), (12, 3)] {
        let data = regression(9);
        let mut trainer = trainer(device, 0.0);
        trainer.fit_with(&data, 1, None, Calls { every: 1, after_steps: stop, after_epoch: stop }).unwrap();
        assert_eq!(trainer.steps(), 1);
        let next = regression(examples);
        let history = trainer.fit(&next, 1, None, |_| Control::Continue).unwrap();
        assert_eq!(trainer.steps(), 1 + steps);
        assert_close(history.epochs[0].loss, trainer.evaluate(&next).unwrap().loss);
    }
}

fn enormous(output: &Var, target: &Var) -> Result<Losses, Error> {
    Ok(Losses { losses: 1e30 * (output - target), hits: None })
}

/// A gradient that is infinite, where the loss is not, breaks the parameters whether it is clipped or not, so that the next loss
/// says so. Where only the norm is too large for f32, the update is that of a gradient of 0.
pub fn infinite_gradients_end_a_training_that_clips(device: &Device) {
    let data = Dataset::new([[1e-25, 1e20]], [[0.0]]).unwrap();
    for clip_norm in [None, Some(1.0)] {
        let options = Options { clip_norm, ..options(1, 1) };
        let model = Linear::new(2, 1).without_bias();
        let mut trainer = Trainer::new(device, model, from_fn(enormous), SGD::new(0.1), options).unwrap();
        trainer.build(&[2]).unwrap();
        trainer.set_parameters(&[("weight".into(), [[1.0, 0.0]].into())]).unwrap();
        let error = trainer.fit(&data, 4, None, |_| Control::Continue).unwrap_err();
        assert!(matches!(error, Error::NotFinite { step: 2, .. }), "{error}");
    }

    let data = Dataset::new([[100.0, 0.0]], [[0.0]]).unwrap();
    let options = Options { clip_norm: Some(1.0), ..options(1, 1) };
    let model = Linear::new(2, 1).without_bias();
    let sgd = SGD::new(0.1).weight_decay(0.5);
    let mut trainer = Trainer::new(device, model, from_fn(enormous), sgd, options).unwrap();
    trainer.build(&[2]).unwrap();
    trainer.set_parameters(&[("weight".into(), [[1.0, 2.0]].into())]).unwrap();
    trainer.step(&data).unwrap();
    let weights = trainer.parameters().unwrap()[0].1.to_vec();
    assert!(weights.iter().zip([0.95, 1.9]).all(|(got, wanted)| (got - wanted).abs() < 1e-6), "{weights:?}");
}
