//! The page that sets PyTorch's lines beside wgrad's: all of wgrad's are here, and run. No adapter is needed.

use wgrad::callbacks::{Checkpoints, EarlyStopping};
use wgrad::data::{RegressionTable, Standardization, Table};
use wgrad::optimizers::Optimizers;
use wgrad::prelude::*;
use wgrad::schedules::{CosineAnnealingLR, ExponentialLR, LinearLR, OneCycleLR, SequentialLR, StepLR};
use wgrad::{Fan, Initial, LearningRateFinder};

const PAGE: &str = include_str!("../docs/from_pytorch.md");
const HERE: &str = include_str!("from_pytorch.rs");

/// The lines of a text without their indentation.
fn unindented(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// Each block of Rust on the page.
fn blocks() -> Vec<Vec<&'static str>> {
    let blocks = PAGE.split("```rust\n").skip(1).filter_map(|rest| rest.split_once("```"));
    blocks.map(|(block, _)| unindented(block)).collect()
}

#[test]
fn all_lines_of_the_page_are_run_here() {
    let here = unindented(HERE);
    let blocks = blocks();
    assert!(blocks.len() > 10);
    for block in blocks {
        let is_here = here.windows(block.len()).any(|lines| lines == block);
        assert!(is_here, "not in this file:\n{}", block.join("\n"));
    }
}

/// A hundred rows of 784 bytes, of ten classes.
fn digits() -> Dataset {
    let pixels = (0..100 * 784).map(|index| if index / 784 % 10 == index % 10 { 255 } else { 0 }).collect();
    let labels = (0..100).map(|index| index % 10).collect();
    Dataset::new(Tensor::u8([100, 784], pixels).unwrap(), Tensor::u8([100], labels).unwrap()).unwrap()
}

fn small(model: impl Layer + 'static) -> Trainer {
    let options = Options { batch_size: 25, ..Options::default() };
    Trainer::new(&Device::cpu(), model, CrossEntropyLoss, Adam::new(0.001), options).unwrap()
}

fn classifier() -> Sequential {
    Sequential::new().add(Linear::new(784, 10))
}

#[test]
fn devices() -> Result<(), Error> {
    let device = Device::auto()?;
    println!("{device}");
    Ok(())
}

#[test]
fn tensors() -> Result<(), Error> {
    let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    let row = x.clone().reshaped([1, 4])?;
    let last = x.select(&[1])?;
    let classes = x.argmax();
    println!("{x} {}", x.shape());
    assert_eq!((row.rows(), last.to_vec(), classes), (1, vec![3.0, 4.0], vec![1, 1]));
    Ok(())
}

#[test]
fn gradients() -> Result<(), Error> {
    let device = Device::cpu();
    let graph = Trace::on(&device);
    let (x, w) = (graph.constant([[1.0, 2.0]]), graph.constant([[3.0], [4.0]]));
    let loss = (x.matmul(&w) - 5.0).square().mean();
    let next = &w - 0.01 * loss.gradient(&w);
    println!("{} {}", loss.evaluate()?, next.evaluate()?);
    assert_eq!(loss.item()?, 36.0);
    let distances = next.evaluate()?.to_vec().into_iter().zip([2.88, 3.76]).map(|(w, wanted): (f32, f32)| (w - wanted).abs());
    assert!(distances.into_iter().all(|distance| distance < 1e-6));

    let mut session = Session::new(&device);
    let step = session.compile("step", |graph| {
        let (x, w) = (graph.constant([[1.0, 2.0]]), graph.state("w", [[3.0], [4.0]]));
        let loss = (x.matmul(&w) - 5.0).square().mean();
        let gradient = &loss.gradients(&[&w])[0];
        w.set(&(&w - 0.01 * gradient));
        Ok([loss])
    })?;
    session.run(&step, 1000)?;
    let [loss] = session.outputs(&step)?;
    println!("{loss} {}", session.read("w")?);
    assert!(loss.item()? < 1e-6);
    Ok(())
}

