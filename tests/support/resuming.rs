//! Trainings that are interrupted and go on.

use std::path::Path;

use safetensors::SafeTensors;
use wgrad::callbacks::{Callback, Checkpoints};
use wgrad::optimizers::Optimizers;
use wgrad::prelude::*;
use wgrad::schedules::{ExponentialLR, OneCycleLR};
use wgrad::{Epoch, History, Initial, Layer, Score, Var};

use super::classes;

/// Takes a running mean away, as batch normalisation does, and counts the batches.
#[derive(Debug)]
pub struct Centred(pub usize);

impl Layer for Centred {
    fn name(&self) -> &str {
        "Centred"
    }

    fn forward(&self, input: &Var) -> Result<Var, Error> {
        let trace = input.trace();
        let mean = trace.buffer("running_mean", [self.0], Initial::Constant(0.25))?;
        let count = trace.counting_buffer("num_batches_tracked")?;
        if trace.is_training() {
            trace.set_buffer("running_mean", &(0.75 * &mean + 0.25 * input.mean_axes(&[0], false)))?;
            trace.set_buffer("num_batches_tracked", &(&count + 1.0))?;
        }
        Ok(input - mean)
    }
}

/// A network with buffers and dropout, two optimizers with states, gathered gradients and clipping: six steps an epoch, of
/// which the last is smaller, and three updates.
pub fn everything(device: &Device, precision: Precision) -> Trainer {
    let model = Sequential::new().add(Linear::new(4, 8)).add(Centred(8)).add(ReLU).add(Dropout::new(0.25)).add(Linear::new(8, 3));
    let optimizers = Optimizers::new(Adam::new(0.01)).group("4", SGD::new(0.05).momentum(0.5));
    let options = Options { batch_size: 4, seed: 3, accumulation: 2, clip_norm: Some(1.0), precision, ..Options::default() };
    Trainer::new(device, model, CrossEntropyLoss, optimizers, options).unwrap()
}

pub fn examples() -> Dataset {
    classes(22)
}

/// Ends the training when so many steps have been taken.
struct StopAt(u64);

impl Callback for StopAt {
    fn every_steps(&self) -> u64 {
        self.0
    }

    fn after_steps(&mut self, _: &mut Trainer) -> Result<Control, Error> {
        Ok(Control::Stop)
    }

    fn after_epoch(&mut self, _: &mut Trainer, _: &Epoch) -> Result<Control, Error> {
        Ok(Control::Continue)
    }
}

/// A schedule of updates or of epochs.
fn schedule(trainer: &mut Trainer, per_epoch: bool) {
    match per_epoch {
        true => trainer.set_schedule(ExponentialLR::new(0.5)).unwrap(),
        false => trainer.set_schedule(OneCycleLR::new(0.02, 9)).unwrap(),
    }
}

/// All tensors of a file, by name.
pub(super) fn tensors(path: &Path) -> Vec<(String, Vec<u8>)> {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Vec<_> = file.iter().map(|(name, tensor)| (name.to_owned(), tensor.data().to_vec())).collect();
    tensors.sort();
    tensors
}

/// All that a training is.
pub fn result(trainer: &mut Trainer, folder: &Path) -> Vec<(String, Vec<u8>)> {
    let path = folder.join("end");
    trainer.save(&path).unwrap();
    tensors(&path)
}

/// What is said of each epoch, but for its number and time.
fn figures(history: &History) -> Vec<(f32, Option<f32>, Option<Score>)> {
    history.epochs.iter().map(|epoch| (epoch.loss, epoch.accuracy, epoch.validation)).collect()
}

