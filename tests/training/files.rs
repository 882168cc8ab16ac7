//! Files of weights and of trainings, and what is said of those that do not fit.

use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use wgrad::callbacks::Checkpoints;
use wgrad::optimizers::{At, Update, chain};
use wgrad::prelude::*;
use wgrad::schedules::{OneCycleLR, StepLR};
use wgrad::{Optimizers, Weights};

use crate::classifier;
use crate::training::{Centred, everything, examples};

/// A file of weights with these tensors.
fn weights(path: &Path, tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) {
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

/// What optimizers keep is there for each of their parameters, or not at all.
#[test]
fn a_training_whose_optimizer_s_state_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training");
    let mut trainer = everything(&Device::cpu(), Precision::Single);
    trainer.fit(&examples(), 1, None, |_| Control::Continue).unwrap();
    trainer.save(&path).unwrap();
    rewrite(&path, |name, tensor| match name.as_str() {
        "optimizer.0.weight.exp_avg" => None,
        "optimizer.4.bias.momentum_buffer" => Some(("optimizer.4.bias.velocity".to_owned(), tensor)),
        "optimizer.4.weight.momentum_buffer" => Some((name, TensorView::new(Dtype::F32, vec![8, 3], tensor.data()).unwrap())),
        _ => Some((name, tensor)),
    });
    let before = (trainer.weights_hash().unwrap(), trainer.steps());
    let error = trainer.load(&path).unwrap_err().to_string();
    let list = [
        "0.weight.exp_avg: wanted [8, 4], got nothing",
        "4.weight.momentum_buffer: wanted [3, 8], got [8, 3]",
        "4.bias.momentum_buffer: wanted [3], got nothing",
        "4.bias.velocity: wanted nothing of that name, got [3]",
    ];
    assert!(error.ends_with(&format!("these tensors do not fit the model: {}", list.join("; "))), "{error}");
    assert_eq!((trainer.weights_hash().unwrap(), trainer.steps()), before);
}

#[test]
fn an_optimizer_s_state_that_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("optimizer");
    let mut trainer = Trainer::new(&Device::cpu(), Linear::new(2, 1), MSELoss, Adam::new(0.1), Options::default()).unwrap();
    assert!(matches!(trainer.save_optimizer(&path), Err(Error::NotBuilt)));
    trainer.build(&[2]).unwrap();
    let data = Dataset::new([[1.0, 2.0]], [[3.0]]).unwrap();
    trainer.step(&data).unwrap();
    let copy = folder.path().join("copy");
    trainer.save_optimizer(&copy).unwrap();
    let float = |number: f32| number.to_le_bytes().to_vec();
    let mut error = |step: f32, more: &[(&str, Dtype, &[usize], Vec<u8>)]| {
        let bias: [(&str, Dtype, &[usize], Vec<u8>); 3] = [
            ("bias.exp_avg", Dtype::F32, &[1], float(0.0)),
            ("bias.exp_avg_sq", Dtype::F32, &[1], float(0.0)),
            ("bias.step", Dtype::F32, &[], float(step)),
        ];
        weights(&path, &[&bias, more].concat());
        trainer.load_optimizer(&path).unwrap_err().to_string()
    };
    let all = error(0.5, &[("weight.momentum_buffer", Dtype::F32, &[1, 2], vec![0; 8])]);
    let list = [
        "weight.exp_avg: wanted [1, 2], got nothing",
        "bias.step: wanted whole numbers from 0 to 16777216, got [0.5]",
        "weight.exp_avg_sq: wanted [1, 2], got nothing",
        "weight.step: wanted [], got nothing",
        "weight.momentum_buffer: wanted nothing of that name, got [1, 2]",
    ];
    list.iter().for_each(|line| assert!(all.contains(line), "{line} is not in {all}"));
    assert_eq!(all.matches("wanted").count(), list.len());
    let weight: [(&str, Dtype, &[usize], Vec<u8>); 3] = [
        ("weight.exp_avg", Dtype::F32, &[1, 2], vec![0; 8]),
        ("weight.exp_avg_sq", Dtype::F32, &[1, 2], vec![0; 8]),
        ("weight.step", Dtype::F32, &[], float(2.0)),
    ];
    let unequal = error(7.0, &weight);
    assert!(unequal.ends_with("fit the model: bias.step: wanted 2, as weight.step, got 7"), "{unequal}");
    // Nothing has changed.
    trainer.save_optimizer(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&copy).unwrap());

    // SGD does not depend on its updates: a step may be missing, and tells schedules of them where it is there.
    let mut trainer = Trainer::new(&Device::cpu(), Linear::new(2, 1), MSELoss, SGD::new(0.1), Options::default()).unwrap();
    trainer.build(&[2]).unwrap();
    weights(&path, &[("bias.step", Dtype::I64, &[], 4_i64.to_le_bytes().to_vec())]);
    trainer.load_optimizer(&path).unwrap();
    assert_eq!(trainer.updates(), 4);
    weights(&path, &[]);
    trainer.load_optimizer(&path).unwrap();
    assert_eq!(trainer.updates(), 4);
}

