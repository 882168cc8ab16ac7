//! What training has to do on any device.

mod exchanging;
mod going_back;
mod interruptions;
mod learning_rates;
mod mixed;
mod numbers;
mod resuming;
mod updates;

use wgrad::core::{DType, Shape};
use wgrad::losses::Losses;
use wgrad::prelude::*;
use wgrad::{Layer, Loss, Var};

pub use exchanging::*;
pub use going_back::*;
pub use interruptions::*;
pub use learning_rates::*;
pub use mixed::*;
pub use numbers::*;
pub use resuming::*;
pub use updates::*;

/// Calls a macro with the names of all tests here.
macro_rules! for_all {
    ($run:ident) => {
        $run![
            a_broken_loss_stops_mixed_training_too,
            a_broken_training_is_not_saved,
            a_frozen_model_stays,
            a_loss_that_is_not_finite_stops_the_training,
            a_smaller_last_batch_does_not_hide_a_broken_one,
            names_that_are_given_twice_are_refused,
            a_model_that_its_last_step_breaks_is_reported,
            a_search_ends_where_the_loss_is_not_finite,
            a_schedule_gives_momentum_as_pytorch_does,
            a_schedule_gives_no_momentum_within_a_training,
            a_search_for_a_learning_rate_leaves_no_trace,
            a_search_suggests_a_rate_at_which_the_loss_falls,
            a_small_data_set_is_learned_by_heart,
            a_smaller_last_batch_is_a_full_step,
            an_autoencoder_learns_its_inputs,
            a_snapshot_mends_a_broken_training,
            early_stopping_goes_back_where_the_training_diverges,
            parameters_are_drawn_anew,
            a_batch_may_be_larger_than_the_data,
            a_file_of_an_epoch_s_end_holds_what_callbacks_set,
            a_training_goes_back_to_a_file,
            a_training_goes_on_from_a_file,
            an_overflow_is_skipped_and_halves_the_scale,
            an_estimate_leaves_no_trace,
            an_epoch_after_single_steps_takes_each_example_once,
            an_epoch_takes_each_example_once,
            bytes_are_normalized,
            data_of_one_type_are_told_apart,
            dropout_is_for_training,
            early_stopping_goes_back_to_the_best_epoch,
            evaluation_is_the_mean_over_predictions,
            images_have_the_shape_that_was_asked_for,
            gathered_steps_are_one_large_step,
            gradients_are_clipped_by_their_norm,
            the_norm_to_clip_at_changes_without_a_new_plan,
            gradients_are_those_of_the_loss_itself,
            groups_have_learning_rates_of_their_own,
            groups_are_chosen_by_their_names,
            learning_rates_change_without_a_new_plan,
            one_group_s_learning_rate_changes_alone,
            weight_decay_changes_without_a_new_plan,
            a_weight_decay_that_is_set_is_as_one_from_the_start,
            momenta_that_are_set_are_as_those_of_a_schedule,
            one_group_s_momentum_changes_alone,
            what_an_optimizer_does_not_know_is_not_set,
            mixed_precision_learns_as_single_does,
            mixed_precision_works_with_everything,
            learning_rates_on_the_device_are_those_of_pytorch,
            parameters_go_from_one_trainer_to_another,
            parameters_that_do_not_matter_stay,
            seeds_decide,
            seeds_decide_the_order,
            tokens_stay_integers,
            snapshots_bring_everything_back,
            a_snapshot_of_another_model_is_refused,
            weights_go_through_a_file,
            a_schedule_begins_where_it_is_set,
            callbacks_may_look_at_other_data,
            callbacks_take_no_steps_within_an_epoch,
            an_interrupted_epoch_is_ended_on_as_many_examples,
            infinite_gradients_end_a_training_that_clips,
            the_optimizer_s_state_goes_through_a_file,
            a_training_of_pytorch_goes_on,
        ];
    };
}
pub(crate) use for_all;

