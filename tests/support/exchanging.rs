//! Weights, and what optimizers keep, in files that PyTorch reads and writes.

use std::collections::BTreeSet;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use wgrad::optimizers::Optimizers;
use wgrad::prelude::*;
use wgrad::schedules::ExponentialLR;

use super::resuming::{everything, examples, tensors};

/// Weights in a file have PyTorch's names, shapes and types, and go into another trainer.
pub fn weights_go_through_a_file(device: &Device) {
    let (data, folder) = (examples(), tempfile::tempdir().unwrap());
    let path = folder.path().join("weights.safetensors");
    let (mut from, mut to) = (everything(device, Precision::Single), everything(device, Precision::Single));
    from.fit(&data, 1, None, |_| Control::Continue).unwrap();
    from.save_weights(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut kinds: Vec<_> =
        file.iter().map(|(name, tensor)| format!("{name} {:?} {:?}", tensor.dtype(), tensor.shape())).collect();
    kinds.sort();
    let wanted = [
        "0.bias F32 [8]",
        "0.weight F32 [8, 4]",
        "1.num_batches_tracked I64 []",
        "1.running_mean F32 [8]",
        "4.bias F32 [3]",
        "4.weight F32 [3, 8]",
    ];
    assert_eq!(kinds, wanted);
    assert_eq!(file.tensor("1.num_batches_tracked").unwrap().data(), 6_i64.to_le_bytes());
    to.build(&[4]).unwrap();
    to.load_weights(&path).unwrap();
    assert_eq!(to.state_dict().unwrap(), from.state_dict().unwrap());
    assert_eq!(to.evaluate(&data).unwrap(), from.evaluate(&data).unwrap());
    to.fit(&data, 1, None, |_| Control::Continue).unwrap();
    to.load_weights(&path).unwrap();
    assert_eq!(to.state_dict().unwrap(), from.state_dict().unwrap());
}

/// What the optimizers keep has PyTorch's names, and the shapes of the parameters, and goes into another trainer, whose next
/// updates have the same bits.
pub fn the_optimizer_s_state_goes_through_a_file(device: &Device) {
    let (data, folder) = (examples(), tempfile::tempdir().unwrap());
    let [weights, optimizer] = ["weights", "optimizer"].map(|name| folder.path().join(name));
    let open = || {
        let model = Sequential::new().add(Linear::new(4, 8)).add(ReLU).add(Linear::new(8, 3));
        let optimizers = Optimizers::new(Adam::new(0.01)).group("2", SGD::new(0.05).momentum(0.5)).freeze("2.bias");
        let options = Options { accumulation: 2, ..Options::default() };
        let mut trainer = Trainer::new(device, model, CrossEntropyLoss, optimizers, options).unwrap();
        trainer.set_schedule(ExponentialLR::new(0.5).per_step()).unwrap();
        trainer
    };
    let steps = |trainer: &mut Trainer, count| (0..count).for_each(|_| assert!(trainer.step(&data).unwrap() > 0.0));
    let mut first = open();
    steps(&mut first, 6);
    first.save_weights(&weights).unwrap();
    first.save_optimizer(&optimizer).unwrap();
    let bytes = std::fs::read(&optimizer).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let kinds = file.iter().map(|(name, tensor)| format!("{name} {:?} {:?}", tensor.dtype(), tensor.shape()));
    let wanted = [
        "0.bias.exp_avg F32 [8]",
        "0.bias.exp_avg_sq F32 [8]",
        "0.bias.step F32 []",
        "0.weight.exp_avg F32 [8, 4]",
        "0.weight.exp_avg_sq F32 [8, 4]",
        "0.weight.step F32 []",
        "2.weight.momentum_buffer F32 [3, 8]",
        "2.weight.step F32 []",
    ];
    assert_eq!(kinds.collect::<BTreeSet<_>>(), wanted.map(str::to_owned).into());
    assert_eq!(file.tensor("0.bias.step").unwrap().data(), 3_f32.to_le_bytes());

    let (mut fresh, mut used) = (open(), open());
    fresh.build(&[4]).unwrap();
    steps(&mut used, 10);
    steps(&mut first, 4);
    for second in [&mut fresh, &mut used] {
        second.load_weights(&weights).unwrap();
        second.load_optimizer(&optimizer).unwrap();
        assert_eq!(second.learning_rate(), 0.01 / 8.0);
        steps(second, 4);
        assert_eq!(second.weights_hash().unwrap(), first.weights_hash().unwrap());
    }
    // What was loaded and not yet used is saved again, also where it comes from the file of a whole training.
    let [training, copy] = ["training", "copy"].map(|name| folder.path().join(name));
    let mut other = open();
    other.build(&[4]).unwrap();
    other.load_optimizer(&optimizer).unwrap();
    other.save(&training).unwrap();
    let mut third = open();
    third.build(&[4]).unwrap();
    third.load_optimizer(&training).unwrap();
    assert_eq!(third.updates(), 3);
    third.save_optimizer(&copy).unwrap();
    assert_eq!(tensors(&copy), tensors(&optimizer));
}

/// The losses before the fourth and fifth step, and the parameters behind them, of `nn.Linear(2, 1)` with weights of 0.5 and
/// -0.25 and a bias of 0.125, where PyTorch 2.15 has computed the first three steps in double precision, and this goes on.
pub fn a_training_of_pytorch_goes_on(device: &Device) {
    struct Case {
        optimizer: Optimizers,
        weights: [f64; 3],
        state: Vec<(&'static str, Vec<f64>)>,
        losses: [f64; 2],
        last: [f64; 3],
    }
    let adam = Case {
        optimizer: Adam::new(0.1).into(),
        weights: [0.21850198, 0.0434889247, 0.418162894],
        state: vec![
            ("weight.exp_avg", vec![0.019993645, -0.457923804]),
            ("weight.exp_avg_sq", vec![2.21857367e-5, 0.00947521868]),
            ("weight.step", vec![3.0]),
            ("bias.exp_avg", vec![-0.37833523]),
            ("bias.exp_avg_sq", vec![0.00650171657]),
            ("bias.step", vec![3.0]),
        ],
        losses: [0.07699415453179857, 0.006154284094523411],
        last: [0.089896037, 0.210482023, 0.584103558],
    };
    let sgd = Case {
        optimizer: SGD::new(0.1).momentum(0.75).into(),
        weights: [0.3234375, 0.344140625, 0.70625],
        state: vec![("weight.momentum_buffer", vec![1.109375, -1.16015625]), ("bias.momentum_buffer", vec![-1.59375])],
        losses: [0.2592456245422364, 0.1445966118931771],
        last: [0.034284668, 0.131060791, 0.709277832],
    };
    let folder = tempfile::tempdir().unwrap();
    let [weights, optimizer] = ["weights", "optimizer"].map(|name| folder.path().join(name));
    let data = Dataset::new([[1.0, 2.0], [-1.0, 0.5]], [[1.0], [0.5]]).unwrap();
    for case in [adam, sgd] {
        let mut trainer = Trainer::new(device, Linear::new(2, 1), MSELoss, case.optimizer, Options::default()).unwrap();
        trainer.build(&[2]).unwrap();
        write_doubles(&weights, &[("weight", case.weights[..2].to_vec()), ("bias", case.weights[2..].to_vec())]);
        write_doubles(&optimizer, &case.state);
        trainer.load_weights(&weights).unwrap();
        trainer.load_optimizer(&optimizer).unwrap();
        let losses = [trainer.step(&data).unwrap(), trainer.step(&data).unwrap()];
        let last: Vec<f32> = trainer.parameters().unwrap().iter().flat_map(|(_, tensor)| tensor.to_vec()).collect();
        for (got, wanted) in losses.iter().chain(&last).zip(case.losses.iter().chain(&case.last)) {
            assert!((f64::from(*got) - wanted).abs() < 1e-6, "{losses:?} and {last:?}");
        }
    }
}

/// A file as PyTorch writes it of `nn.Linear(2, 1)` in double precision.
fn write_doubles(path: &Path, tensors: &[(&str, Vec<f64>)]) {
    let tensors = tensors.iter().map(|(name, elements)| {
        let shape = match elements.len() {
            2 => vec![1, 2],
            _ if name.ends_with("step") => vec![],
            length => vec![length],
        };
        (*name, shape, elements.iter().flat_map(|element| element.to_le_bytes()).collect::<Vec<u8>>())
    });
    let tensors: Vec<_> = tensors.collect();
    let views = tensors.iter().map(|(name, shape, bytes)| (*name, TensorView::new(Dtype::F64, shape.clone(), bytes).unwrap()));
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}
