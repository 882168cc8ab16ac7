//! What PyTorch's users know of its tensors and layers, on the CPU: axes from the end, products that broadcast, sizes along
//! both axes, tokens that are not there.

use wgrad::Layer;
use wgrad::core::TensorType;
use wgrad::data::Random;
use wgrad::prelude::*;

fn normal<const N: usize>(shape: [usize; N], seed: u32) -> Tensor {
    Tensor::normal(shape, 1.0, &mut Random::new(seed, 0))
}

/// Asserts that tensors are the same but for the order in which their elements were added up.
fn assert_close(got: &Tensor, wanted: &Tensor) {
    assert_eq!(got.shape(), wanted.shape());
    for (got, wanted) in got.to_vec().into_iter().zip(wanted.to_vec()) {
        assert!((got - wanted).abs() < 2e-6, "{got} {wanted}");
    }
}

/// What functions make of a tensor.
fn computed<const N: usize>(tensor: &Tensor, build: impl FnOnce(&Var) -> [Var; N]) -> [Tensor; N] {
    let graph = Trace::on(&Device::cpu());
    graph.evaluate(build(&graph.constant(tensor)).each_ref()).unwrap()
}

#[test]
fn negative_axes_count_from_the_end() {
    let x = normal([2, 3, 4], 1);
    type Function = fn(&Var) -> Var;
    let pairs: [[Function; 2]; 11] = [
        [|x| x.permute(&[-1, 0, -2]), |x| x.permute(&[2, 0, 1])],
        [|x| x.transpose(-1, 0), |x| x.transpose(2, 0)],
        [|x| x.narrow(-2, 1, 2), |x| x.narrow(1, 1, 2)],
        [|x| x.pick(-1, -1), |x| x.pick(2, 3)],
        [|x| x.flatten(-2), |x| x.reshape([2, 12])],
        [|x| x.softmax(-2), |x| x.softmax(1)],
        [|x| x.log_softmax(-1), |x| x.log_softmax(2)],
        [|x| x.sum_axes(&[-1, 0], false), |x| x.sum_axes(&[0, 2], false)],
        [|x| x.mean_axes(&[-3], true), |x| x.mean_axes(&[0], true)],
        [|x| x.max_axes(&[-2], false), |x| x.max_axes(&[1], false)],
        [|x| Var::concat([x, &x.chunk::<2>(-1)[1]], -1), |x| Var::concat([x, &x.narrow(2, 2, 2)], 2)],
    ];
    for (index, [from_end, from_start]) in pairs.into_iter().enumerate() {
        let [got, wanted] = computed(&x, |x| [from_end(x), from_start(x)]);
        assert_eq!(got, wanted, "{index}");
    }
}

#[test]
fn products_broadcast_as_pytorch_s_do() {
    // Shapes of both sides and of the product: vectors, one matrix for many, and batches that repeat.
    let cases: [([&[usize]; 3], bool); 9] = [
        ([&[4], &[4], &[]], true),
        ([&[3, 4], &[4], &[3]], true),
        ([&[4], &[4, 2], &[2]], true),
        ([&[5, 3, 4], &[4], &[5, 3]], true),
        ([&[4], &[5, 4, 2], &[5, 2]], true),
        ([&[5, 3, 4], &[4, 2], &[5, 3, 2]], true),
        ([&[3, 4], &[5, 4, 2], &[5, 3, 2]], true),
        ([&[6, 1, 3, 4], &[5, 4, 2], &[6, 5, 3, 2]], true),
        ([&[2, 3, 4], &[5, 4, 2], &[]], false),
    ];
    for ([left, right, product], fits) in cases {
        let drawn = |shape: &[usize], seed| Tensor::normal(shape.to_vec(), 1.0, &mut Random::new(seed, 0));
        let (x, y) = (drawn(left, 1), drawn(right, 2));
        let graph = Trace::on(&Device::cpu());
        let (x, y) = (graph.constant(&x), graph.constant(&y));
        let product_of_both = x.matmul(&y);
        // The sum over k of all products, by arithmetic that broadcasts: [..., m, k, 1] times [..., 1, k, n].
        let column = if left.len() == 1 { x.reshape([left[0], 1]) } else { x.reshape([left, &[1]].concat()) };
        let rows = match right {
            [k] => y.reshape([*k, 1]),
            [batch @ .., k, n] if left.len() > 1 => y.reshape([batch, &[1, *k, *n]].concat()),
            _ => y.clone(),
        };
        let sums = (column * rows).sum_axes(&[-2], false);
        let sums = if right.len() == 1 { sums.pick(-1, 0) } else { sums };
        let total = product_of_both.sum();
        let made = graph.evaluate([&product_of_both, &sums, &total.gradient(&x), &total.gradient(&y)]);
        let Ok([made, sums, x_gradient, y_gradient]) = made else {
            assert!(!fits, "{left:?} and {right:?}: {made:?}");
            continue;
        };
        assert!(fits, "{left:?} and {right:?}");
        assert_eq!(made.shape().dims(), product);
        assert_eq!((x_gradient.shape(), y_gradient.shape()), (&x.shape(), &y.shape()));
        assert_close(&made, &sums);
    }
}