/// Numbers between -1 and 1 that look random and are always the same.
pub fn noise(index: usize) -> f32 {
    let bits = (index as u32 ^ 0x9e37_79b9).wrapping_mul(0x85eb_ca6b);
    let bits = (bits ^ (bits >> 15)).wrapping_mul(0xc2b2_ae35);
    (bits >> 8) as f32 / 8_388_608.0 - 1.0
}

/// So many examples of four numbers, with targets that differ much from each other.
fn regression(examples: usize) -> Dataset {
    let inputs = (0..4 * examples).map(noise).collect();
    let targets = (0..examples).map(|index| (index % 7) as f32 - noise(index + 99)).collect();
    Dataset::new(Tensor::f32([examples, 4], inputs).unwrap(), Tensor::f32([examples, 1], targets).unwrap()).unwrap()
}

/// So many examples of four numbers, each of one of three classes that depend on nothing.
fn classes(examples: usize) -> Dataset {
    let inputs = (0..4 * examples).map(noise).collect();
    let labels: Vec<u32> =
        (0..examples as u32).map(|index| index.wrapping_mul(2_654_435_761) >> 16).map(|bits| bits % 3).collect();
    Dataset::new(Tensor::f32([examples, 4], inputs).unwrap(), labels).unwrap()
}

fn network(outputs: usize) -> Sequential {
    Sequential::new().add(Linear::new(4, 16)).add(ReLU).add(Dropout::new(0.25)).add(Linear::new(16, outputs))
}

fn options(batch_size: usize, seed: u32) -> Options {
    Options { batch_size, seed, ..Options::default() }
}

fn assert_close(got: f32, wanted: f32) {
    assert!((got - wanted).abs() <= 1e-5 * wanted.abs(), "wanted {wanted}, got {got}");
}

/// At a learning rate of 0, the mean loss of an epoch is that of all examples, each once, whatever their order.
pub fn an_epoch_takes_each_example_once(device: &Device) {
    for (examples, batch) in [(10, 4), (12, 4), (7, 7), (5, 1), (9, 8)] {
        let data = regression(examples);
        let mut trainer = Trainer::new(device, Linear::new(4, 1), MSELoss, SGD::new(0.0), options(batch, 1)).unwrap();
        let history = trainer.fit(&data, 2, Some(&data), |_| Control::Continue).unwrap();
        let score = trainer.evaluate(&data).unwrap();
        for epoch in &history.epochs {
            assert_close(epoch.loss, score.loss);
            assert_eq!((epoch.accuracy, epoch.validation), (None, Some(score)));
        }
        assert_eq!(trainer.steps(), 2 * examples.div_ceil(batch) as u64);
    }
}

/// As above, where single steps have been taken before, so that the count of all steps is no multiple of an epoch's.
pub fn an_epoch_after_single_steps_takes_each_example_once(device: &Device) {
    let data = regression(10);
    let mut trainer = Trainer::new(device, Linear::new(4, 1), MSELoss, SGD::new(0.0), options(4, 1)).unwrap();
    trainer.fit(&data, 1, None, |_| Control::Continue).unwrap();
    for _ in 0..2 {
        trainer.step(&data.select(&[3, 4]).unwrap()).unwrap();
        let history = trainer.fit(&data, 2, None, |_| Control::Continue).unwrap();
        let score = trainer.evaluate(&data).unwrap();
        history.epochs.iter().for_each(|epoch| assert_close(epoch.loss, score.loss));
    }
}

