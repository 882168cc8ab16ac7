//! Files of weights and of trainings, and what is said of those that do not fit.

use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use wgrad::callbacks::Checkpoints;
use wgrad::prelude::*;
use wgrad::schedules::StepLR;
use wgrad::{Optimizers, Weights};

use crate::classifier;
use crate::training::{Centred, everything, examples};

/// A file of weights with these tensors.
pub fn weights(path: &Path, tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) {
    let views =
        tensors.iter().map(|(name, dtype, shape, bytes)| (*name, TensorView::new(*dtype, shape.to_vec(), bytes).unwrap()));
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn weights_of_any_type_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    let mut trainer = everything(&Device::cpu(), Precision::Single);
    trainer.build(&[4]).unwrap();
    let halves = |elements| vec![[0x00, 0x3e]; elements].concat();
    weights(
        &path,
        &[
            ("0.weight", Dtype::F16, &[8, 4], halves(32)),
            ("0.bias", Dtype::BF16, &[8], [[0xc0, 0x3f]; 8].concat()),
            ("1.running_mean", Dtype::F64, &[8], [1.5_f64; 8].map(f64::to_le_bytes).concat()),
            ("1.num_batches_tracked", Dtype::I64, &[], 7_i64.to_le_bytes().to_vec()),
            ("4.weight", Dtype::F32, &[3, 8], [1.5_f32; 24].map(f32::to_le_bytes).concat()),
            ("4.bias", Dtype::I32, &[3], [-2_i32; 3].map(i32::to_le_bytes).concat()),
        ],
    );
    trainer.load_weights(&path).unwrap();
    for (name, tensor) in trainer.state_dict().unwrap() {
        let wanted = if name == "1.num_batches_tracked" {
            7.0
        } else if name == "4.bias" {
            -2.0
        } else {
            1.5
        };
        assert!(tensor.to_vec().iter().all(|&element| element == wanted), "{name}: {tensor}");
    }
}

#[test]
fn weights_that_do_not_fit_are_all_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    let mut trainer = everything(&Device::cpu(), Precision::Single);
    assert!(matches!(trainer.load_weights("no such file"), Err(Error::File { .. })));
    trainer.build(&[4]).unwrap();
    let before = trainer.state_dict().unwrap();
    weights(
        &path,
        &[
            ("0.weight", Dtype::F16, &[4, 8], vec![0; 64]),
            ("1.running_mean", Dtype::BOOL, &[8], vec![1; 8]),
            ("1.num_batches_tracked", Dtype::F32, &[], 0.5_f32.to_le_bytes().to_vec()),
            ("4.weight", Dtype::F64, &[3, 8], [1e39_f64; 24].map(f64::to_le_bytes).concat()),
            ("4.bias", Dtype::F32, &[3], vec![0; 12]),
            ("4.scale", Dtype::F32, &[3], vec![0; 12]),
        ],
    );
    let error = trainer.load_weights(&path).unwrap_err().to_string();
    let list = [
        "0.weight: wanted [8, 4], got [4, 8]".to_owned(),
        "0.bias: wanted [8], got nothing".to_owned(),
        "4.weight: wanted [3, 8] of numbers that f32 holds, got F64[3, 8] with the element 1e39".to_owned(),
        "1.running_mean: wanted [8] of numbers that f32 holds, got BOOL[8]".to_owned(),
        "1.num_batches_tracked: wanted whole numbers from 0 to 16777216, got [0.5]".to_owned(),
        "4.scale: wanted nothing of that name, got [3]".to_owned(),
    ];
    list.iter().for_each(|line| assert!(error.contains(line), "{line} is not in {error}"));
    assert_eq!(error.matches("wanted").count(), list.len());
    assert_eq!(trainer.state_dict().unwrap(), before);
}

#[test]
fn files_of_other_trainings_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training");
    let mut trainer = everything(&Device::cpu(), Precision::Single);
    assert!(matches!(trainer.save(&path), Err(Error::NotBuilt)));
    trainer.fit(&examples(), 1, None, |_| Control::Continue).unwrap();
    trainer.save(&path).unwrap();

    let mut other = classifier();
    let error = other.load(&path).unwrap_err().to_string();
    for part in ["of another training", "seed: wanted 0, got 3", "batch_size: wanted 2, got 4", "clip_norm: wanted None, got"] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
    let error = everything(&Device::cpu(), Precision::Mixed(LossScale::default())).load(&path).unwrap_err().to_string();
    let precisions = "precision: wanted Mixed(LossScale { initial: 65536.0, growth_interval: 2000 }), got Single";
    assert!(error.ends_with(precisions), "{error}");
    let model = Sequential::new().add(Linear::new(4, 5)).add(Centred(5)).add(ReLU).add(ReLU).add(Linear::new(5, 3));
    let optimizers = Optimizers::new(Adam::new(0.01)).group("4", SGD::new(0.05).momentum(0.5));
    let options = Options { batch_size: 4, seed: 3, accumulation: 2, clip_norm: Some(1.0), ..Options::default() };
    let mut other = Trainer::new(&Device::cpu(), model, CrossEntropyLoss, optimizers, options).unwrap();
    let error = other.load(&path).unwrap_err().to_string();
    assert!(error.contains("0.weight: wanted [5, 4], got [8, 4]; 0.bias: wanted [5], got [8]"), "{error}");
    assert!(matches!(other.parameters(), Err(Error::NotBuilt)));

    trainer.save_weights(&path).unwrap();
    let error = trainer.load(&path).unwrap_err().to_string();
    assert!(error.contains("wanted a file that Trainer::save has written"), "{error}");
}

