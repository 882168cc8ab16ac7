//! Training on an adapter: what it does, and what it asks of the device.

#[path = "support/adapter.rs"]
mod adapter;
#[path = "support/training.rs"]
mod training;

use std::env;
use std::process::Command;
use std::time::Duration;

use adapter::adapter;
use training::noise;
use wgrad::core::TensorType;
use wgrad::prelude::*;

/// As many examples as MNIST has, of four bytes each.
fn sixty_thousand() -> Dataset {
    let bytes = (0..240_000).map(|index| (127.0 * (1.0 + noise(index))) as u8).collect();
    let labels: Vec<u32> = (0..60_000).map(|index| u32::from(noise(4 * index) > 0.0)).collect();
    Dataset::new(Tensor::u8([60_000, 4], bytes).unwrap(), labels).unwrap()
}

/// The host gives 938 steps, of which the last has 32 examples, to the device in a few submissions, whose number is
/// bounded by time, and reads one tensor at the end of the epoch.
#[test]
fn an_epoch_is_left_to_the_device() {
    let data = sixty_thousand();
    let mut trainer = Trainer::new(&adapter(), Linear::new(4, 2), CrossEntropyLoss, SGD::new(0.0), Options::default()).unwrap();
    // The first epoch finds out how long a step takes.
    trainer.fit(&data, 1, None, |_| Control::Continue).unwrap();
    let before = trainer.statistics();
    let epoch = trainer.fit(&data, 1, None, |_| Control::Continue).unwrap().epochs[0];
    let after = trainer.statistics();
    assert_eq!(trainer.steps(), 2 * 938);
    assert_eq!(after.read_backs - before.read_backs, 1);
    let (submissions, bound) = ((after.submissions - before.submissions) as f64, 40.0 + epoch.seconds / 0.02);
    assert!(submissions < bound.min(400.0), "{submissions} submissions in {} s", epoch.seconds);

    // At a learning rate of 0 every example counts once, those of the last batch too.
    let score = trainer.evaluate(&data).unwrap();
    assert!((epoch.loss - score.loss).abs() < 1e-6, "{} and {}", epoch.loss, score.loss);
    assert!((epoch.accuracy.unwrap() - score.accuracy.unwrap()).abs() < 1e-6, "{epoch} and {score}");
}

/// All that reads a state in a step sees its old value, also another state that becomes it.
#[test]
fn states_take_each_other_s_place() -> Result<(), Error> {
    for device in [Device::cpu(), adapter()] {
        let mut session = Session::new(&device);
        let program = session.compile("turn", |graph| {
            let [a, b, c] =
                [("a", [1.0, 2.0]), ("b", [3.0, 4.0]), ("c", [5.0, 6.0])].map(|(name, value)| graph.state(name, value));
            a.set(&b);
            b.set(&c);
            c.set(&a);
            Ok([&a - &c])
        })?;
        session.run(&program, 4)?;
        assert_eq!(session.outputs(&program)?[0].to_vec(), [-4.0, -4.0], "{device}: that of the last step, before the turn");
        let read = ["a", "b", "c"].map(|name| session.read(name).unwrap().to_vec());
        assert_eq!(read, [[3.0, 4.0], [5.0, 6.0], [1.0, 2.0]], "{device}");
    }
    Ok(())
}

/// An input that nothing reads has no memory on an adapter, until another program reads it.
#[test]
fn an_input_that_nothing_reads_can_be_written() -> Result<(), Error> {
    for device in [Device::cpu(), adapter()] {
        let mut session = Session::new(&device);
        let unread = session.compile("unread", |graph| {
            graph.input("x", TensorType::f32([2]));
            Ok([graph.scalar(3.0)])
        })?;
        let error = session.write("x", 1.0).unwrap_err().to_string();
        assert_eq!(error, "input x: wanted f32[2], got f32[]", "{device}");
        session.write("x", [1.0, 2.0])?;
        session.run(&unread, 1)?;
        assert_eq!(session.outputs(&unread)?[0].item()?, 3.0, "{device}");
        let sum = session.compile("sum", |graph| Ok([graph.input("x", TensorType::f32([2])).sum()]))?;
        session.run(&sum, 1)?;
        // Outputs are of the step, not of what is written behind it.
        session.write("x", [0.0, 0.0])?;
        assert_eq!(session.outputs(&sum)?[0].item()?, 3.0, "{device}");
    }
    Ok(())
}