/// The gradient of a smaller last batch is a mean over its own examples: with all examples equal, a step on two of them
/// is a step on one.
pub fn a_smaller_last_batch_is_a_full_step(device: &Device) {
    let data = regression(1);
    let six = data.select(&[0; 6]).unwrap();
    let trainer = |batch| Trainer::new(device, Linear::new(4, 1), MSELoss, SGD::new(0.1), options(batch, 1)).unwrap();
    let (mut by_epoch, mut by_step) = (trainer(4), trainer(1));
    by_epoch.fit(&six, 1, None, |_| Control::Continue).unwrap();
    for _ in 0..2 {
        by_step.step(&data).unwrap();
    }
    for ((name, got), (_, wanted)) in by_epoch.parameters().unwrap().iter().zip(by_step.parameters().unwrap()) {
        for (got, wanted) in got.to_vec().into_iter().zip(wanted.to_vec()) {
            assert!((got - wanted).abs() < 1e-6, "{name}: wanted {wanted}, got {got}");
        }
    }
}

/// One seed gives the same bits again; every other seed, epoch by epoch, gives others.
pub fn seeds_decide(device: &Device) {
    let data = classes(20);
    let hash = |seed| {
        let mut trainer = Trainer::new(device, network(3), CrossEntropyLoss, Adam::new(0.01), options(8, seed)).unwrap();
        trainer.fit(&data, 3, None, |_| Control::Continue).unwrap();
        trainer.weights_hash().unwrap()
    };
    let first = hash(1);
    assert_eq!(first, hash(1));
    assert_eq!(first.len(), 16);
    assert_ne!(first, hash(2));
}

/// The order of examples depends on the seed too, not only the initial values: from the same values, without dropout,
/// another seed ends elsewhere.
pub fn seeds_decide_the_order(device: &Device) {
    let data = classes(20);
    let mut hashes = Vec::new();
    for seed in [1, 2] {
        let mut trainer = Trainer::new(device, Linear::new(4, 3), CrossEntropyLoss, SGD::new(0.1), options(8, seed)).unwrap();
        trainer.build(&[4]).unwrap();
        let same: Vec<(String, Tensor)> = trainer
            .parameters()
            .unwrap()
            .into_iter()
            .map(|(name, tensor)| {
                let elements = (0..tensor.shape().elements()).map(noise).collect();
                (name, Tensor::f32(tensor.shape().clone(), elements).unwrap())
            })
            .collect();
        trainer.set_parameters(&same).unwrap();
        hashes.push(trainer.weights_hash().unwrap());
        trainer.fit(&data, 1, None, |_| Control::Continue).unwrap();
        hashes.push(trainer.weights_hash().unwrap());
    }
    assert_eq!(hashes[0], hashes[2]);
    assert_ne!(hashes[1], hashes[3]);
}

/// One weight, one bias, and the example 1 -> 0: at this rate the output is multiplied with -3,999 in each step, and its
/// square leaves f32 at a step that can be foreseen.
pub fn a_loss_that_is_not_finite_stops_the_training(device: &Device) {
    const RATE: f64 = 1000.0;
    let data = Dataset::new([[1.0], [1.0], [1.0]], [[0.0], [0.0], [0.0]]).unwrap();
    let trainer = || {
        let mut trainer = Trainer::new(device, Linear::new(1, 1), MSELoss, SGD::new(RATE), options(1, 1)).unwrap();
        trainer.build(&[1]).unwrap();
        trainer.set_parameters(&[("weight".into(), [[0.5]].into()), ("bias".into(), [0.25].into())]).unwrap();
        trainer
    };
    let losses = (0..).map(|step| (0.75 * (1.0 - 4.0 * RATE).powi(step)).powi(2));
    let wanted = 1 + losses.take_while(|&loss| loss < f32::MAX.into()).count() as u64;

    let mut by_epoch = trainer();
    let error = by_epoch.fit(&data, 10, None, |_| Control::Continue).unwrap_err();
    let Error::NotFinite { step, epoch } = error else { panic!("{error}") };
    assert_eq!((step, epoch), (wanted, Some(wanted.div_ceil(3) as usize)));
    assert!(error.to_string().contains(&format!("stopped at step {wanted}, in epoch ")), "{error}");
    assert_eq!(by_epoch.steps(), wanted - 1);

    let mut by_step = trainer();
    let one = data.select(&[0]).unwrap();
    for _ in 1..wanted {
        by_step.step(&one).unwrap();
    }
    let error = by_step.step(&one).unwrap_err();
    assert!(matches!(error, Error::NotFinite { step, epoch: None } if step == wanted), "{error}");

    // The step changed nothing, and nothing changes after it.
    let hash = by_step.weights_hash().unwrap();
    assert_eq!(by_epoch.weights_hash().unwrap(), hash);
    assert!(matches!(by_step.step(&one), Err(Error::NotFinite { .. })));
    assert!(matches!(by_epoch.fit(&data, 1, None, |_| Control::Continue), Err(Error::NotFinite { .. })));
    let [weight, bias] = [0, 1].map(|index| by_step.parameters().unwrap()[index].1.to_vec()[0]);
    let harmless = Dataset::new([[-bias / weight]], [[0.0]]).unwrap();
    assert!(by_step.gradients(&harmless).unwrap().loss.is_finite());
    assert!(matches!(by_step.step(&harmless), Err(Error::NotFinite { .. })));
    assert_eq!(by_step.weights_hash().unwrap(), hash);
}