/// The count of updates is one that f32 holds, as PyTorch's is, and stays there.
#[test]
fn a_step_that_f32_does_not_count_any_further_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("optimizer");
    let mut trainer = Trainer::new(&Device::cpu(), Linear::new(2, 1), MSELoss, Adam::new(0.1), Options::default()).unwrap();
    trainer.build(&[2]).unwrap();
    trainer.set_counts((1 << 24) + 2, 0).unwrap();
    trainer.save_optimizer(&path).unwrap();
    trainer.load_optimizer(&path).unwrap();
    assert_eq!(trainer.updates(), 1 << 24);
    let error = trainer.set_counts(0, 1 << 60).unwrap_err().to_string();
    assert_eq!(error, "updates and epochs: wanted 9007199254740992 at most, got 1152921504606846976");
}

/// Schedules that count updates or epochs go on where the training was that began elsewhere, with SGD too.
#[test]
fn counts_say_where_a_schedule_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("optimizer");
    let data = examples();
    for per_step in [true, false] {
        let open = || {
            let options = Options { batch_size: 11, ..Options::default() };
            let sgd = SGD::new(0.1).momentum(0.5);
            let mut trainer = Trainer::new(&Device::cpu(), Linear::new(4, 3), CrossEntropyLoss, sgd, options).unwrap();
            match per_step {
                true => trainer.set_schedule(OneCycleLR::new(0.2, 20)).unwrap(),
                false => trainer.set_schedule(StepLR::new(2, 0.5)).unwrap(),
            }
            trainer.build(&[4]).unwrap();
            trainer
        };
        let (mut first, mut second) = (open(), open());
        first.fit(&data, 3, None, |_| Control::Continue).unwrap();
        first.save_optimizer(&path).unwrap();
        second.load_optimizer(&path).unwrap();
        second.load_state_dict(&first.state_dict().unwrap()).unwrap();
        assert_eq!(second.updates(), 6);
        second.set_counts(6, 3).unwrap();
        assert_eq!(second.learning_rate(), first.learning_rate());
        assert_ne!(second.learning_rate(), open().learning_rate());
        (0..4).for_each(|_| assert_eq!(first.step(&data).unwrap(), second.step(&data).unwrap()));
        assert_eq!(second.weights_hash().unwrap(), first.weights_hash().unwrap());
    }
}

