//! What optimizers keep, in files of its own and in those of trainings.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use wgrad::Optimizers;
use wgrad::optimizers::{At, Update, chain};
use wgrad::prelude::*;
use wgrad::schedules::{OneCycleLR, StepLR};

use crate::files::{rewrite, weights};
use crate::training::{everything, examples};

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