/// Cut at any step and taken up from a file by another trainer, a training ends with the same bits as one that was not.
pub fn a_training_goes_on_from_a_file(device: &Device) {
    let (data, folder) = (examples(), tempfile::tempdir().unwrap());
    // The largest scales are skipped, and it grows every second step after that.
    let mixed = Precision::Mixed(LossScale { initial: 2_f32.powi(20), growth_interval: 2 });
    for (per_epoch, precision, cuts) in
        [(false, Precision::Single, [3, 6, 10]), (true, Precision::Single, [1, 11, 12]), (true, mixed, [4, 9, 14])]
    {
        let everything = |device| everything(device, precision);
        let mut whole = everything(device);
        schedule(&mut whole, per_epoch);
        let whole_history = whole.fit(&data, 3, Some(&data), |_| Control::Continue).unwrap();
        let wanted = result(&mut whole, folder.path());
        assert_eq!((whole.steps(), whole.epochs()), (18, 3));
        assert!(wanted.iter().any(|(name, _)| name == "optimizer.4.weight.momentum_buffer"));
        for cut in cuts {
            let path = folder.path().join(format!("cut {cut}"));
            let mut first = everything(device);
            schedule(&mut first, per_epoch);
            let callback = (Checkpoints::new(&path).every_steps(cut), StopAt(cut));
            let history = first.fit_with(&data, 3, Some(&data), callback).unwrap();
            assert_eq!((first.steps(), history.epochs.len() as u64), (cut, cut / 6));

            let mut second = everything(device);
            schedule(&mut second, per_epoch);
            second.load(&path).unwrap();
            assert_eq!((second.steps(), second.epochs()), (cut, cut / 6));
            // What was loaded and not yet used is saved again.
            let copy = folder.path().join("copy");
            second.save(&copy).unwrap();
            assert_eq!(tensors(&copy), tensors(&path));
            let left = 3 - second.epochs() as usize;
            let history = second.fit(&data, left, Some(&data), |_| Control::Continue).unwrap();
            assert_eq!(figures(&history), figures(&whole_history)[3 - left..], "cut at {cut}");
            let got = result(&mut second, folder.path());
            for (got, wanted) in got.iter().zip(&wanted) {
                assert!(got == wanted, "cut at {cut}: {} differs from {}", got.0, wanted.0);
            }
            assert_eq!(got.len(), wanted.len());
        }
    }
}

/// A trainer that has trained meanwhile goes back to a file, and forgets what it had gathered.
pub fn a_training_goes_back_to_a_file(device: &Device) {
    let (data, folder) = (examples(), tempfile::tempdir().unwrap());
    let path = folder.path().join("start");
    let run = |trainer: &mut Trainer| {
        trainer.set_learning_rate(0.03).unwrap();
        trainer.fit(&data, 1, None, |_| Control::Continue).unwrap();
        trainer.weights_hash().unwrap()
    };
    let mut trainer = everything(device, Precision::Single);
    trainer.build(&[4]).unwrap();
    trainer.save(&path).unwrap();
    let wanted = run(&mut trainer);
    trainer.step(&data.select(&[0]).unwrap()).unwrap();
    assert_ne!(run(&mut trainer), wanted);
    trainer.load(&path).unwrap();
    assert_eq!((trainer.steps(), trainer.learning_rate()), (0, 0.01));
    assert_eq!(run(&mut trainer), wanted);
}

/// A training whose loss is not finite, seen or not, does not replace a file.
pub fn a_broken_training_is_not_saved(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training");
    let data = Dataset::new([[1.0]; 9], [[0.0]; 9]).unwrap();
    let options = Options { batch_size: 1, ..Options::default() };
    let mut trainer = Trainer::new(device, Linear::new(1, 1), MSELoss, SGD::new(1e10), options).unwrap();
    let error = trainer.fit_with(&data, 100, None, Checkpoints::new(&path).every_steps(1)).unwrap_err();
    let Error::NotFinite { step, .. } = error else { panic!("{error}") };
    assert_eq!(trainer.steps() + 1, step);
    assert!(matches!(trainer.save(&path), Err(Error::NotFinite { .. })));
    let mut again = Trainer::new(device, Linear::new(1, 1), MSELoss, SGD::new(1e10), options).unwrap();
    again.load(&path).unwrap();
    assert_eq!((again.steps(), again.weights_hash().unwrap()), (step - 1, trainer.weights_hash().unwrap()));
}

/// Halves the learning rate after each epoch.
struct Halve;

impl Callback for Halve {
    fn after_epoch(&mut self, trainer: &mut Trainer, _: &Epoch) -> Result<Control, Error> {
        trainer.set_learning_rate(trainer.learning_rate() / 2.0).map(|()| Control::Continue)
    }
}

/// A file of an epoch's end holds what callbacks have set there, also where a file was due by the number of steps.
pub fn a_file_of_an_epoch_s_end_holds_what_callbacks_set(device: &Device) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training");
    let mut first = everything(device, Precision::Single);
    first.fit_with(&examples(), 2, None, (Halve, Checkpoints::new(&path).every_steps(3))).unwrap();
    let mut second = everything(device, Precision::Single);
    second.load(&path).unwrap();
    assert_eq!((second.steps(), second.learning_rate()), (12, 0.0025));
}