/// The outputs and parameters' gradients of a layer in training.
fn trained(layer: impl Layer + 'static, inputs: &Tensor) -> (Tensor, Vec<(String, Tensor)>) {
    let mut trainer = Trainer::new(&Device::cpu(), layer, MSELoss, SGD::new(0.1), Options::default()).unwrap();
    let targets = Tensor::zeros(trainer.predict(inputs).unwrap().shape().clone());
    let found = trainer.gradients(&Dataset::new(inputs.clone(), targets).unwrap()).unwrap();
    (found.output, found.gradients)
}

#[test]
fn sizes_can_differ_between_height_and_width() {
    let images = normal([2, 3, 9, 7], 1);
    let (outputs, gradients) = trained(Conv2d::new(3, 4, [3, 2]).stride([2, 1]).padding([1, 0]).dilation([1, 2]), &images);
    assert_eq!(outputs.shape().dims(), [2, 4, 5, 5]);
    assert_eq!(gradients[0].1.shape().dims(), [4, 3, 3, 2]);

    // What is swapped before and behind a layer whose sizes are swapped makes no difference.
    let swapped = |pool: fn() -> Box<dyn Layer>, other: fn() -> Box<dyn Layer>, shape: &[usize]| {
        let graph = Trace::on(&Device::cpu());
        let images = graph.constant(&images);
        let turned = images.transpose(2, 3).layer("other", &*other()).unwrap();
        let pooled = images.layer("pool", &*pool()).unwrap();
        let [result, turned] = graph.evaluate([&pooled, &turned.transpose(2, 3)]).unwrap();
        assert_close(&result, &turned);
        assert_eq!(result.shape().dims(), shape);
    };
    swapped(
        || Box::new(MaxPool2d::new([3, 2]).padding([1, 0])),
        || Box::new(MaxPool2d::new([2, 3]).padding([0, 1])),
        &[2, 3, 3, 3],
    );
    swapped(|| Box::new(AvgPool2d::new([3, 2]).stride(1)), || Box::new(AvgPool2d::new([2, 3]).stride(1)), &[2, 3, 7, 6]);
    swapped(|| Box::new(AdaptiveAvgPool2d::new([4, 1])), || Box::new(AdaptiveAvgPool2d::new([1, 4])), &[2, 3, 4, 1]);
}

#[test]
fn sequences_of_features_are_normalised_as_images_of_one_column() {
    let sequences = normal([4, 3, 5], 1);
    let (outputs, gradients) = trained(BatchNorm1d::new(3), &sequences);
    let images = sequences.clone().reshaped([4, 3, 5, 1]).unwrap();
    let (as_images, image_gradients) = trained(BatchNorm2d::new(3), &images);
    assert_eq!(outputs.shape().dims(), [4, 3, 5]);
    assert_eq!(outputs.to_vec(), as_images.to_vec());
    assert_eq!(gradients, image_gradients);
    assert!(gradients[0].1.to_vec().iter().all(|gradient| gradient.abs() > 1e-3), "{gradients:?}");
}

