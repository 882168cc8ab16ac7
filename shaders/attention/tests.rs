use wgrad_core::{Kind, Source};

use super::*;
use crate::cases::tests::{assert_host_agrees, reference};

/// One query, whose scores are 0 and log 3: weights of a quarter and three.
#[test]
fn agrees_with_known_values() {
    let array = |shape: [usize; 2], data: &'static [f64]| Array::from_fn(shape, |index| data[index]);
    let query = array([1, 1], &[2.0]);
    let key = Array::from_fn([2, 1], |index| if index == 0 { 0.0 } else { 3.0_f64.ln() });
    let value = array([2, 1], &[4.0, 8.0]);
    let outputs = |causal, mask: &'static [f64], factor: &'static [f64]| {
        let inputs = [query.clone(), key.clone(), value.clone(), array([1, 2], mask), array([1, 2], factor)];
        reference(&Attention { scale: 0.5, causal }, &inputs)
    };
    let close = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-6, "{got}, not {wanted}");
    let all = outputs(false, &[0.0, 0.0], &[1.0, 1.0]);
    close(all[0].data[0], 7.0);
    close(all[1].data[0], 3.0_f64.ln());
    close(all[1].data[1], 4.0 / 3.0);
    close(outputs(true, &[0.0, 0.0], &[1.0, 1.0])[0].data[0], 4.0);
    close(outputs(false, &[0.0, -1e30], &[1.0, 1.0])[0].data[0], 4.0);
    close(outputs(false, &[-1e30, -1e30], &[1.0, 1.0])[0].data[0], 6.0);
    close(outputs(false, &[0.0, 0.0], &[2.0, 0.0])[0].data[0], 2.0);
}

#[test]
fn fast_paths_agree() {
    examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
}

#[test]
fn refuses_what_does_not_go_together() {
    let op = Attention { scale: 1.0, causal: false };
    let kinds = |query: &[usize], key: &[usize], value: &[usize], mask: &[usize]| {
        [query, key, value, mask, mask].map(|dims| TensorType::f32(dims.to_vec()))
    };
    assert!(op.infer(&kinds(&[2, 3, 4], &[2, 5, 4], &[2, 5, 4], &[2, 3, 5])).is_ok());
    for wrong in [
        kinds(&[2, 3, 4], &[3, 5, 4], &[3, 5, 4], &[2, 3, 5]),
        kinds(&[2, 3, 4], &[2, 5, 3], &[2, 5, 3], &[2, 3, 5]),
        kinds(&[2, 3, 4], &[2, 5, 4], &[2, 6, 4], &[2, 3, 5]),
        kinds(&[2, 3, 4], &[2, 5, 4], &[2, 5, 4], &[3, 5]),
        kinds(&[2, 3, 4], &[2, 0, 4], &[2, 0, 4], &[2, 3, 0]),
        kinds(&[4], &[4], &[4], &[4]),
        kinds(&[2, 129], &[3, 129], &[3, 129], &[2, 3]),
    ] {
        assert!(op.infer(&wrong).unwrap_err().to_string().starts_with("wanted queries f32[..., t, d]"));
    }
    let kinds = kinds(&[1, 1], &[1, 1], &[1, 1], &[1, 1]);
    let error = Attention { scale: f32::NAN, causal: false }.infer(&kinds).unwrap_err();
    assert_eq!(error.to_string(), "wanted a finite scale, got NaN");
}

#[test]
fn masks_and_factors_broadcast() {
    let mut graph = Graph::new();
    let [query, key, value, mask, factor] =
        [&[2, 3, 4][..], &[2, 5, 4], &[2, 5, 4], &[1, 5], &[]].map(|shape| graph.input("x", TensorType::f32(shape.to_vec())));
    let op = Attention { scale: 1.0, causal: false };
    let output = attention(&mut graph, op, [query, key, value, mask, factor]).unwrap();
    assert_eq!(graph.kind(output), graph.kind(query));
    assert!(attention(&mut graph, op, [query, key, value, query, factor]).is_err());
    assert!(attention(&mut graph, op, [factor; 5]).is_err());
}

/// Dropout draws by the index of an element, so that whoever reads the same factor drops the same weights.
#[test]
fn gradients_read_the_attention_s_mask_and_factor() {
    let mut graph = Graph::new();
    let scores = TensorType::f32([2, 3, 5]);
    let [query, key, value] = [[2, 3, 4], [2, 5, 4], [2, 5, 4]].map(|shape| graph.input("x", TensorType::f32(shape)));
    let [mask, ones] = ["mask", "ones"].map(|name| graph.input(name, scores.clone()));
    let step = graph.input("step", TensorType::u32([]));
    let factor = crate::dropout(&mut graph, ones, step, 0.5, 1, 2).unwrap();
    let op = Attention { scale: 1.0, causal: false };
    let output = attention(&mut graph, op, [query, key, value, mask, factor]).unwrap();
    let node = graph.node(output.node).clone();
    let before = graph.nodes().len();
    op.gradient(&mut graph, &node, &[Some(query), None]).unwrap();
    let made = &graph.nodes()[before..];
    for name in ["attention_query_gradient", "attention_key_gradient"] {
        let gradient = made.iter().find(|node| node.name() == name).unwrap();
        assert_eq!(gradient.inputs[..5], node.inputs[..]);
    }
    assert!(made.iter().all(|node| node.name() != "dropout"));
}

/// Also where nobody asks for the gradient of the mask, which the causal mask is for.
#[test]
fn a_causal_mask_is_no_constant_of_queries_times_keys() {
    let mut graph = Graph::new();
    let [query, key, value] = [[30, 4], [50, 4], [50, 4]].map(|shape| graph.input("x", TensorType::f32(shape)));
    let (mask, factor) = (graph.scalar(0.0), graph.scalar(1.0));
    let op = Attention { scale: 1.0, causal: true };
    let output = attention(&mut graph, op, [query, key, value, mask, factor]).unwrap();
    let node = graph.node(output.node).clone();
    op.gradient(&mut graph, &node, &[Some(query), None]).unwrap();
    let constants = graph.nodes().iter().filter(|node| matches!(node.kind, Kind::Source(Source::Constant(_))));
    let largest = constants.map(|node| graph.kind(node.output(0)).shape.elements()).max();
    assert_eq!(largest, Some(50));
}