/// Sixteen examples whose classes depend on nothing are learned by heart.
pub fn a_small_data_set_is_learned_by_heart(device: &Device) {
    let data = classes(16);
    let model = Sequential::new().add(Linear::new(4, 64)).add(ReLU).add(Linear::new(64, 3));
    let mut trainer = Trainer::new(device, model, CrossEntropyLoss, Adam::new(0.02), options(8, 1)).unwrap();
    trainer.fit(&data, 200, None, |_| Control::Continue).unwrap();
    let score = trainer.evaluate(&data).unwrap();
    assert!(score.loss < 0.02 && score.accuracy == Some(1.0), "{score}");
    let predicted: Vec<f32> = trainer.predict(data.inputs()).unwrap().argmax().iter().map(|&class| class as f32).collect();
    assert_eq!(predicted, data.targets().to_vec());
}

/// Evaluation, in batches with a smaller last one, is the mean over what prediction gives, in batches of another size.
pub fn evaluation_is_the_mean_over_predictions(device: &Device) {
    let data = regression(1203);
    let mut trainer = Trainer::new(device, Linear::new(4, 1), MSELoss, SGD::new(0.1), options(64, 1)).unwrap();
    let score = trainer.evaluate(&data).unwrap();
    let outputs = trainer.predict(data.inputs()).unwrap();
    assert_eq!(outputs.shape().dims(), [1203, 1]);
    let squares =
        outputs.to_vec().into_iter().zip(data.targets().to_vec()).map(|(output, target)| f64::from(output - target).powi(2));
    assert_close(score.loss, (squares.sum::<f64>() / 1203.0) as f32);
}

/// Data that take the place of others of the same type are seen, in every task.
pub fn data_of_one_type_are_told_apart(device: &Device) {
    let (low, high) = (regression(4), Dataset::new([[9.0; 4]; 4], [[90.0]; 4]).unwrap());
    let mut trainer = Trainer::new(device, Linear::new(4, 1), MSELoss, SGD::new(0.0), options(4, 1)).unwrap();
    let mut losses = Vec::new();
    for data in [&low, &high, &low] {
        let fitted = trainer.fit(data, 1, Some(data), |_| Control::Continue).unwrap().epochs[0];
        let evaluated = trainer.evaluate(data).unwrap().loss;
        assert_close(fitted.loss, evaluated);
        assert_close(trainer.step(data).unwrap(), evaluated);
        assert_close(trainer.gradients(data).unwrap().loss, evaluated);
        losses.push((evaluated, trainer.predict(data.inputs()).unwrap()));
    }
    assert_eq!(losses[0], losses[2]);
    assert!(losses[1].0 > 2.0 * losses[0].0 && losses[1].1 != losses[0].1, "{losses:?}");
}

