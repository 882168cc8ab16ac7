//! Training on the CPU: what it does, and what it says to bad input. No adapter is needed.

#[path = "training/callbacks.rs"]
mod callbacks;
#[path = "training/files.rs"]
mod files;
#[path = "training/functions.rs"]
mod functions;
#[path = "training/optimizer_state.rs"]
mod optimizer_state;
#[path = "support/training.rs"]
mod training;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use training::{Reference, assert_rate, everything, examples, references};
use wgrad::prelude::*;
use wgrad::schedules::Unit;
use wgrad::{Layer, LearningRateFinder, Loss, Optimizer, Optimizers, Session, Snapshot};

macro_rules! on_the_cpu {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() { training::$name(&Device::cpu()); })*
    };
}

training::for_all!(on_the_cpu);

/// Four examples of two numbers in two classes.
fn data() -> Dataset {
    Dataset::new([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]).unwrap()
}

fn trainer(model: impl Layer + 'static, loss: impl Loss + 'static, optimizer: impl Optimizer + 'static) -> Trainer {
    Trainer::new(&Device::cpu(), model, loss, optimizer, Options { batch_size: 2, ..Options::default() }).unwrap()
}

fn classifier() -> Trainer {
    trainer(Linear::new(2, 2), CrossEntropyLoss, SGD::new(0.1))
}

/// What `fit` says to this model and data.
fn fit_error(model: impl Layer + 'static, loss: impl Loss + 'static, data: &Dataset) -> String {
    let error = trainer(model, loss, SGD::new(0.1)).fit(data, 1, None, |_| Control::Continue);
    error.unwrap_err().to_string()
}