#[test]
fn tokens_without_a_vector_are_refused() {
    let model = || Sequential::new().add(Embedding::new(7, 4)).add(Flatten).add(Linear::new(12, 2));
    let mut trainer = Trainer::new(&Device::cpu(), model(), CrossEntropyLoss, SGD::new(0.1), Options::default()).unwrap();
    let tokens = |last| Tensor::u32([2, 3], vec![0, 1, 2, 3, 6, last]).unwrap();
    let data = |last| Dataset::new(tokens(last), [0, 1]).unwrap();
    trainer.fit(&data(6), 1, None, |_| Control::Continue).unwrap();
    let wanted = "token in example 1 (counted from 0): wanted below 7, got 7";
    assert_eq!(trainer.fit(&data(7), 1, None, |_| Control::Continue).unwrap_err().to_string(), wanted);
    assert_eq!(trainer.evaluate(&data(7)).unwrap_err().to_string(), wanted);
    assert_eq!(trainer.predict(tokens(7)).unwrap_err().to_string(), wanted);

    // Computed tokens are the model's own: the last vector stands for those that have none.
    let vectors = normal([3, 2], 1);
    let [rows] =
        computed(&vectors, |vectors| [vectors.rows(&vectors.trace().constant(Tensor::u32([3], vec![2, 3, u32::MAX]).unwrap()))]);
    assert_eq!(rows, vectors.select(&[2, 2, 2]).unwrap());
    assert_eq!(rows.kind(), TensorType::f32([3, 2]));
}

/// Attention to itself and to another sequence, as a decoder has them.
#[derive(Debug)]
struct Decoder {
    self_attn: MultiheadAttention,
    multihead_attn: MultiheadAttention,
}

impl Layer for Decoder {
    fn forward(&self, x: &Var) -> Result<Var, Error> {
        let (trace, memory) = (x.trace(), x.tanh());
        let found = trace.part("self_attn", || self.self_attn.attend(x, x, x, None))?;
        trace.part("multihead_attn", || self.multihead_attn.attend(&found, &memory, &memory, None))
    }
}

#[test]
fn parts_of_several_inputs_have_names_and_parameters_of_their_own() {
    let attention = || MultiheadAttention::new(4, 2);
    let model = Decoder { self_attn: attention(), multihead_attn: attention() };
    let (_, gradients) = trained(model, &normal([2, 3, 4], 1));
    let names: Vec<&str> = gradients.iter().map(|(name, _)| name.as_str()).collect();
    let parts = ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"];
    let wanted = ["self_attn", "multihead_attn"].map(|part| parts.map(|name| format!("{part}.{name}"))).concat();
    assert_eq!(names, wanted);
}

/// Attention of sequences to twice their first steps.
#[derive(Debug)]
struct Attending {
    layer: MultiheadAttention,
    /// What the queries are multiplied with.
    scale: f32,
    /// How many steps are looked at.
    steps: usize,
    /// For 2 sequences.
    mask: Option<Tensor>,
}

impl Layer for Attending {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        let sequences = input.shape().dims()[0];
        let mask = self.mask.as_ref().map(|mask| input.trace().constant(mask).narrow(0, 0, sequences));
        let others = input.narrow(1, 0, self.steps);
        self.layer.attend(&(input * self.scale), &others, &(&others * 2.0), mask.as_ref())
    }
}

/// What 5 steps of 2 sequences find, and the gradients of the layer's parameters, which are always drawn alike.
fn attended(layer: MultiheadAttention, steps: usize, mask: Option<Tensor>, scale: f32) -> Vec<Tensor> {
    let (output, gradients) = trained(Attending { layer, scale, steps, mask }, &normal([2, 5, 6], 1));
    [output].into_iter().chain(gradients.into_iter().map(|(_, gradient)| gradient)).collect()
}