/// Reports of progress read nothing back either.
#[test]
fn progress_costs_no_read_back() {
    let data = sixty_thousand();
    let mut trainer = Trainer::new(&adapter(), Linear::new(4, 2), CrossEntropyLoss, SGD::new(0.1), Options::default()).unwrap();
    trainer.prepare(&data, None).unwrap();
    trainer.on_progress(|_| {});
    let before = trainer.statistics();
    trainer.fit(&data, 1, None, |_| Control::Continue).unwrap();
    let after = trainer.statistics();
    assert_eq!(after.read_backs - before.read_backs, 1);
    assert!(after.submissions - before.submissions < 400);
}

/// Data that are resident are not written again, and graphs are planned once.
#[test]
fn a_second_training_on_the_same_data_prepares_nothing() {
    let data = sixty_thousand();
    let mut trainer = Trainer::new(&adapter(), Linear::new(4, 2), CrossEntropyLoss, SGD::new(0.1), Options::default()).unwrap();
    trainer.prepare(&data, Some(&data)).unwrap();
    let (plans, shaders) = (trainer.plan_text(), trainer.shaders());
    assert!(
        plans.contains("plan train 64:") && plans.contains("plan train 32:") && plans.contains("plan evaluate 500:"),
        "{plans}"
    );
    assert!(shaders.iter().all(|(name, source)| name.ends_with(".wgsl") && source.contains("@compute")));
    trainer.fit(&data, 1, Some(&data), |_| Control::Continue).unwrap();
    assert_eq!(trainer.shaders().len(), shaders.len());
}

/// The CPU and the adapter round the same operands to f16, and differ in the order of their sums alone: at a scale that
/// is halved first, and later doubled every tenth step.
#[test]
fn mixed_precision_is_the_same_on_the_cpu() {
    let runs = [Device::cpu(), adapter()].map(|device| {
        let precision = Precision::Mixed(LossScale { initial: 2_f32.powi(24), growth_interval: 10 });
        let model = Sequential::new().add(Linear::new(4, 16)).add(Tanh).add(Dropout::new(0.25)).add(Linear::new(16, 2));
        let options = Options { precision, clip_norm: Some(0.5), ..Options::default() };
        let mut trainer = Trainer::new(&device, model, CrossEntropyLoss, Adam::new(0.003), options).unwrap();
        let data = sixty_thousand().take(1000).unwrap();
        let losses: Vec<f32> =
            trainer.fit(&data, 4, None, |_| Control::Continue).unwrap().epochs.iter().map(|epoch| epoch.loss).collect();
        (losses, trainer.loss_scale().unwrap())
    });
    let [(cpu, scale), (adapter, same)] = &runs;
    assert_eq!(scale, same);
    assert!(cpu[3] < 0.9 * cpu[0], "{cpu:?}");
    for (cpu, adapter) in cpu.iter().zip(adapter) {
        assert!((cpu - adapter).abs() < 1e-3 * cpu, "{runs:?}");
    }
}

/// What PyTorch makes of no examples: nothing, in the shape that it has otherwise; and sums of nothing are 0.
#[test]
fn batches_may_be_empty() {
    /// A layer, the shape of an example, and that of what the layer makes of it.
    type Shaped<'a> = (Box<dyn Layer>, &'a [usize], &'a [usize]);
    for device in [Device::cpu(), adapter()] {
        let graph = Trace::on(&device);
        let zeros = |shape: &[usize]| graph.constant(Tensor::zeros(shape.to_vec()));
        let layers: [Shaped; 13] = [
            (Box::new(Linear::new(4, 3)), &[4], &[3]),
            (Box::new(Conv2d::new(1, 2, 3).padding(1)), &[1, 5, 5], &[2, 5, 5]),
            (Box::new(MaxPool2d::new(2)), &[1, 4, 4], &[1, 2, 2]),
            (Box::new(AvgPool2d::new(2)), &[1, 4, 4], &[1, 2, 2]),
            (Box::new(AdaptiveAvgPool2d::new(1)), &[1, 4, 4], &[1, 1, 1]),
            (Box::new(BatchNorm1d::new(4)), &[4], &[4]),
            (Box::new(LayerNorm::new(4)), &[4], &[4]),
            (Box::new(Flatten), &[2, 3], &[6]),
            (Box::new(RNN::new(4, 3)), &[5, 4], &[5, 3]),
            (Box::new(LSTM::new(4, 3).num_layers(2)), &[5, 4], &[5, 3]),
            (Box::new(GRU::new(4, 3)), &[5, 4], &[5, 3]),
            (Box::new(MultiheadAttention::new(4, 2)), &[3, 4], &[3, 4]),
            (Box::new(TransformerEncoderLayer::new(4, 2)), &[3, 4], &[3, 4]),
        ];
        for (index, (layer, example, wanted)) in layers.iter().enumerate() {
            let output = zeros(&[&[0], *example].concat()).layer(&index.to_string(), layer).and_then(|output| output.evaluate());
            assert_eq!(output.unwrap().shape().dims(), [&[0], *wanted].concat(), "{layer:?}");
        }
        let (rows, columns) = (zeros(&[0, 3]), zeros(&[2, 0]));
        assert_eq!(rows.sum_axes(&[0], false).evaluate().unwrap(), Tensor::zeros([3]));
        assert_eq!(columns.matmul(&columns.t()).evaluate().unwrap(), Tensor::zeros([2, 2]));
        for empty in [columns.softmax(1), columns.log_softmax(-1), columns.softmax(0)] {
            assert_eq!(empty.evaluate().unwrap().shape().dims(), [2, 0]);
        }
        assert!(columns.mean_axes(&[1], false).evaluate().unwrap_err().to_string().contains("wanted elements along the axes"));
    }
}