/// Dropout drops in training only, and others in each layer, step and seed.
pub fn dropout_is_for_training(device: &Device) {
    let data =
        Dataset::new(Tensor::f32([1, 400], vec![1.0; 400]).unwrap(), Tensor::f32([1, 400], vec![1.0; 400]).unwrap()).unwrap();
    let trainer = |seed| {
        let model = Sequential::new().add(Linear::new(400, 400)).add(Dropout::new(0.5)).add(Dropout::new(0.5));
        Trainer::new(device, model, MSELoss, SGD::new(0.0), options(1, seed)).unwrap()
    };
    let zeros = |tensor: &Tensor| tensor.to_vec().iter().map(|&output| output == 0.0).collect::<Vec<bool>>();
    let mut one = trainer(1);
    let first = zeros(&one.gradients(&data).unwrap().output);
    assert_eq!(first, zeros(&one.gradients(&data).unwrap().output));
    let share = first.iter().filter(|&&is_zero| is_zero).count();
    assert!((260..=340).contains(&share), "{share} of 400, where two layers drop a half each");
    assert_ne!(first, zeros(&trainer(2).gradients(&data).unwrap().output));
    one.step(&data).unwrap();
    assert_ne!(first, zeros(&one.gradients(&data).unwrap().output));
    assert!(!zeros(&one.predict(data.inputs()).unwrap()).contains(&true));
}

/// Parameters that are read from one trainer and written to another give the same model.
pub fn parameters_go_from_one_trainer_to_another(device: &Device) {
    let data = classes(20);
    let trainer = |seed| Trainer::new(device, network(3), CrossEntropyLoss, Adam::new(0.01), options(8, seed)).unwrap();
    let (mut from, mut to) = (trainer(1), trainer(2));
    from.fit(&data, 1, None, |_| Control::Continue).unwrap();
    let parameters = from.parameters().unwrap();
    let names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["0.weight", "0.bias", "3.weight", "3.bias"]);
    to.evaluate(&data).unwrap();
    assert_ne!(from.weights_hash().unwrap(), to.weights_hash().unwrap());
    to.set_parameters(&parameters).unwrap();
    assert_eq!(from.weights_hash().unwrap(), to.weights_hash().unwrap());
    assert_eq!(from.predict(data.inputs()).unwrap(), to.predict(data.inputs()).unwrap());
}

/// Bytes reach the model as `(x / 255 - mean) / deviation`.
pub fn bytes_are_normalized(device: &Device) {
    let bytes = Tensor::u8([3, 2], vec![0, 255, 51, 102, 204, 153]).unwrap();
    let data = Dataset::new(bytes, [0, 1, 0]).unwrap().normalized(0.1, 0.5).unwrap();
    let floats = [0.0, 1.0, 0.2, 0.4, 0.8, 0.6].map(|x: f32| (x - 0.1) / 0.5);
    let mut trainer = Trainer::new(device, Linear::new(2, 2), CrossEntropyLoss, SGD::new(0.1), options(2, 1)).unwrap();
    let got = trainer.predict(data.inputs()).unwrap().to_vec();
    let wanted = trainer.predict(Tensor::f32([3, 2], floats.to_vec()).unwrap()).unwrap().to_vec();
    got.into_iter().zip(wanted).for_each(|(got, wanted)| assert!((got - wanted).abs() < 1e-6, "wanted {wanted}, got {got}"));
    trainer.fit(&data, 1, Some(&data), |_| Control::Continue).unwrap();
}

