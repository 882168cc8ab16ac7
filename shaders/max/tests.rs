use super::*;
use crate::cases::tests::{assert_host_agrees, reference};

fn array(shape: impl Into<Shape>, data: &[f64]) -> Array {
    Array { kind: TensorType::f32(shape), data: data.to_vec() }
}

#[test]
fn finds_the_largest_along_each_axis() {
    let input = array([2, 3], &[1.0, 5.0, -2.0, 4.0, -3.0, -1.0]);
    let of = |axis| reference(&PartialMax { axis }, std::slice::from_ref(&input)).remove(0);
    assert_eq!(of(0), array([3], &[4.0, 5.0, -1.0]));
    assert_eq!(of(1), array([2], &[5.0, 4.0]));
    let broken = array([2, 2], &[1.0, f64::NAN, 2.0, 3.0]);
    let largest = reference(&PartialMax { axis: 1 }, &[broken]).remove(0).data;
    assert!(largest[0].is_nan() && largest[1] == 3.0);
    [0, 1].iter().for_each(|&axis| assert_host_agrees(&PartialMax { axis }));
}

#[test]
fn two_runs_of_axes_are_two_operations() {
    let mut graph = Graph::new();
    let input = graph.input("x", TensorType::f32([5, 3, 4]));
    let largest = max_axes(&mut graph, input, &[0, 2], true).unwrap();
    assert_eq!(graph.kind(largest), &TensorType::f32([1, 3, 1]));
    let names: Vec<&str> = graph.nodes()[1..].iter().map(|node| node.name()).collect();
    assert_eq!(names, ["reshape", "max", "reshape", "max", "reshape"]);
    assert_eq!(graph.nodes()[4].inputs[1], input);
}

#[test]
fn equals_share_the_gradient() {
    let x = array([2, 3], &[2.0, 1.0, 2.0, 0.0, 3.0, 0.0]);
    let largest = array([2, 1], &[2.0, 3.0]);
    let ties = reference(&MaxTies, &[x, largest]).remove(0);
    assert_eq!(ties.data, [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
    let gradient = reference(&MaxGradient, &[array([2, 1], &[6.0, 5.0]), ties, array([2, 1], &[2.0, 1.0])]);
    assert_eq!(gradient[0].data, [3.0, 0.0, 3.0, 0.0, 5.0, 0.0]);
}

#[test]
fn refuses_to_compare_nothing() {
    let mut graph = Graph::new();
    let input = graph.input("x", TensorType::f32([0, 3]));
    let error = max(&mut graph, input).unwrap_err().to_string();
    assert_eq!(error, "max: wanted elements along the axes [0, 1], got f32[0, 3]");
    assert!(max_axes(&mut graph, input, &[1], false).is_ok());
    let error = MaxTies.infer(&[TensorType::f32([3]), TensorType::f32([2, 3])]).unwrap_err().to_string();
    assert_eq!(error, "wanted 2 tensors of f32 that broadcast to the one at 0, got f32[3], f32[2, 3]");
    assert!(Max { axis: 1, axes: vec![1] }.infer(&[TensorType::f32([2, 3]), TensorType::f32([4, 3])]).is_err());
}