/// Attention drops the same weights on the way back as on the way there, and on all devices; and runs have the same bits.
#[test]
fn attention_drops_weights_as_on_the_cpu() {
    let sequences = Tensor::f32([3, 21, 16], (0..3 * 21 * 16).map(noise).collect()).unwrap();
    let data = Dataset::new(sequences.clone(), sequences).unwrap();
    for layer in [MultiheadAttention::new(16, 2).dropout(0.4), MultiheadAttention::new(16, 4).dropout(0.4).causal()] {
        let computed = |device: &Device| {
            let mut trainer = Trainer::new(device, layer, MSELoss, SGD::new(0.1), Options::default()).unwrap();
            let found = trainer.gradients(&data).unwrap();
            [found.output].into_iter().chain(found.gradients.into_iter().map(|(_, gradient)| gradient)).collect::<Vec<_>>()
        };
        let (got, wanted) = (computed(&adapter()), computed(&Device::cpu()));
        assert_eq!(got, computed(&adapter()));
        assert_eq!(wanted.len(), 5);
        for (got, wanted) in got.iter().zip(&wanted) {
            let largest = wanted.to_vec().iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
            for (got, wanted) in got.to_vec().into_iter().zip(wanted.to_vec()) {
                assert!((got - wanted).abs() < 1e-5 * largest, "{got}, not {wanted}");
            }
        }
    }
}

macro_rules! on_the_adapter {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() { training::$name(&adapter()); })*
    };
}

training::for_all!(on_the_adapter);

/// Kernels that are chosen anew leave all states where they are: for checkpoints, snapshots and the steps that follow.
#[test]
fn states_outlive_a_tuning() {
    // The choice is kept in a file of this test's, not in the user's.
    const HAS_STORE: &str = "STATES_OUTLIVE_A_TUNING";
    if env::var_os(HAS_STORE).is_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut again = Command::new(env::current_exe().unwrap());
        again.env(HAS_STORE, "").env("WGRAD_TUNING", folder.path().join("tuning.json"));
        assert!(again.args(["--exact", "states_outlive_a_tuning"]).status().unwrap().success());
        return;
    }
    let data = Dataset::new(Tensor::f32([8, 2], (0..16).map(noise).collect()).unwrap(), Tensor::zeros([8, 1])).unwrap();
    let new = || {
        let options = Options { batch_size: 3, ..Options::default() };
        Trainer::new(&adapter(), Linear::new(2, 1), MSELoss, Adam::new(0.1), options).unwrap()
    };
    let epoch = |trainer: &mut Trainer| {
        trainer.fit(&data, 1, None, |_| Control::Continue).unwrap();
        trainer.weights_hash().unwrap()
    };
    let mut trainer = new();
    let before = epoch(&mut trainer);
    trainer.tune(&data, Duration::ZERO).unwrap();
    let checkpoint = trainer.checkpoint().unwrap();
    trainer.tune(&data, Duration::ZERO).unwrap();
    let snapshot = trainer.snapshot().unwrap();
    assert_eq!(trainer.weights_hash().unwrap(), before);
    let wanted = epoch(&mut trainer);
    trainer.restore(&snapshot).unwrap();
    assert_eq!(trainer.weights_hash().unwrap(), before);
    let mut other = new();
    other.resume(&checkpoint).unwrap();
    assert_eq!(other.weights_hash().unwrap(), before);
    assert_eq!([&mut trainer, &mut other].map(epoch), [wanted.clone(), wanted]);
}