/// Bytes as inputs and targets do what floats as inputs and as targets of their own do.
pub fn an_autoencoder_learns_its_inputs(device: &Device) {
    let bytes: Vec<u8> = (0..4 * 5).map(|index| (127.0 * (1.0 + noise(index))) as u8).collect();
    let floats: Vec<f32> = bytes.iter().map(|&byte| (f32::from(byte) / 255.0 - 0.4) / 0.3).collect();
    let floats = Tensor::f32([5, 4], floats).unwrap();
    let apart = Dataset::new(&floats, &floats).unwrap();
    let bytes = Dataset::new(Tensor::u8([5, 4], bytes).unwrap(), [0; 5]).unwrap().normalized(0.4, 0.3).unwrap();
    let together = Dataset::autoencoder(bytes.inputs()).unwrap();
    let train = |data: &Dataset| {
        let model = Sequential::new().add(Linear::new(4, 3)).add(Tanh).add(Linear::new(3, 4));
        let mut trainer = Trainer::new(device, model, MSELoss, SGD::new(0.1), options(2, 1)).unwrap();
        let first = trainer.gradients(data).unwrap().loss;
        let last = trainer.fit(data, 3, Some(data), |_| Control::Continue).unwrap().epochs[2];
        [first, trainer.step(data).unwrap(), last.loss, last.validation.unwrap().loss]
    };
    let (wanted, got) = (train(&apart), train(&together));
    assert!(wanted.iter().zip(got).all(|(wanted, got)| (wanted - got).abs() < 1e-5), "wanted {wanted:?}, got {got:?}");
    assert!(got[3] < got[0], "{got:?}");
}

/// The same examples as rows and as images are the same to a model that flattens them.
pub fn images_have_the_shape_that_was_asked_for(device: &Device) {
    let images = classes(7).reshaped(&[1, 2, 2]).unwrap();
    assert_eq!(images.inputs().tensor().shape().dims(), [7, 1, 2, 2]);
    let train = |data: &Dataset| {
        let model = Sequential::new().add(Flatten).add(Linear::new(4, 3));
        let mut trainer = Trainer::new(device, model, CrossEntropyLoss, SGD::new(0.1), options(3, 1)).unwrap();
        let history = trainer.fit(data, 2, Some(data), |_| Control::Continue).unwrap();
        (history.epochs[1].loss, trainer.predict(data.inputs()).unwrap())
    };
    assert_eq!(train(&classes(7)), train(&images));
}

/// Looks a row of two numbers up for each token of a sequence of three.
#[derive(Debug)]
struct Codes;

const CODES: [f32; 10] = [0.5, -1.0, 2.0, 0.25, -0.75, 1.5, -2.0, 3.0, 0.125, -0.5];

impl Layer for Codes {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        let kind = input.kind();
        assert_eq!(kind.dtype, DType::U32);
        let codes = input.trace().constant(Tensor::f32([5, 2], CODES.to_vec())?);
        Ok(codes.rows(&input.reshape([kind.shape.elements()])).reshape([kind.shape.rows(), 6]))
    }
}

/// A model of tokens is that of the rows that they stand for.
pub fn tokens_stay_integers(device: &Device) {
    let tokens: Vec<u32> = (0..21).map(|index| index * 7 % 5).collect();
    let rows = tokens.iter().flat_map(|&token| CODES[2 * token as usize..][..2].to_vec()).collect();
    let labels = [0, 1, 1, 0, 1, 0, 0];
    let floats = Dataset::new(Tensor::f32([7, 6], rows).unwrap(), labels).unwrap();
    let tokens = Dataset::new(Tensor::u32([7, 3], tokens).unwrap(), labels).unwrap();
    let train = |model: Sequential, data: &Dataset| {
        let mut trainer =
            Trainer::new(device, model.add(Linear::new(6, 2)), CrossEntropyLoss, SGD::new(0.1), options(3, 1)).unwrap();
        let history = trainer.fit(data, 2, Some(data), |_| Control::Continue).unwrap();
        let mut losses = vec![history.epochs[1].loss, history.epochs[1].validation.unwrap().loss];
        losses.push(trainer.step(data).unwrap());
        losses.extend(trainer.predict(data.inputs()).unwrap().to_vec());
        losses
    };
    let (wanted, got) = (train(Sequential::new(), &floats), train(Sequential::new().add(Codes), &tokens));
    assert!(wanted.iter().zip(&got).all(|(wanted, got)| (wanted - got).abs() < 1e-5), "wanted {wanted:?}, got {got:?}");
}