#[test]
fn progress_ends_with_the_epoch_and_callbacks_can_stop() {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let mut trainer = classifier();
    let log = reports.clone();
    trainer.on_progress(move |progress| log.lock().unwrap().push(progress));
    let data = data().select(&[0, 1, 2, 3, 0, 1, 2]).unwrap();
    let history = trainer.fit(&data, 5, None, |epoch| if epoch.epoch == 2 { Control::Stop } else { Control::Continue }).unwrap();
    assert_eq!(history.epochs.iter().map(|epoch| epoch.epoch).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(trainer.steps(), 8);
    let reports = reports.lock().unwrap();
    let at = |epoch| reports.iter().filter(|report| report.epoch == epoch).map(|report| report.step).collect::<Vec<_>>();
    for epoch in [1, 2] {
        assert_eq!((at(epoch).first(), at(epoch).last()), (Some(&0), Some(&4)));
        assert!(at(epoch).is_sorted());
    }
    assert!(reports.iter().all(|report| (report.steps, report.epochs) == (4, 5)));
}

/// PyTorch's default for `Linear(100, 50)`: evenly between plus and minus 0.1.
#[test]
fn initial_values_are_those_of_pytorch() {
    let mut trainer = trainer(Linear::new(100, 50), MSELoss, SGD::new(0.1));
    trainer.build(&[100]).unwrap();
    let values: Vec<f32> = trainer.parameters().unwrap().iter().flat_map(|(_, tensor)| tensor.to_vec()).collect();
    let mean = |power: i32| values.iter().map(|value| f64::from(*value).powi(power)).sum::<f64>() / values.len() as f64;
    let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    assert!((0.0995..=0.1).contains(&largest), "{largest}");
    assert!(mean(1).abs() < 0.003 && (mean(2) - 0.01 / 3.0).abs() < 0.0002, "{} and {}", mean(1), mean(2));
}

/// The same on every platform, and in every version that does not say otherwise.
#[test]
fn initial_values_never_change() {
    let mut trainer = classifier();
    trainer.build(&[2]).unwrap();
    let values: Vec<f32> = trainer.parameters().unwrap().iter().flat_map(|(_, tensor)| tensor.to_vec()).collect();
    assert_eq!(values, [0.218_774_77, 0.295_677_24, 0.325_085_04, -0.048_193_995, 0.402_334_4, 0.361_375_42]);
}

#[test]
fn no_epochs_give_an_empty_history() {
    let mut trainer = classifier();
    let history = trainer.fit(&data(), 0, None, |_| Control::Continue).unwrap();
    assert!(history.epochs.is_empty());
    assert_eq!(trainer.steps(), 0);
}

#[test]
fn the_explicit_loop_takes_every_example_once_an_epoch() {
    let data = data();
    let loader = Loader::new(&data, 3, 1).unwrap();
    let orders: Vec<Vec<f32>> = (0..10)
        .map(|epoch| {
            let sizes: Vec<usize> = loader.epoch(epoch).map(|batch| batch.len()).collect();
            assert_eq!(sizes, [3, 1]);
            loader.epoch(epoch).flat_map(|batch| batch.inputs().tensor().to_vec()).collect()
        })
        .collect();
    for order in &orders {
        let mut rows: Vec<&[f32]> = order.chunks(2).collect();
        rows.sort_by(|left, right| left.partial_cmp(right).unwrap());
        assert_eq!(rows, [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
    }
    assert!(orders.iter().any(|order| *order != orders[0]));
    let mut trainer = classifier();
    for batch in loader.epoch(0) {
        assert!(trainer.step(&batch).unwrap().is_finite());
    }
    assert_eq!(trainer.steps(), 2);
}

#[test]
fn a_summary_counts_parameters() {
    let model = Sequential::new()
        .add(Flatten)
        .add(Linear::new(784, 256))
        .add(ReLU)
        .add(Dropout::new(0.2))
        .add(Sequential::new().add(Linear::new(256, 10)).add(LeakyReLU(0.01)));
    let summary = model.summary(&[28, 28]).unwrap();
    assert_eq!(summary.parameters, 203_530);
    let text = summary.to_string();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[2], ["1", "Linear", "[batch,", "256]", "200,960"]);
    assert_eq!(lines[6], ["4.0", "Linear", "[batch,", "10]", "2,570"]);
    assert_eq!(lines[8], ["total", "203,530"]);
}

/// A weight whose gradient is 0, since its input is, changes by its decay alone.
#[test]
fn weights_decay_where_nothing_else_changes_them() {
    let decayed = |optimizer: Box<dyn Optimizer>| {
        let mut trainer = trainer(Linear::new(1, 1), MSELoss, optimizer);
        trainer.build(&[1]).unwrap();
        trainer.set_parameters(&[("weight".into(), [[2.0]].into()), ("bias".into(), [0.0].into())]).unwrap();
        let batch = Dataset::new([[0.0], [0.0]], [[0.0], [0.0]]).unwrap();
        (0..3).for_each(|_| _ = trainer.step(&batch).unwrap());
        trainer.parameters().unwrap()[0].1.to_vec()[0]
    };
    let shrunk = 2.0 * (1.0_f32 - 0.1 * 0.5).powi(3);
    let close = |got: f32, wanted: f32| assert!((got - wanted).abs() < 1e-6, "{got}, not {wanted}");
    close(decayed(Box::new(SGD::new(0.1).weight_decay(0.5))), shrunk);
    close(decayed(Box::new(AdamW::new(0.1).weight_decay(0.5))), shrunk);
    close(decayed(Box::new(AdamW::new(0.1))), 2.0 * (1.0_f32 - 0.1 * 0.01).powi(3));
    // The ratio of the corrected moments of a gradient that hardly changes is nearly 1.
    assert!((decayed(Box::new(Adam::new(0.1).weight_decay(0.5))) - 1.7).abs() < 0.01);
    assert_eq!(decayed(Box::new(Adam::new(0.1))), 2.0);
    let (mut weight, mut velocity) = (2.0_f32, 0.0);
    for _ in 0..3 {
        velocity = 0.5 * velocity + 0.5 * weight;
        weight -= 0.1 * velocity;
    }
    close(decayed(Box::new(SGD::new(0.1).momentum(0.5).weight_decay(0.5))), weight);
}

#[test]
fn numbers_out_of_range_are_named() {
    let optimizers: [(Box<dyn Optimizer>, &str); 14] = [
        (Box::new(SGD::new(-0.1)), "learning rate: wanted a finite number, 0 or above, got -0.1"),
        (Box::new(SGD::new(f64::NAN)), "learning rate: wanted a finite number, 0 or above, got NaN"),
        (Box::new(Adam::new(f64::INFINITY)), "learning rate: wanted a finite number, 0 or above, got inf"),
        (Box::new(Adam::new(-1.0)), "learning rate: wanted a finite number, 0 or above, got -1"),
        (Box::new(SGD::new(0.1).momentum(1.0)), "momentum: wanted at least 0, and below 1 as an f32, got 1"),
        (Box::new(SGD::new(0.1).momentum(-0.5)), "momentum: wanted at least 0, and below 1 as an f32, got -0.5"),
        (Box::new(SGD::new(0.1).momentum(f64::NAN)), "momentum: wanted at least 0, and below 1 as an f32, got NaN"),
        (Box::new(SGD::new(0.1).nesterov()), "Nesterov's momentum: wanted above 0, got 0"),
        (Box::new(SGD::new(0.1).weight_decay(-0.1)), "weight decay: wanted a finite number, 0 or above, got -0.1"),
        (
            Box::new(AdamW::new(0.1).weight_decay(1e39)),
            &format!("weight decay: wanted a finite number, 0 or above, got {}", 1e39),
        ),
        (Box::new(Adam::new(0.1).betas(1.0, 0.999)), "beta1: wanted at least 0, and below 1 as an f32, got 1"),
        (Box::new(Adam::new(0.1).betas(0.9, f64::NAN)), "beta2: wanted at least 0 and below 1, got NaN"),
        (Box::new(Adam::new(0.1).epsilon(0.0)), "epsilon: wanted a finite number above 0, got 0"),
        (Box::new(Adam::new(0.1).epsilon(f64::INFINITY)), "epsilon: wanted a finite number above 0, got inf"),
    ];
    for (optimizer, message) in optimizers {
        let error = Trainer::new(&Device::cpu(), Linear::new(2, 2), CrossEntropyLoss, optimizer, Options::default());
        assert_eq!(error.unwrap_err().to_string(), message);
    }
    let options = Options { batch_size: 0, ..Options::default() };
    let error = Trainer::new(&Device::cpu(), Linear::new(2, 2), CrossEntropyLoss, Adam::new(0.0), options);
    assert_eq!(error.unwrap_err().to_string(), "batch size: wanted 1 at least, got 0");
}

#[test]
fn layers_that_cannot_be_built_are_named() {
    let model = |layer: Box<dyn Layer>| Sequential::new().add(Linear::new(2, 4)).add(ReLU).add(layer);
    let error = |layer| fit_error(model(layer), CrossEntropyLoss, &data());
    assert_eq!(error(Box::new(Linear::new(4, 0))), "layer 2 (Linear): outputs: wanted 1 at least, got 0");
    assert_eq!(error(Box::new(Linear::new(0, 4))), "layer 2 (Linear): inputs: wanted 1 at least, got 0");
    assert_eq!(error(Box::new(Linear::new(5, 2))), "layer 2 (Linear): input: wanted [batch, 5], got [1, 4]");
    assert_eq!(error(Box::new(Dropout::new(1.0))), "layer 2 (Dropout): rate: wanted at least 0 and below 1, got 1");
    assert_eq!(error(Box::new(Dropout::new(-0.1))), "layer 2 (Dropout): rate: wanted at least 0 and below 1, got -0.1");
    assert_eq!(error(Box::new(Dropout::new(f32::NAN))), "layer 2 (Dropout): rate: wanted at least 0 and below 1, got NaN");
    let nested = error(Box::new(Sequential::new().add(Linear::new(3, 2))));
    assert_eq!(nested, "layer 2 (Sequential): layer 0 (Linear): input: wanted [batch, 3], got [1, 4]");
    let slope = error(Box::new(LeakyReLU(f32::NAN)));
    assert!(slope.starts_with("layer 2 (LeakyReLU): leaky_relu: wanted ") && slope.contains("NaN"), "{slope}");
    assert_eq!(fit_error(Sequential::new().add(ReLU), CrossEntropyLoss, &data()), "the model has no parameters");
}

/// What is wrong with a model by itself has its kind; what is wrong with a layer of it, the layer's name alone.
#[test]
fn models_that_cannot_be_built_are_named() {
    #[derive(Debug)]
    struct Widened;
    impl Layer for Widened {
        fn forward(&self, input: &Var) -> Result<Var, Error> {
            Ok(input + input.reshape([1, 1, 2]).narrow(2, 0, 1) + input.narrow(1, 0, 2).reshape([2]).narrow(0, 0, 3))
        }
    }
    let error = fit_error(Linear::new(5, 3), CrossEntropyLoss, &data());
    assert_eq!(error, "model (Linear): input: wanted [batch, 5], got [1, 2]");
    let sequences = Tensor::zeros([1, 7, 4]);
    let trainer = |model| Trainer::new(&Device::cpu(), model, CrossEntropyLoss, SGD::new(0.1), Options::default()).unwrap();
    let error = trainer(LSTM::new(5, 3)).predict(&sequences).unwrap_err().to_string();
    assert_eq!(error, "model (LSTM): input: wanted [batch, steps, 5], got [1, 7, 4]");
    assert_eq!(wgrad::summary(&LSTM::new(5, 3), &[7, 4]).unwrap_err().to_string(), error);
    let own = fit_error(Widened, CrossEntropyLoss, &data());
    assert!(own.starts_with("model (Widened): narrow: "), "{own}");
    let within = fit_error(Sequential::new().add(Linear::new(5, 3)), CrossEntropyLoss, &data());
    assert_eq!(within, "layer 0 (Linear): input: wanted [batch, 5], got [1, 2]");
}

#[test]
fn models_whose_outputs_are_of_no_example_are_refused() {
    type Reduce = fn(&Var) -> Var;
    #[derive(Debug)]
    struct Reduced(Reduce);
    impl Layer for Reduced {
        fn forward(&self, input: &Var) -> Result<Var, Error> {
            Ok((self.0)(&input.layer("linear", &Linear::new(2, 3))?))
        }
    }
    let wanted = "model (Reduced): output: wanted [batch, ...], a row for each example, got ";
    let cases: [(Reduce, &str); 3] =
        [(Var::sum, "[]"), (|x| x.sum_axes(&[0], true), "[1, 3]"), (|x| x.transpose(0, 1), "[3, 1]")];
    for (reduce, shape) in cases {
        let mut trainer = Trainer::new(&Device::cpu(), Reduced(reduce), MSELoss, SGD::new(0.1), Options::default()).unwrap();
        let error = trainer.predict([[0.0, 1.0], [2.0, 3.0]]).unwrap_err().to_string();
        assert_eq!(error, format!("{wanted}{shape} for one example"));
    }
    let mut trainer = Trainer::new(&Device::cpu(), Reduced(Var::relu), MSELoss, SGD::new(0.1), Options::default()).unwrap();
    assert_eq!(trainer.predict([[0.0, 1.0], [2.0, 3.0]]).unwrap().shape().dims(), [2, 3]);
}

#[test]
fn initial_values_that_are_no_numbers_are_refused() {
    let error = |initial| fit_error(Linear::new(2, 2).weight(initial), CrossEntropyLoss, &data());
    let wanted =
        |wanted: &str, got: &str| format!("model (Linear): initial value of weight: wanted a finite {wanted}, got {got}");
    assert_eq!(error(Initial::Normal { deviation: -0.5 }), wanted("deviation of 0 or above", "-0.5"));
    assert_eq!(error(Initial::Normal { deviation: f32::NAN }), wanted("deviation of 0 or above", "NaN"));
    assert_eq!(error(Initial::Constant(f32::NAN)), wanted("number", "NaN"));
    assert_eq!(error(Initial::Uniform { bound: f32::INFINITY }), wanted("bound of 0 or above", "inf"));
    assert_eq!(error(Initial::XavierNormal { gain: -1.0 }), wanted("gain of 0 or above", "-1"));
    let data = Dataset::new([[1.0, 2.0]], [1]).unwrap();
    for initial in [Initial::Constant(-1.0), Initial::Normal { deviation: 0.0 }] {
        let model = Linear::new(2, 2).weight(initial);
        let mut trainer = Trainer::new(&Device::cpu(), model, CrossEntropyLoss, SGD::new(0.1), Options::default()).unwrap();
        trainer.step(&data).unwrap();
    }
}

#[test]
fn slopes_are_pytorch_s_by_default() {
    assert_eq!((LeakyReLU::default().0, ELU::default().0), (0.01, 1.0));
}

#[test]
fn bad_data_are_refused_when_a_data_set_is_made() {
    let error = |inputs: Tensor, targets: Tensor| Dataset::new(inputs, targets).unwrap_err().to_string();
    let empty = Tensor::f32([0, 2], Vec::new()).unwrap();
    assert_eq!(error(empty.clone(), Vec::<u32>::new().into()), "inputs: wanted one example at least, got f32[0, 2]");
    assert_eq!(error([[1.0], [2.0]].into(), [0].into()), "targets: wanted 2, one for each input, got 1");
    let nan = "inputs: row 1, column 0 (counted from 0) is NaN; all numbers must be finite";
    assert_eq!(error([[1.0, 2.0], [f32::NAN, 3.0]].into(), [0, 1].into()), nan);
    let infinite = "targets: row 2, column 0 (counted from 0) is -inf; all numbers must be finite";
    assert_eq!(error([1.0, 2.0, 3.0].into(), [[0.0], [0.0], [f32::NEG_INFINITY]].into()), infinite);
    assert_eq!(data().select(&[0, 4]).unwrap_err().to_string(), "row: wanted an index below 4, got 4");
    assert_eq!(data().select(&[]).unwrap_err().to_string(), "examples: wanted one at least, got 0");
    assert_eq!(data().normalized(0.0, 0.0).unwrap_err().to_string(), "deviation: wanted a finite number above 0, got 0");
    assert_eq!(data().normalized(f64::NAN, 1.0).unwrap_err().to_string(), "mean: wanted a finite number, got NaN");
    let ragged = Tensor::f32([2, 2], vec![0.0; 3]).unwrap_err().to_string();
    assert_eq!(ragged, "a tensor of shape [2, 2]: wanted 4 elements, got 3 elements");
}

#[test]
fn targets_that_do_not_fit_the_loss_are_named() {
    let with = |targets: Tensor| Dataset::new([[0.0, 1.0], [1.0, 0.0]], targets).unwrap();
    let classes = |targets| fit_error(Linear::new(2, 3), CrossEntropyLoss, &with(targets));
    let beyond = "label 1 (counted from 0) is 3; the model has 3 classes, so that labels are below 3";
    assert_eq!(classes([2_u32, 3].into()), beyond);
    assert_eq!(classes(Tensor::u8([2], vec![0, 3]).unwrap()), beyond);
    assert_eq!(classes([[0.0], [1.0]].into()), "targets: wanted labels, u32[n] or u8[n], or shares f32[n, 3], got f32[2, 1]");
    let mse = |targets| fit_error(Linear::new(2, 3), MSELoss, &with(targets));
    assert_eq!(mse([[0.0], [1.0]].into()), "targets: wanted f32[n, 3], as the model's outputs, got f32[2, 1]");
    assert_eq!(mse([0_u32, 1].into()), "targets: wanted f32[n, 3], as the model's outputs, got u32[2]");
    let model = Sequential::new().add(Linear::new(2, 1)).add(Sigmoid);
    let bce = fit_error(model, BCELoss, &with([[0.5], [1.5]].into()));
    assert_eq!(bce, "target of example 1 (counted from 0): wanted 0 to 1, got 1.5");
}

/// Against PyTorch's for the same numbers: `binary_cross_entropy_with_logits([2, -1], [1, 0])`, `cross_entropy` of
/// `[1, 2, 3]` with the shares `[0.2, 0.3, 0.5]`, and `-log 0.7`, where a model passes its inputs on.
#[test]
fn losses_of_logits_and_shares_are_those_of_pytorch() {
    let loss_of = |loss: Box<dyn Loss>, inputs: Tensor, targets: Tensor| {
        let columns = inputs.shape().columns();
        let mut trainer = trainer(Linear::new(columns, columns), loss, SGD::new(0.0));
        trainer.build(&[columns]).unwrap();
        let one = |index: usize| if index.is_multiple_of(columns + 1) { 1.0 } else { 0.0 };
        let weight = Tensor::f32([columns, columns], (0..columns * columns).map(one).collect()).unwrap();
        let bias = Tensor::f32([columns], vec![0.0; columns]).unwrap();
        trainer.set_parameters(&[("weight".to_owned(), weight), ("bias".to_owned(), bias)]).unwrap();
        trainer.evaluate(&Dataset::new(inputs, targets).unwrap()).unwrap()
    };
    let logits = loss_of(Box::new(BCEWithLogitsLoss), [[2.0, -1.0]].into(), [[1.0, 0.0]].into());
    let shares = loss_of(Box::new(CrossEntropyLoss), [[1.0, 2.0, 3.0]].into(), [[0.2, 0.3, 0.5]].into());
    let one_hot = loss_of(Box::new(CategoricalCrossEntropy), [[0.1, 0.7, 0.2]].into(), [[0.0, 1.0, 0.0]].into());
    for (score, wanted) in [(logits, 0.220_094_9), (shares, 1.107_605_9), (one_hot, 0.356_674_94)] {
        assert!((score.loss - wanted).abs() < 1e-6 && score.accuracy == Some(1.0), "wanted {wanted}, got {score}");
    }
}

#[test]
fn a_batch_takes_what_there_is() {
    let hash = |batch_size| {
        let options = Options { batch_size, ..Options::default() };
        let mut trainer = Trainer::new(&Device::cpu(), Linear::new(2, 2), CrossEntropyLoss, SGD::new(0.1), options).unwrap();
        trainer.fit(&data(), 3, None, |_| Control::Continue).unwrap();
        (trainer.steps(), trainer.weights_hash().unwrap())
    };
    assert_eq!(hash(64), hash(data().len()));
    assert_eq!(hash(64).0, 3);
    assert_eq!(Loader::new(&data(), 64, 1).unwrap().epoch(0).map(|batch| batch.len()).collect::<Vec<_>>(), [data().len()]);
    assert_eq!(Loader::new(&data(), 0, 1).unwrap_err().to_string(), "batch size: wanted 1 at least, got 0");
}

/// What is wrong inside of attention is returned from it, though what follows looks at shapes.
#[test]
fn attention_says_what_is_wrong_with_it() {
    let error = |model: &dyn Layer, input: &[usize]| wgrad::summary(model, input).unwrap_err().to_string();
    let dropout = error(&MultiheadAttention::new(6, 2).dropout(1.5), &[3, 6]);
    assert!(dropout.contains("MultiheadAttention") || dropout.contains("dropout"), "{dropout}");
    let encoder = TransformerEncoder::new(TransformerEncoderLayer::new(4, 2).dropout(1.0), 1);
    assert!(error(&encoder, &[3, 4]).contains("dropout"), "{}", error(&encoder, &[3, 4]));
    assert!(!error(&MultiheadAttention::new(6, 2), &[3, 5]).is_empty());
    // No steps are no mistake, or one that is told.
    let _ = wgrad::summary(&MultiheadAttention::new(6, 2), &[0, 6]);
}

#[test]
fn examples_of_another_shape_are_refused() {
    let mut trainer = classifier();
    trainer.build(&[2]).unwrap();
    let error = trainer.predict(Tensor::from([[1.0, 2.0, 3.0]])).unwrap_err().to_string();
    assert_eq!(error, "an example: wanted f32[2], got f32[3]");
    let nothing = Tensor::f32([0, 2], Vec::new()).unwrap();
    assert_eq!(trainer.predict(nothing).unwrap_err().to_string(), "inputs: wanted one example at least, got f32[0, 2]");
}

#[test]
fn parameters_that_do_not_fit_are_all_listed() {
    let mut trainer = classifier();
    assert!(matches!(trainer.parameters(), Err(Error::NotBuilt)));
    assert!(matches!(trainer.set_parameters(&[]), Err(Error::NotBuilt)));
    trainer.build(&[2]).unwrap();
    let hash = trainer.weights_hash().unwrap();
    let wrong = [("weight".to_owned(), Tensor::from([[1.0], [2.0]])), ("scale".to_owned(), Tensor::from([1.0]))];
    let error = trainer.set_parameters(&wrong).unwrap_err().to_string();
    let list = "weight: wanted [2, 2], got [2, 1]; bias: wanted [2], got nothing; scale: wanted nothing of that name, got [1]";
    assert_eq!(error, format!("these tensors do not fit the model: {list}"));
    assert_eq!(trainer.weights_hash().unwrap(), hash);
}

/// Every schedule at every time.
fn check_schedules(references: &[Reference]) {
    assert_eq!(references.len(), 6);
    for Reference { name, base, schedule, rates } in references {
        assert_eq!(schedule.unit(), Unit::Step);
        for (time, &wanted) in rates.iter().enumerate() {
            assert_rate(name, time, schedule.learning_rate(*base, time as u64), wanted);
        }
    }
}

#[test]
fn schedules_are_those_of_pytorch() {
    check_schedules(&references());
}

/// A schedule whose numbers are 0.001 % too large, or one step late, is seen.
#[test]
fn a_wrong_schedule_is_seen() {
    let fails = |change: fn(&mut Reference)| {
        let mut references = references();
        references.iter_mut().for_each(change);
        catch_unwind(AssertUnwindSafe(|| check_schedules(&references))).is_err()
    };
    assert!(fails(|reference| reference.rates.iter_mut().for_each(|rate| *rate *= 1.000_01)));
    assert!(fails(|reference| reference.rates = reference.rates.split_off(1)));
    assert!(!fails(|_| {}));
}

#[test]
fn groups_of_unknown_parameters_are_an_error() {
    let groups = |optimizers: Optimizers| {
        let model = Sequential::new().add(Linear::new(2, 4)).add(Linear::new(4, 2));
        let mut trainer = Trainer::new(&Device::cpu(), model, CrossEntropyLoss, optimizers, Options::default()).unwrap();
        trainer.build(&[2]).map_err(|error| error.to_string())
    };
    let wanted = |name: &str| {
        let known = "0.weight, 0.bias, 1.weight, 1.bias";
        Err(format!("group of parameters: wanted one of, or a layer around: {known}, got {name}"))
    };
    assert_eq!(groups(Optimizers::new(SGD::new(0.1)).group("1", Adam::new(0.1)).freeze("0.bias")), Ok(()));
    assert_eq!(groups(Optimizers::new(SGD::new(0.1)).group("2", Adam::new(0.1))), wanted("2"));
    assert_eq!(groups(Optimizers::new(SGD::new(0.1)).freeze("0.weigh")), wanted("0.weigh"));
    let taken = groups(Optimizers::new(SGD::new(0.1)).group("1.weight", Adam::new(0.1)).group("1", Adam::new(0.2)));
    assert_eq!(taken, Err("group of parameters: wanted one that later groups leave something, got 1.weight".to_owned()));
}

#[test]
fn a_search_of_impossible_rates_is_an_error() {
    let error = |start, end, steps| {
        let found = classifier().find_learning_rate(&data(), LearningRateFinder { start, end, steps });
        found.unwrap_err().to_string()
    };
    assert_eq!(error(0.0, 1.0, 9), "learning rates of a search: wanted from above 0 to a larger one, got 0 to 1");
    assert_eq!(error(1.0, 1.0, 9), "learning rates of a search: wanted from above 0 to a larger one, got 1 to 1");
    assert_eq!(error(0.1, f64::NAN, 9), "learning rate: wanted a finite number, 0 or above, got NaN");
    assert_eq!(error(0.1, 1.0, 1), "steps of a search: wanted 2 at least, got 1");
}

/// What goes from thread to thread: checked when this is compiled.
#[test]
fn trainers_are_send() {
    fn check<T: Send>() {}
    check::<Trainer>();
    check::<Snapshot>();
    check::<Session>();
}

#[test]
fn an_unknown_device_is_an_error() {
    let error = Device::choose("a device that nobody has").unwrap_err();
    assert!(matches!(error, Error::Device(_)), "{error}");
    assert_eq!(Device::choose("cpu").unwrap().to_string(), "CPU (interpreter: no WGSL runs)");
}

#[test]
fn a_timeline_of_no_steps_is_refused() {
    let mut trainer = everything(&Device::cpu(), Precision::Single);
    let error = trainer.timeline(&examples(), 0).unwrap_err().to_string();
    assert_eq!(error, "steps of a timeline: wanted 1 at least, got 0");
}
