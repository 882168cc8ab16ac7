use super::*;
use crate::cases::tests::{assert_host_agrees, reference};

#[test]
fn subtracts_scales_and_shifts_columns() {
    let input = Array::from_fn([2, 2], |index| [1.0, 2.0, 5.0, 2.0][index]);
    let vector = |values: [f64; 2]| Array::from_fn([2], move |index| values[index]);
    let output = reference(&BatchNorm, &[input.clone(), vector([3.0, 2.0]), vector([0.5, 4.0]), vector([0.0, 1.0])]);
    assert_eq!(output[0].data, [-1.0, 1.0, 1.0, 1.0]);
    let upstream = Array::from_fn([2, 2], |index| [1.0, 2.0, 3.0, 4.0][index]);
    let sums = reference(&BatchNormSums { chunk: 8 }, &[upstream, input, vector([3.0, 2.0])]);
    assert_eq!([sums[0].data.as_slice(), &sums[1].data], [[4.0, 6.0], [4.0, 0.0]]);
    examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
}

/// A graph that normalises `[rows, 32]`.
fn normalized(rows: usize) -> (Graph, BatchNormOutputs) {
    let mut graph = Graph::new();
    let input = graph.input("x", TensorType::f32([rows, 32]));
    let [gamma, beta] = ["gamma", "beta"].map(|name| graph.input(name, TensorType::f32([32])));
    let outputs = batch_norm(&mut graph, input, gamma, beta, 1e-5).unwrap();
    (graph, outputs)
}

#[test]
fn all_gradients_come_from_two_sums() {
    let (mut graph, outputs) = normalized(64);
    let upstream = graph.input("upstream", TensorType::f32([64, 32]));
    let node = graph.node(outputs.output.node).clone();
    let gradients = BatchNorm.gradient(&mut graph, &node, &[Some(upstream)]).unwrap();
    for (gradient, &input) in gradients.into_iter().zip(&node.inputs) {
        assert_eq!(graph.kind(gradient.unwrap()), graph.kind(input));
    }
    let sums = |graph: &Graph| graph.nodes().iter().filter(|node| format!("{:?}", node.op()).contains("Sums")).count();
    assert_eq!(sums(&graph), 1);
}

#[test]
fn statistics_are_outputs() {
    for rows in [64, 50_176] {
        let (graph, outputs) = normalized(rows);
        assert_eq!(graph.kind(outputs.output), &TensorType::f32([rows, 32]));
        assert_eq!(
            [outputs.mean, outputs.variance].map(|value| graph.kind(value).clone()),
            [(); 2].map(|()| TensorType::f32([32]))
        );
    }
}

#[test]
fn refuses_vectors_that_do_not_fit_and_an_epsilon_of_zero() {
    let mut graph = Graph::new();
    let input = graph.input("x", TensorType::f32([4, 3]));
    let [short, vector] = [2, 3].map(|extent| graph.input("v", TensorType::f32([extent])));
    let error = batch_norm(&mut graph, input, vector, short, 1e-5).unwrap_err().to_string();
    assert!(error.starts_with("batch_norm: wanted f32[n, c] and f32[c] three times"), "{error}");
    assert!(error.ends_with("got f32[4, 3], f32[3], f32[3], f32[2]"), "{error}");
    let error = batch_norm(&mut graph, input, vector, vector, 0.0).unwrap_err().to_string();
    assert_eq!(error, "batch_norm: wanted a finite epsilon above 0, got 0");
    assert!(BatchNorm.infer(&[]).is_err());
}