#[test]
fn data() -> Result<(), Error> {
    let (train, test) = wgrad::data::digits("data/mnist")?;
    let images = train.take(1000)?.reshaped(&[1, 28, 28])?;
    assert_eq!((images.len(), test.len()), (1000, 10_000));

    let (inputs, targets) = (vec![0.5; 40], vec![0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let data = Dataset::new(Tensor::f32([10, 4], inputs)?, targets)?;
    let (train, test) = data.split(0.2, 42)?;
    let loader = Loader::new(&train, 4, 0)?;
    assert_eq!((loader.steps(), test.len()), (2, 2));

    let table = Table::read("data/iris.csv")?;
    let (train, test) = Dataset::from(&table).split(0.2, 42)?;
    let scaler = Standardization::fit(&train)?;
    let (train, test) = (scaler.apply(&train)?, scaler.apply(&test)?);
    assert_eq!((train.len(), test.len()), (120, 30));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("houses.csv"), "area,price\n71,220\n").unwrap();
    let houses = Dataset::from(RegressionTable::read(path.join("houses.csv"), &["price"])?);
    assert_eq!(houses.targets().to_vec(), [220.0]);
    Ok(())
}

#[test]
fn models() -> Result<(), Error> {
    let model = Sequential::new()
        .add(Linear::new(784, 256))
        .add(BatchNorm1d::new(256))
        .add(ReLU)
        .add(Dropout::new(0.2))
        .add(Linear::new(256, 10));
    println!("{}", model.summary(&[784])?);

    let convolution = Conv2d::new(1, 32, 3).padding(1);
    let pooling = MaxPool2d::new(2);
    let average = AdaptiveAvgPool2d::new(1);
    let normal = LayerNorm::new(64);
    let (rnn, gru) = (RNN::new(28, 128), GRU::new(28, 128));
    let lstm = LSTM::new(28, 128).num_layers(2).dropout(0.2);
    let last = LSTM::new(28, 128).last_step();
    let embedding = Embedding::new(50, 64);
    let attention = MultiheadAttention::new(64, 4);
    let layer = TransformerEncoderLayer::new(64, 4);
    let encoder = TransformerEncoder::new(layer, 2);

    let images = Sequential::new().add(convolution).add(pooling).add(average).add(Flatten);
    assert_eq!(wgrad::summary(&images, &[1, 28, 28])?.parameters, 320);
    assert_eq!(wgrad::summary(&lstm, &[28, 28])?.parameters, 212_992);
    assert_eq!(wgrad::summary(&last, &[28, 28])?.parameters, 80_896);
    assert_eq!(wgrad::summary(&rnn, &[28, 28])?.parameters, 20_224);
    assert_eq!(wgrad::summary(&gru, &[28, 28])?.parameters, 60_672);
    let attended = Sequential::new().add(normal).add(attention);
    assert_eq!(attended.summary(&[16, 64])?.parameters, 128 + 16_640);
    let tokens = Sequential::new().add(embedding).add(encoder);
    assert_eq!(tokens.summary(wgrad::core::TensorType::u32([16]))?.parameters, 565_504);
    Ok(())
}

#[derive(Debug)]
struct Residual {
    inner: Linear,
    scale: f32,
}

impl Layer for Residual {
    fn forward(&self, x: &Var) -> Result<Var, Error> {
        let inner = x.layer("inner", &self.inner)?.relu();
        Ok(x + self.scale * inner)
    }
}

/// What one sequence finds in another.
fn find_in(x: &Var, memory: &Var, attention: &MultiheadAttention) -> Result<Var, Error> {
    let found = x.trace().part("multihead_attn", || attention.attend(x, memory, memory, None))?;
    Ok(found)
}

#[test]
fn parts_of_several_inputs() -> Result<(), Error> {
    let graph = Trace::on(&Device::cpu());
    let [x, memory] = [3, 5].map(|steps| graph.constant(Tensor::zeros([2, steps, 4])));
    assert_eq!(find_in(&x, &memory, &MultiheadAttention::new(4, 2))?.evaluate()?, Tensor::zeros([2, 3, 4]));
    assert_eq!(graph.parameters()[0].0, "multihead_attn.in_proj_weight");
    Ok(())
}

#[test]
fn a_model_of_ones_own() -> Result<(), Error> {
    let model = Residual { inner: Linear::new(10, 10), scale: 0.5 };
    assert!(wgrad::summary(&model, &[10])?.to_string().ends_with("110"));
    Ok(())
}

#[test]
fn initial_values() -> Result<(), Error> {
    let normal = Linear::new(2, 4).weight(Initial::Normal { deviation: 0.01 }).bias(Initial::Constant(0.0));
    let xavier = Linear::new(2, 4).weight(Initial::XavierUniform { gain: 1.0 });
    let he = Linear::new(2, 4).weight(Initial::HE);
    let gain = std::f32::consts::SQRT_2;
    let convolution = Conv2d::new(1, 32, 3).weight(Initial::KaimingNormal { fan: Fan::Out, gain });

    for layer in [normal, xavier, he] {
        assert_eq!(wgrad::summary(&layer, &[2])?.parameters, 12);
    }
    assert_eq!(wgrad::summary(&convolution, &[1, 5, 5])?.parameters, 320);

    let mut trainer = small(classifier());
    trainer.build(&[784])?;
    trainer.initialize(|name, _| name.contains("weight").then_some(Initial::XavierUniform { gain: 1.0 }))?;
    Ok(())
}

#[test]
fn optimizers() -> Result<(), Error> {
    let sgd = SGD::new(0.1).momentum(0.9).nesterov().weight_decay(1e-4);
    let adam = Adam::new(0.001).betas(0.9, 0.999);
    let adamw = AdamW::new(0.001).weight_decay(0.01);
    let groups = Optimizers::new(Adam::new(1e-3)).group("4", SGD::new(0.1)).freeze("0");
    let without_decay = AdamW::new(1e-3).weight_decay(0.0);
    let by_name = Optimizers::new(AdamW::new(1e-3)).group_where(|name| name.ends_with("bias"), without_decay);

    let model = || {
        let hidden = Sequential::new().add(Linear::new(784, 8)).add(BatchNorm1d::new(8)).add(ReLU).add(Dropout::new(0.2));
        hidden.add(Linear::new(8, 10))
    };
    let all: [Optimizers; 5] = [sgd.into(), adam.into(), adamw.into(), groups, by_name];
    for optimizers in all {
        let options = Options { batch_size: 50, ..Options::default() };
        let mut trainer = Trainer::new(&Device::cpu(), model(), CrossEntropyLoss, optimizers, options)?;
        trainer.fit(&digits(), 1, None, Epoch::print)?;
        assert_eq!(trainer.steps(), 2);
    }

    let groups = Optimizers::new(Adam::new(1e-3)).group("4", SGD::new(0.1).momentum(0.5)).freeze("0");
    let options = Options { clip_norm: Some(1.0), ..Options::default() };
    let mut trainer = Trainer::new(&Device::cpu(), model(), CrossEntropyLoss, groups, options)?;
    trainer.set_group_learning_rate(1, 0.01)?;
    trainer.set_group_weight_decay(1, 1e-3)?;
    trainer.set_group_momentum(1, 0.9)?;
    trainer.set_clip_norm(0.5)?;
    let set = (trainer.group_weight_decay(1)?, trainer.group_momentum(1)?, trainer.clip_norm());
    assert_eq!(set, (Some(1e-3), Some(0.9), Some(0.5)));
    Ok(())
}

#[test]
fn training() -> Result<(), Error> {
    let (train, test, model, device) = (digits(), digits(), classifier(), Device::cpu());
    let options = Options { batch_size: 64, seed: 0, ..Options::default() };
    let mut trainer = Trainer::new(&device, model, CrossEntropyLoss, Adam::new(0.001), options)?;
    let history = trainer.fit(&train, 5, Some(&test), Epoch::print)?;
    assert!(history.epochs[4].loss < history.epochs[0].loss);

    let loader = Loader::new(&train, 64, 0)?;
    for epoch in 0..5 {
        for batch in loader.epoch(epoch) {
            let loss = trainer.step(&batch)?;
            println!("{loss}");
        }
        trainer.end_epoch();
    }
    assert_eq!(trainer.steps(), 20);

    let batch = train.take(64)?;
    for (name, gradient) in trainer.gradients(&batch)?.gradients {
        println!("{name}: {}", gradient.shape());
    }

    let options = Options { clip_norm: Some(1.0), accumulation: 4, ..Options::default() };
    assert!(Trainer::new(&device, classifier(), CrossEntropyLoss, Adam::new(0.001), options).is_ok());

    let scale = LossScale { initial: 65536.0, growth_interval: 2000 };
    let options = Options { precision: Precision::Mixed(scale), clip_norm: Some(1.0), ..Options::default() };
    let mut trainer = Trainer::new(&device, classifier(), CrossEntropyLoss, Adam::new(0.001), options)?;
    assert_eq!(trainer.loss_scale()?, Some(65536.0));
    Ok(())
}

#[test]
fn evaluation() -> Result<(), Error> {
    let (test, mut trainer) = (digits(), small(classifier()));
    let score = trainer.evaluate(&test)?;
    let predicted = trainer.predict(test.inputs())?.argmax();
    println!("{score}, {predicted:?}");
    assert!(score.accuracy.is_some());
    assert_eq!(predicted.len(), 100);
    Ok(())
}

#[test]
fn schedules() -> Result<(), Error> {
    let (train, steps, mut trainer) = (digits(), 1000, small(classifier()));
    trainer.set_schedule(StepLR::new(30, 0.1))?;
    trainer.set_schedule(CosineAnnealingLR::new(100))?;
    trainer.set_schedule(ExponentialLR::new(0.95))?;
    trainer.set_schedule(OneCycleLR::new(0.01, steps))?;
    trainer.set_schedule(SequentialLR::new(LinearLR::new(0.1, 5), 5, CosineAnnealingLR::new(95)))?;
    trainer.set_learning_rate(1e-4)?;
    assert_eq!(trainer.learning_rate(), 1e-4);

    let curve = trainer.find_learning_rate(&train, LearningRateFinder::default())?;
    println!("{:?}", curve.suggestion);
    assert!(curve.suggestion.is_some());
    Ok(())
}

#[test]
fn early_stopping() -> Result<(), Error> {
    let (train, test, mut trainer) = (digits(), digits(), small(classifier()));
    let stopping = EarlyStopping::new(7).min_delta(0.0);
    let history = trainer.fit_with(&train, 10, Some(&test), (stopping, Epoch::print))?;
    assert!(!history.epochs.is_empty());
    Ok(())
}

#[test]
fn files() -> Result<(), Error> {
    let folder = tempfile::tempdir().unwrap();
    let (path, train, mut trainer) = (folder.path(), digits(), small(classifier()));
    trainer.fit(&train, 1, None, Epoch::print)?;
    trainer.save_weights(path.join("model.safetensors"))?;
    trainer.load_weights(path.join("model.safetensors"))?;

    trainer.save_optimizer(path.join("optimizer.safetensors"))?;
    trainer.load_optimizer(path.join("optimizer.safetensors"))?;
    trainer.set_counts(trainer.updates(), 10)?;

    trainer.save(path.join("training.safetensors"))?;
    trainer.load(path.join("training.safetensors"))?;
    trainer.fit_with(&train, 5, None, Checkpoints::new(path.join("training.safetensors")))?;
    assert_eq!(trainer.epochs(), 15);
    Ok(())
}