/// What is added to scores: -1e30 where something is hidden.
fn hides<const N: usize>(shape: [usize; N], hidden: impl Fn(usize) -> bool) -> Tensor {
    Tensor::f32(shape, (0..shape.iter().product()).map(|index| if hidden(index) { -1e30 } else { 0.0 }).collect()).unwrap()
}

#[test]
fn attention_does_not_see_what_a_mask_hides() {
    let layer = MultiheadAttention::new(6, 2);
    let assert_same = |got: Vec<Tensor>, wanted: Vec<Tensor>| {
        assert_eq!(got.len(), 5);
        got.iter().zip(&wanted).for_each(|(got, wanted)| assert_close(got, wanted));
    };
    // Steps that nobody sees are as if they were not there.
    let few = hides([2, 1, 1, 5], |index| index % 5 >= 3);
    assert_same(attended(layer, 5, Some(few), 1.0), attended(layer, 3, None, 1.0));
    // Causal attention is a mask of what comes after.
    let future = hides([2, 1, 5, 5], |index| index % 5 > index / 5 % 5);
    assert_same(attended(layer.causal(), 5, None, 1.0), attended(layer, 5, Some(future), 1.0));
    // Where a mask hides the first step of a sequence, nothing is left for it to see but what comes after.
    let first = hides([2, 1, 1, 5], |index| index == 0);
    let both = hides([2, 1, 5, 5], |index| index % 5 > index / 5 % 5 || index / 25 == 0 && index % 5 == 0);
    assert_same(attended(layer.causal(), 5, Some(first), 1.0), attended(layer, 5, Some(both), 1.0));
    // Who sees nothing weighs all alike, as if all scores were 0.
    let nothing = hides([2, 1, 5, 5], |_| true);
    assert_same(attended(layer, 5, Some(nothing), 0.0), attended(layer, 5, None, 0.0));
}

#[test]
fn attention_drops_weights_the_same_in_each_run() {
    let sequences = normal([3, 7, 8], 1);
    let gradients = |rate| trained(MultiheadAttention::new(8, 2).dropout(rate), &sequences).1;
    assert_eq!(gradients(0.3), gradients(0.3));
    assert_ne!(gradients(0.3), gradients(0.0));
}

#[test]
fn padding_does_not_change_what_an_encoder_makes_of_a_sequence() {
    for layer in [TransformerEncoderLayer::new(4, 2).dim_feedforward(8), TransformerEncoderLayer::new(4, 2).norm_first().gelu()] {
        let (encoder, graph) = (TransformerEncoder::new(layer, 2), Trace::on(&Device::cpu()));
        let sequences = graph.constant(normal([2, 5, 4], 1));
        // The first sequence has three steps, the second five.
        let mask = graph.constant(hides([2, 1, 1, 5], |index| (3..5).contains(&index)));
        let masked = graph.part("encoder", || encoder.encode(&sequences, Some(&mask))).unwrap();
        let short = graph.part("encoder", || encoder.encode(&sequences.narrow(0, 0, 1).narrow(1, 0, 3), None)).unwrap();
        let whole = sequences.layer("encoder", &encoder).unwrap();
        let first = masked.narrow(0, 0, 1).narrow(1, 0, 3);
        let second = [masked.narrow(0, 1, 1), whole.narrow(0, 1, 1)];
        let [first, short, second, whole] = graph.evaluate([&first, &short, &second[0], &second[1]]).unwrap();
        assert_close(&first, &short);
        assert_close(&second, &whole);
    }
    let graph = Trace::on(&Device::cpu());
    let x = graph.constant(normal([1, 2, 4], 1));
    let error = graph.part("decoder", || MultiheadAttention::new(4, 3).attend(&x, &x, &x, None));
    assert_eq!(error.unwrap_err().to_string(), "layer decoder: heads: wanted a divisor of the 4 features, got 3");
}
