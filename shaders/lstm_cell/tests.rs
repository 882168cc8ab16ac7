use super::*;
use crate::cases::tests::{assert_host_agrees, reference};

/// One unit with weights of zero: the gates are the nonlinearities of the input alone.
#[test]
fn agrees_with_known_values() {
    let input = Array::from_fn([1, 4, 1], |index| [0.0, 1.0, -0.5, 2.0][index]);
    let states = [Array::from_fn([1, 1], |_| 0.7), Array::from_fn([1, 1], |_| 0.4)];
    let weight = Array::from_fn([4, 1], |_| 0.0);
    let [hidden, cell] = states;
    let outputs = reference(&LstmCell, &[input, hidden, cell, weight]);
    let close = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-6, "{got}, not {wanted}");
    close(outputs[1].data[0], 0.731_058_6 * 0.4 + 0.5 * -0.462_117_2);
    close(outputs[0].data[0], 0.880_797_1 * outputs[1].data[0].tanh());
    close(outputs[2].data[1], 0.731_058_6);
}

#[test]
fn fast_paths_agree() {
    examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
}

/// Two steps: the second's gradient is found in that of the first's hidden state, so that no product stands alone.
#[test]
fn the_next_steps_gradients_enter_the_kernel() {
    let mut graph = Graph::new();
    let input = graph.input("x", TensorType::f32([3, 4, 5]));
    let state = graph.input("h", TensorType::f32([3, 5]));
    let weight = graph.input("w", TensorType::f32([20, 5]));
    let first = lstm_cell(&mut graph, input, state, state, weight).unwrap();
    let node = graph.node(first.hidden.node).clone();
    let gradients = LstmCell.gradient(&mut graph, &node, &[Some(state), None, None]).unwrap();
    let last = gradients[0].unwrap();
    assert_eq!(graph.kind(graph.node(last.node).inputs[0]), &TensorType::f32([3, 0, 5]));
    let total = crate::add(&mut graph, gradients[1].unwrap(), state).unwrap();
    let before = LstmCell.gradient(&mut graph, &node, &[Some(total), gradients[2], None]).unwrap()[0].unwrap();
    let inputs = &graph.node(before.node).inputs;
    assert_eq!((inputs[0], inputs[2], inputs[3]), (last, state, gradients[2].unwrap()));
}

#[test]
fn refuses_other_extents() {
    let kinds = |gates: usize| [vec![2, gates, 3], vec![2, 3], vec![2, 3], vec![12, 3]].map(TensorType::f32);
    assert!(LstmCell.infer(&kinds(4)).is_ok());
    let error = LstmCell.infer(&kinds(3)).unwrap_err().to_string();
    assert!(error.ends_with("got f32[2, 3, 3], f32[2, 3], f32[2, 3], f32[12, 3]"), "{error}");
}
