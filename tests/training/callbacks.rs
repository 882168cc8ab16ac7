//! When callbacks are called, and what they want.

use wgrad::Epoch;
use wgrad::callbacks::{Callback, EarlyStopping};
use wgrad::prelude::*;

use crate::{classifier, data};

#[test]
fn early_stopping_wants_a_figure() {
    let error = classifier().fit_with(&data(), 3, None, EarlyStopping::new(2)).unwrap_err().to_string();
    assert_eq!(error, "early stopping: wanted a figure of each epoch, such as of validation data, got none");
}

/// A figure that becomes smaller by no more than the least difference is no better.
#[test]
fn early_stopping_wants_differences() {
    let epochs = |min_delta| {
        let stopping = EarlyStopping::new(1).min_delta(min_delta).figure(|epoch| Some(10.0 - epoch.epoch as f32));
        classifier().fit_with(&data(), 9, None, stopping).unwrap().epochs.len()
    };
    assert_eq!((epochs(0.0), epochs(0.99), epochs(1.0)), (9, 9, 2));
}

/// What callbacks are called with, and when.
#[test]
fn callbacks_are_called_in_turn() {
    #[derive(Default)]
    struct Calls(u64, Vec<String>);

    impl Callback for Calls {
        fn every_steps(&self) -> u64 {
            self.0
        }

        fn after_steps(&mut self, trainer: &mut Trainer) -> Result<Control, Error> {
            self.1.push(format!("{}", trainer.steps()));
            Ok(Control::Continue)
        }

        fn after_epoch(&mut self, trainer: &mut Trainer, epoch: &Epoch) -> Result<Control, Error> {
            assert_eq!(trainer.epochs(), epoch.epoch as u64);
            self.1.push(format!("epoch {}", epoch.epoch));
            Ok(if epoch.epoch == 3 { Control::Stop } else { Control::Continue })
        }

        fn after_training(&mut self, _: &mut Trainer) -> Result<(), Error> {
            self.1.push("end".to_owned());
            Ok(())
        }
    }

    let (mut two, mut three) = (Calls(2, Vec::new()), Calls(3, Vec::new()));
    let never = |_: &Epoch| Control::Continue;
    let callbacks = (&mut two as &mut dyn Callback, (&mut three as &mut dyn Callback, ((), never)));
    classifier().fit_with(&data(), 9, None, callbacks).unwrap();
    assert_eq!(two.1, ["2", "epoch 1", "4", "epoch 2", "6", "epoch 3", "end"]);
    assert_eq!(three.1, ["epoch 1", "3", "epoch 2", "6", "epoch 3", "end"]);
}
