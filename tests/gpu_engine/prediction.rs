//! Outputs of a model that learns, or that has weights of its own.

use wgrad::prelude::*;
use wgrad::{CopyFrom, CopyTo, PredictOptions, Predictor, TensorBuffer, Weights, wgpu};

use crate::application::{Application, data, model, options, trainer, training};

fn predict(application: &Application, predictor: &Predictor, inputs: &[f32]) -> Vec<f32> {
    let output = application.buffer(&vec![0.0; predictor.output().kind().shape.elements()]);
    let mut encoder = application.encoder();
    predictor.record_predict(&mut encoder, &application.buffer(inputs), &output).unwrap();
    application.submit(encoder);
    application.read(&output, 0, (output.size() / 4) as usize)
}

#[test]
fn a_predictor_sees_the_weights_as_they_are() {
    let application = Application::new(false);
    let mut training = training(&application.engine());
    let options = PredictOptions { rows: 10, activations: true, ..PredictOptions::default() };
    let predictor = pollster::block_on(training.predictor(options)).unwrap();
    let inputs = data().inputs().tensor().to_vec();
    for _ in 0..2 {
        application.step(&mut training, 5).unwrap();
        let wanted = training.trainer().predict(data().inputs()).unwrap().to_vec();
        assert_eq!(predict(&application, &predictor, &inputs), wanted);
        assert_eq!(application.read_tensor(predictor.output()), wanted);
    }
    assert_eq!(predictor.layers().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    let borrowed =
        [predictor.input(), predictor.output(), predictor.activation("1").unwrap(), &training.parameter("0.bias").unwrap()]
            .map(|tensor| tensor.buffer().usage());
    let wanted = [wgpu::BufferUsages::STORAGE, wgpu::BufferUsages::VERTEX, wgpu::BufferUsages::COPY_SRC];
    assert!(borrowed.iter().all(|usage| wanted.iter().all(|wanted| usage.contains(*wanted))), "{borrowed:?}");
    let [linear, tanh, dropout] = ["0", "1", "2"].map(|layer| application.read_tensor(predictor.activation(layer).unwrap()));
    assert_eq!(dropout, tanh);
    assert!(linear.iter().zip(&tanh).all(|(x, y)| (x.tanh() - y).abs() < 1e-5));
    assert_eq!(application.read_tensor(predictor.activation("3").unwrap()), application.read_tensor(predictor.output()));

    // Its weights outlive the training.
    let wanted = training.trainer().predict(data().inputs()).unwrap().to_vec();
    drop(training);
    application.write(predictor.input().buffer(), predictor.input().offset(), &inputs);
    let mut encoder = application.encoder();
    predictor.record_predict(&mut encoder, CopyFrom::Here, CopyTo::Here).unwrap();
    application.submit(encoder);
    assert_eq!(application.read_tensor(predictor.output()), wanted);
}

#[test]
fn a_predictor_alone_takes_weights_from_bytes() {
    let application = Application::new(true);
    let mut trainer = trainer(&Device::cpu());
    trainer.fit(&data(), 5, None, |_| Control::Continue).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    trainer.save_weights(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let wanted = trainer.predict(data().inputs()).unwrap().to_vec();
    let options = PredictOptions { rows: 10, ..PredictOptions::default() };
    let of_state_dict = Weights::from(&*trainer.state_dict().unwrap());
    for weights in [Weights::from_bytes(&bytes).unwrap(), Weights::read(&path).unwrap(), of_state_dict] {
        let before = application.buffers();
        let predictor = pollster::block_on(application.engine().predictor(model(), &weights, &[2], options)).unwrap();
        // The parameters, the input, the output and the dims: no gradient, no state of an optimizer.
        assert!(application.buffers() - before <= 5, "{} buffers", application.buffers() - before);
        let got = predict(&application, &predictor, &data().inputs().tensor().to_vec());
        assert!(got.iter().zip(&wanted).all(|(got, wanted)| (got - wanted).abs() < 1e-5), "{got:?} {wanted:?}");
    }
    let error = Weights::from_bytes(&bytes[..bytes.len() - 1]).unwrap_err().to_string();
    assert!(error.starts_with("weights: wanted a whole safetensors file, got "), "{error}");
    let other = Sequential::new().add(Linear::new(2, 9)).add(Linear::new(9, 1));
    let weights = Weights::from_bytes(&bytes).unwrap();
    let error = pollster::block_on(application.engine().predictor(other, &weights, &[2], options)).unwrap_err().to_string();
    for part in ["0.weight: wanted [9, 2], got [8, 2]", "1.bias: wanted [1], got nothing", "3.bias: wanted nothing"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

/// A layer of 70,000 units for 500 examples at once would be larger than the 128 MiB that WebGPU's limits allow.
#[test]
fn as_many_examples_are_evaluated_at_once_as_a_device_has_room_for() {
    let application = Application::new(true);
    let wide = Sequential::new().add(Linear::new(1, 70_000)).add(Tanh).add(Linear::new(70_000, 1));
    let mut trainer = Trainer::new(&application.engine().device(), wide, MSELoss, SGD::new(0.01), options()).unwrap();
    let inputs = Tensor::linspace(-1.0, 1.0, 600).reshaped([600, 1]).unwrap();
    let outputs = trainer.predict(&inputs).unwrap();
    let data = Dataset::new(inputs.clone(), outputs.clone()).unwrap();
    let score = trainer.evaluate(&data).unwrap();
    assert!(score.loss < 1e-10, "{score}");
    let few = trainer.predict(inputs.select(&[0, 299, 599]).unwrap()).unwrap().to_vec();
    let all = outputs.to_vec();
    assert!([all[0], all[299], all[599]].iter().zip(&few).all(|(all, few)| (all - few).abs() < 1e-5), "{few:?}");
}

#[test]
fn tensors_of_another_type_or_with_other_rows_are_refused() {
    let application = Application::new(false);
    let mut training = training(&application.engine());
    let predictor = pollster::block_on(training.predictor(PredictOptions { rows: 4, ..PredictOptions::default() })).unwrap();
    let mut encoder = application.encoder();
    let mut predict = |tensor: &TensorBuffer| predictor.record_predict(&mut encoder, tensor, CopyTo::Here);
    predict(&training.inputs().unwrap()).unwrap();
    for name in ["0.bias", "3.weight", "3.bias"] {
        let error = predict(&training.parameter(name).unwrap()).unwrap_err().to_string();
        assert!(error.starts_with("input: wanted the rows of f32[4, "), "{error}");
    }
}
