use super::*;
use crate::cases::tests::{assert_host_agrees, reference};

/// One unit with weights of zero: PyTorch's bias of the new gate is inside the product with the reset gate.
#[test]
fn agrees_with_known_values() {
    let input = Array::from_fn([1, 3, 1], |index| [0.0, 1.0, -0.5][index]);
    let (hidden, weight) = (Array::from_fn([1, 1], |_| 0.75), Array::from_fn([3, 1], |_| 0.0));
    let bias = Array::from_fn([3, 1], |index| [1.0, -1.0, 0.5][index]);
    let outputs = reference(&GruCell, &[input, hidden, weight, bias]);
    let close = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-6, "{got}, not {wanted}");
    close(outputs[1].data[0], 0.731_058_6);
    close(outputs[1].data[1], 0.5);
    close(outputs[1].data[2], (-0.5 + 0.731_058_6 * 0.5_f64).tanh());
    close(outputs[0].data[0], 0.5 * outputs[1].data[2] + 0.5 * 0.75);
}

#[test]
fn fast_paths_agree() {
    examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
}

/// Three terms of a hidden state's gradient: the next step's product, what flows past its gates, and another.
#[test]
fn the_next_steps_gradients_enter_the_kernel() {
    let mut graph = Graph::new();
    let input = graph.input("x", TensorType::f32([2, 3, 5]));
    let state = graph.input("h", TensorType::f32([2, 5]));
    let (weight, bias) = (graph.input("w", TensorType::f32([15, 5])), graph.input("b", TensorType::f32([3, 5])));
    let hidden = gru_cell(&mut graph, input, state, weight, bias).unwrap();
    let node = graph.node(hidden.node).clone();
    let gradients = GruCell.gradient(&mut graph, &node, &[Some(state), None]).unwrap();
    let total = add(&mut graph, gradients[1].unwrap(), state).unwrap();
    let gates = GruCell.gradient(&mut graph, &node, &[Some(total), None]).unwrap()[0].unwrap();
    let kernel = graph.node(graph.node(gates.node).inputs[0].node);
    let past = Value { output: 1, ..graph.node(gradients[0].unwrap().node).inputs[0] };
    assert_eq!(kernel.inputs[0], Value { output: 1, ..gradients[0].unwrap() });
    assert_eq!(kernel.inputs[2..4], [past, state]);
}

#[test]
fn refuses_other_extents() {
    let kinds = |gates: usize| [vec![2, gates, 3], vec![2, 3], vec![9, 3], vec![3, 3]].map(TensorType::f32);
    assert!(GruCell.infer(&kinds(3)).is_ok());
    let error = GruCell.infer(&kinds(4)).unwrap_err().to_string();
    assert!(error.ends_with("got f32[2, 4, 3], f32[2, 3], f32[9, 3], f32[3, 3]"), "{error}");
}