/// An optimizer of one's own keeps its states under its own names, also behind transforms, but for the one that stands for the
/// number of updates.
#[test]
fn optimizers_of_ones_own_are_in_files() {
    #[derive(Debug)]
    struct Named(&'static str);

    impl Optimizer for Named {
        fn check(&self) -> Result<(), Error> {
            Ok(())
        }

        fn learning_rate(&self) -> f64 {
            0.1
        }

        fn numbers(&self, _: At) -> Vec<f32> {
            Vec::new()
        }

        fn update(&self, update: &Update) -> Result<Var, Error> {
            let sum = update.state(self.0);
            sum.set(&(&sum + &update.gradient));
            Ok(&update.parameters - 0.1 * sum)
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("optimizer");
    let sums = |update: &Update| {
        let sum = update.state("sum");
        sum.set(&(&sum + &update.gradient));
        Ok(sum)
    };
    let open = |name| {
        let optimizer = chain(sums, chain(sums, Named(name)));
        Trainer::new(&Device::cpu(), Linear::new(2, 1).without_bias(), MSELoss, optimizer, Options::default()).unwrap()
    };
    let data = Dataset::new([[1.0, 2.0]], [[3.0]]).unwrap();
    let (mut first, mut second) = (open("own"), open("own"));
    (0..3).for_each(|_| assert!(first.step(&data).unwrap() > 0.0));
    first.save_optimizer(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let mut names = SafeTensors::deserialize(&bytes).unwrap().names().into_iter().map(str::to_owned).collect::<Vec<_>>();
    names.sort();
    assert_eq!(names, ["weight.own", "weight.step", "weight.transform.0.sum", "weight.transform.1.sum"]);
    second.build(&[2]).unwrap();
    second.load_state_dict(&first.state_dict().unwrap()).unwrap();
    second.load_optimizer(&path).unwrap();
    (0..3).for_each(|_| assert_eq!(first.step(&data).unwrap(), second.step(&data).unwrap()));

    let error = open("step").step(&data).unwrap_err().to_string();
    assert_eq!(error, "state of an optimizer: wanted a name that does not stand for the number of updates, got step");
}

/// Groups that functions choose are told apart by what they choose, and not by where the functions stand.
#[test]
fn a_training_knows_its_groups() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training");
    let open = |ending: &'static str| {
        let optimizers = Optimizers::new(Adam::new(0.01)).group_where(move |name| name.ends_with(ending), Adam::new(0.1));
        let model = Sequential::new().add(Linear::new(4, 4)).add(Linear::new(4, 3));
        Trainer::new(&Device::cpu(), model, CrossEntropyLoss, optimizers, Options::default()).unwrap()
    };
    let mut first = open("bias");
    first.fit(&examples(), 1, None, |_| Control::Continue).unwrap();
    first.save(&path).unwrap();
    let mut other = open("weight");
    let error = other.load(&path).unwrap_err().to_string();
    let wanted = "1: 0.weight 1.weight; 0: 0.bias 1.bias";
    let got = "0: 0.weight 1.weight; 1: 0.bias 1.bias";
    assert!(error.ends_with(&format!("of another training: groups: wanted {wanted}, got {got}")), "{error}");
    assert!(matches!(other.parameters(), Err(Error::NotBuilt)));
    let same = Optimizers::new(Adam::new(0.01)).group("0.bias", Adam::new(0.1));
    let model = Sequential::new().add(Linear::new(4, 4)).add(Linear::new(4, 3).without_bias());
    let mut first = Trainer::new(&Device::cpu(), model, CrossEntropyLoss, same, Options::default()).unwrap();
    first.build(&[4]).unwrap();
    first.save(&path).unwrap();
    let optimizers = Optimizers::new(Adam::new(0.01)).group_where(|name| name == "0.bias", Adam::new(0.1));
    let model = Sequential::new().add(Linear::new(4, 4)).add(Linear::new(4, 3).without_bias());
    let mut second = Trainer::new(&Device::cpu(), model, CrossEntropyLoss, optimizers, Options::default()).unwrap();
    second.load(&path).unwrap();
}

/// Momentum that a schedule once gave to SGD that was made without is there again.
#[test]
fn a_training_whose_momentum_was_moved_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training");
    let data = examples();
    let open = || Trainer::new(&Device::cpu(), Linear::new(4, 3), CrossEntropyLoss, SGD::new(0.01), Options::default()).unwrap();
    let mut first = open();
    first.set_schedule(OneCycleLR::new(0.1, 4)).unwrap();
    first.fit(&data, 2, None, |_| Control::Continue).unwrap();
    first.set_schedule(StepLR::new(1, 0.5)).unwrap();
    first.set_group_momentum(0, 0.5).unwrap();
    first.fit(&data, 1, None, |_| Control::Continue).unwrap();
    first.save(&path).unwrap();
    let mut second = open();
    second.set_schedule(StepLR::new(1, 0.5)).unwrap();
    second.load(&path).unwrap();
    assert_eq!(second.group_momentum(0).unwrap(), Some(0.5));
    first.fit(&data, 2, None, |_| Control::Continue).unwrap();
    second.fit(&data, 2, None, |_| Control::Continue).unwrap();
    assert_eq!(second.weights_hash().unwrap(), first.weights_hash().unwrap());
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
fn rewrite(path: &Path, change: impl for<'a> Fn(String, TensorView<'a>) -> Option<(String, TensorView<'a>)>) {
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