/// A schedule is a part of a training: one that is not set, or another one, would go on at other rates.
#[test]
fn a_training_goes_on_with_its_schedule_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training");
    let mut trainer = everything(&Device::cpu(), Precision::Single);
    trainer.set_schedule(StepLR::new(2, 0.5)).unwrap();
    trainer.fit(&examples(), 3, None, |_| Control::Continue).unwrap();
    trainer.save(&path).unwrap();

    let mut other = everything(&Device::cpu(), Precision::Single);
    let error = other.load(&path).unwrap_err().to_string();
    let [ours, files] = ["ConstantLR".to_owned(), format!("{:?}", StepLR::new(2, 0.5))];
    assert!(error.ends_with(&format!("of another training: schedule: wanted {ours}, got {files}")), "{error}");
    other.set_schedule(StepLR::new(2, 0.25)).unwrap();
    assert!(other.load(&path).is_err());
    other.set_schedule(StepLR::new(2, 0.5)).unwrap();
    other.load(&path).unwrap();
    assert_eq!((other.learning_rate(), trainer.learning_rate()), (0.005, 0.005));
}

/// A state of a layer of one's own that has another shape than in a file is an error whenever it is met.
#[test]
fn a_state_of_another_shape_stays_an_error() {
    #[derive(Debug)]
    struct Counting(usize);

    impl Layer for Counting {
        fn forward(&self, x: &Var) -> Result<Var, Error> {
            let count = x.trace().state("count", Tensor::f32([self.0], vec![0.0; self.0])?);
            count.set(&(&count + 1.0));
            x.layer("inner", &Linear::new(4, 3))
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training");
    let open =
        |length| Trainer::new(&Device::cpu(), Counting(length), CrossEntropyLoss, SGD::new(0.1), Options::default()).unwrap();
    let mut first = open(3);
    first.fit(&examples(), 1, None, |_| Control::Continue).unwrap();
    first.save(&path).unwrap();
    let mut second = open(4);
    second.load(&path).unwrap();
    for _ in 0..2 {
        let error = second.fit(&examples(), 1, None, |_| Control::Continue).unwrap_err().to_string();
        assert!(error.contains("wanted f32[4], got f32[3]"), "{error}");
    }
}

/// Weights that were damaged on their way into a program are refused, as those in files are.
#[test]
fn damaged_bytes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training");
    let mut trainer = everything(&Device::cpu(), Precision::Single);
    trainer.build(&[4]).unwrap();
    trainer.save(&path).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    Weights::from_bytes(&bytes).unwrap();
    *bytes.last_mut().unwrap() ^= 0x40;
    let error = Weights::from_bytes(&bytes).unwrap_err().to_string();
    assert!(error.starts_with("weights: wanted contents of digest ") && error.ends_with(": it is damaged"), "{error}");
}

/// A file of a training is one of its weights too.
#[test]
fn weights_are_read_out_of_a_training() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training");
    let mut trainer = everything(&Device::cpu(), Precision::Single);
    trainer.fit(&examples(), 1, None, |_| Control::Continue).unwrap();
    trainer.save(&path).unwrap();
    let mut other = everything(&Device::cpu(), Precision::Single);
    other.build(&[4]).unwrap();
    other.load_weights(&path).unwrap();
    assert_eq!(other.state_dict().unwrap(), trainer.state_dict().unwrap());
    assert_eq!(other.steps(), 0);
}

/// A damaged file is refused, and the error says where the one before it is, which is whole.
#[test]
fn the_training_before_a_damaged_file_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training");
    let mut trainer = everything(&Device::cpu(), Precision::Single);
    let data = examples();
    trainer.fit_with(&data, 2, None, Checkpoints::new(&path)).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let before = trainer.weights_hash().unwrap();
    let error = trainer.load(&path).unwrap_err().to_string();
    let previous = folder.path().join("training.previous");
    let whole = format!("wanted a whole safetensors file, got {} bytes", bytes.len() - 1);
    assert!(error.contains(&whole) && error.contains(&format!("before it is in {}", previous.display())), "{error}");
    assert_eq!((trainer.weights_hash().unwrap(), trainer.epochs()), (before, 2));
    trainer.load(&previous).unwrap();
    assert_eq!((trainer.steps(), trainer.epochs()), (6, 1));
}