/// A loss that depends on the targets alone.
#[derive(Debug)]
struct IgnoresOutput;

impl Loss for IgnoresOutput {
    fn check(&self, _: &Shape, _: &Tensor) -> Result<(), Error> {
        Ok(())
    }

    fn forward(&self, _: &Var, targets: &Var) -> Result<Losses, Error> {
        Ok(Losses { losses: targets.square(), hits: None })
    }
}

/// A parameter that the loss does not depend on has a gradient of zeros.
pub fn parameters_that_do_not_matter_stay(device: &Device) {
    let data = regression(4);
    let mut trainer = Trainer::new(device, Linear::new(4, 1), IgnoresOutput, Adam::new(0.1), options(4, 1)).unwrap();
    let gradients = trainer.gradients(&data).unwrap().gradients;
    assert_eq!(gradients.len(), 2);
    assert!(gradients.iter().all(|(_, gradient)| gradient.to_vec().iter().all(|&element| element == 0.0)));
    let before = trainer.weights_hash().unwrap();
    trainer.fit(&data, 2, None, |_| Control::Continue).unwrap();
    assert_eq!(trainer.weights_hash().unwrap(), before);
}

/// No loss of a later step shows what the last update did, but that of the validation does.
pub fn a_model_that_its_last_step_breaks_is_reported(device: &Device) {
    let data = Dataset::new([[1.0]], [[0.0]]).unwrap();
    let mut trainer = Trainer::new(device, Linear::new(1, 1), MSELoss, SGD::new(1e30), options(1, 1)).unwrap();
    let error = trainer.fit(&data, 1, Some(&data), |_| Control::Continue).unwrap_err();
    assert!(matches!(error, Error::NotFinite { step: 1, epoch: Some(1) }), "{error}");
    assert_eq!(trainer.steps(), 1);
}

/// The batch of two whose loss is not finite is at another place of the epoch for each seed, and so is the example whose error
/// is too large. The last step, of one example, takes the first of that batch, since nothing moves any more.
pub fn a_smaller_last_batch_does_not_hide_a_broken_one(device: &Device) {
    let data = Dataset::new([[0.0], [0.0], [0.0], [0.0], [0.0]], [[0.0], [0.0], [1e20], [0.0], [0.0]]).unwrap();
    for seed in 0..8 {
        let mut trainer = Trainer::new(device, Linear::new(1, 1), MSELoss, SGD::new(0.1), options(2, seed)).unwrap();
        let error = trainer.fit(&data, 3, None, |_| Control::Continue).unwrap_err();
        assert!(matches!(error, Error::NotFinite { step: 1..=3, epoch: Some(1) }), "{seed}: {error}");
    }
}

/// Of two tensors for one parameter neither is taken, be they of its shape or not.
pub fn names_that_are_given_twice_are_refused(device: &Device) {
    let mut trainer = Trainer::new(device, Linear::new(2, 1), MSELoss, SGD::new(0.1), options(2, 0)).unwrap();
    trainer.build(&[2]).unwrap();
    let before = trainer.weights_hash().unwrap();
    for shape in [[1, 2], [1, 9]] {
        let named = [("weight", Tensor::zeros([1, 2])), ("weight", Tensor::zeros(shape)), ("bias", Tensor::zeros([1]))];
        let named = named.map(|(name, tensor)| (name.to_owned(), tensor));
        let error = trainer.set_parameters(&named).unwrap_err().to_string();
        assert!(error.contains("weight: wanted one tensor, got another"), "{error}");
        assert_eq!(trainer.weights_hash().unwrap(), before);
    }
}