/// The texts and tensors of a file, with some texts replaced, and without the mark that tells of it.
fn edited(bytes: &[u8], texts: &[(&str, &str)]) -> Vec<u8> {
    let mut all = SafeTensors::read_metadata(bytes).unwrap().1.metadata().clone().unwrap();
    all.remove("digest");
    all.extend(texts.iter().map(|(name, text)| (name.to_string(), text.to_string())));
    safetensors::serialize(SafeTensors::deserialize(bytes).unwrap().tensors(), Some(all)).unwrap()
}

/// Replaces each tensor of a file by what `change` makes of it, and takes out those of which it makes nothing.
pub fn rewrite(path: &Path, change: impl for<'a> Fn(String, TensorView<'a>) -> Option<(String, TensorView<'a>)>) {
    let whole = edited(&std::fs::read(path).unwrap(), &[]);
    let texts = SafeTensors::read_metadata(&whole).unwrap().1.metadata().clone();
    let tensors = SafeTensors::deserialize(&whole).unwrap().tensors();
    let changed = tensors.into_iter().filter_map(|(name, tensor)| change(name, tensor));
    std::fs::write(path, safetensors::serialize(changed, texts).unwrap()).unwrap();
}

/// A state of another type than the training's is seen before anything is changed.
#[test]
fn states_of_another_type_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training");
    let mut trainer = everything(&Device::cpu(), Precision::Single);
    trainer.fit(&examples(), 1, None, |_| Control::Continue).unwrap();
    trainer.save(&path).unwrap();
    trainer.fit(&examples(), 1, None, |_| Control::Continue).unwrap();
    let before = (trainer.weights_hash().unwrap(), trainer.steps());
    rewrite(&path, |name, tensor| {
        let empty = TensorView::new(Dtype::F32, vec![0], &[]).unwrap();
        let is_log = name == "state.train.log of 6";
        Some((name, if is_log { empty } else { tensor }))
    });
    let error = trainer.load(&path).unwrap_err().to_string();
    assert_eq!((trainer.weights_hash().unwrap(), trainer.steps()), before);
    assert!(error.ends_with("state.train.log of 6: wanted f32[6, 2], got f32[0]"), "{error}");
}

/// A training of more steps than the 32 bits of the device's clock hold goes on from its file, and still takes each example
/// once in an epoch, also where the clock would come to its end within it.
#[test]
fn trainings_of_more_steps_than_a_clock_holds_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training");
    let trainer = || {
        let options = Options { batch_size: 4, ..Options::default() };
        Trainer::new(&Device::cpu(), Linear::new(4, 3), CrossEntropyLoss, SGD::new(0.0), options).unwrap()
    };
    let (data, mut first) = (examples(), trainer());
    first.fit(&data, 1, None, |_| Control::Continue).unwrap();
    first.save(&path).unwrap();
    // The last epoch of six steps that begins below 2^32 ends above it.
    let counts = [("steps", "8589934592"), ("updates", "8589934592"), ("position", "4294967292"), ("epoch_steps", "1")];
    std::fs::write(&path, edited(&std::fs::read(&path).unwrap(), &counts)).unwrap();
    let mut second = trainer();
    second.load(&path).unwrap();
    let history = second.fit(&data, 2, Some(&data), |_| Control::Continue).unwrap();
    for epoch in &history.epochs {
        let validation = epoch.validation.unwrap();
        assert!((epoch.loss - validation.loss).abs() < 1e-6, "{epoch}");
        assert_eq!(epoch.accuracy, validation.accuracy, "{epoch}");
    }
    assert_eq!(second.steps(), 8_589_934_604);
    second.save(&path).unwrap();
    trainer().load(&path).unwrap();
}

/// Numbers that no training can have are refused, even in a file that is whole: more steps than anybody has time for, and what
/// nobody could have set.
#[test]
fn numbers_that_no_training_has_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training");
    let mut trainer = everything(&Device::cpu(), Precision::Single);
    trainer.fit(&examples(), 1, None, |_| Control::Continue).unwrap();
    trainer.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let before = trainer.weights_hash().unwrap();
    for (name, text, wanted) in [
        ("steps", "18446744073709551615", "steps: wanted a whole number from 0 to 9007199254740992, got 18446744073709551615"),
        ("updates", "-1", "updates: wanted a whole number from 0 to 9007199254740992, got -1"),
        ("learning_rate", "NaN -", "learning rate: wanted a finite number, 0 or above, got NaN"),
        ("weight_decay", "- -1", "weight decay: wanted a finite number, 0 or above, got -1"),
        ("momentum", "- 5", "momentum: wanted at least 0, and below 1 as an f32, got 5"),
        ("set_clip_norm", "0", "clip_norm: wanted a finite number above 0, got 0"),
    ] {
        std::fs::write(&path, edited(&bytes, &[(name, text)])).unwrap();
        let error = trainer.load(&path).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
        assert_eq!((trainer.weights_hash().unwrap(), trainer.learning_rate()), (before.clone(), 0.01));
    }
}
