use super::*;
use crate::cases::tests::{assert_host_agrees, reference};

/// The shape and the names of the operations that a composition is made of.
fn traced(
    from: impl Into<Shape>,
    build: impl FnOnce(&mut Graph, Value) -> Result<Value, GraphError>,
) -> Result<(Shape, String), GraphError> {
    let mut graph = Graph::new();
    let value = graph.input("x", TensorType::f32(from));
    let total = build(&mut graph, value)?;
    let names: Vec<&str> = graph.nodes()[1..].iter().map(|node| node.name()).collect();
    Ok((graph.kind(total).shape.clone(), names.join(" ")))
}

#[test]
fn sums_over_one_axis() {
    let input = Array::from_fn([2, 3, 2], |index| index as f64);
    let output = &reference(&Sum { axis: 1 }, &[input])[0];
    assert_eq!((&output.kind, output.data.as_slice()), (&TensorType::f32([2, 2]), &[6.0, 9.0, 24.0, 27.0][..]));
    let rows = Array::from_fn([2, 3], |index| index as f64);
    assert_eq!(reference(&Sum { axis: 1 }, std::slice::from_ref(&rows))[0].data, [3.0, 12.0]);
    assert_eq!(reference(&Sum { axis: 0 }, &[rows])[0].data, [3.0, 5.0, 7.0]);
    examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
}

#[test]
fn any_axes_are_sums_of_one() {
    for (from, axes, keep, to, operations) in [
        (vec![64, 10], vec![0], false, vec![10], "sum"),
        (vec![64, 10], vec![1], true, vec![64, 1], "sum reshape"),
        (vec![64, 10], vec![1, 0], false, vec![], "reshape sum"),
        (vec![8, 3, 5], vec![1], false, vec![8, 5], "sum"),
        (vec![8, 3, 5, 7], vec![0, 2, 3], false, vec![3], "reshape sum reshape sum"),
        (vec![8, 3, 5, 7], vec![1, 2], true, vec![8, 1, 1, 7], "reshape sum reshape"),
        (vec![1, 7], vec![0], false, vec![7], "reshape"),
        (vec![7], vec![], false, vec![7], ""),
        (vec![0, 5], vec![0], false, vec![5], "sum"),
    ] {
        let traced = traced(from, |graph, value| sum_axes(graph, value, &axes, keep)).unwrap();
        assert_eq!(traced, (to.into(), operations.to_owned()));
    }
}

#[test]
fn long_sums_have_two_stages() {
    let sum = |shape: Vec<usize>, axes: &[usize]| traced(shape, |graph, value| sum_axes(graph, value, axes, false)).unwrap();
    assert_eq!(sum(vec![50_176, 32], &[0]), ([32].into(), "sum sum".to_owned()));
    assert_eq!(sum(vec![1000, 1000], &[0, 1]), (Shape::default(), "reshape sum sum".to_owned()));
    assert_eq!(sum(vec![50_176, 32], &[1]), ([50_176].into(), "sum".to_owned()));
}

#[test]
fn sums_over_repeated_axes_only() {
    for (from, to, operations) in [
        (vec![64, 10], vec![64, 10], ""),
        (vec![64, 10], vec![10], "sum"),
        (vec![64, 10], vec![1, 10], "sum reshape"),
        (vec![64, 10], vec![64, 1], "sum reshape"),
        (vec![64, 10], vec![], "reshape sum"),
        (vec![8, 64, 10], vec![8, 1, 10], "sum reshape"),
        (vec![2, 3, 4], vec![3, 1], "reshape sum reshape sum reshape"),
        (vec![1, 3], vec![3], "reshape"),
    ] {
        let traced = traced(from, |graph, value| sum_to(graph, value, &to.clone().into())).unwrap();
        assert_eq!(traced, (to.into(), operations.to_owned()));
    }
}

#[test]
fn refuses_shapes_that_do_not_broadcast() {
    let error =
        |from: Vec<usize>, to: Vec<usize>| traced(from, |graph, value| sum_to(graph, value, &to.into())).unwrap_err().to_string();
    assert_eq!(error(vec![64, 10], vec![64]), "sum_to: wanted a shape that broadcasts to [64, 10], got [64]");
    assert_eq!(error(vec![10], vec![64, 10]), "sum_to: wanted a shape that broadcasts to [10], got [64, 10]");
}

#[test]
fn refuses_integers_and_axes_that_are_not_there() {
    let mut graph = Graph::new();
    let integers = graph.input("x", TensorType::u32([3]));
    let error = sum(&mut graph, integers).unwrap_err().to_string();
    assert_eq!(error, "sum: wanted a tensor of f32, got u32[3]");
    for axes in [vec![2], vec![0, 0]] {
        let error = traced([3, 4], |graph, value| sum_axes(graph, value, &axes, false)).unwrap_err().to_string();
        assert_eq!(error, format!("sum: wanted a tensor with the axes {axes:?}, each of them named once, got f32[3, 4]"));
    }
    assert!(Sum { axis: 0 }.infer(&[TensorType::f32([2, 3, 4])]).is_err());
}

#[test]
fn gradients_repeat_the_upstream_gradient() {
    for (axis, shape, kept) in [(0, vec![5, 3], vec![3]), (1, vec![5, 3], vec![5, 1]), (1, vec![2, 5, 3], vec![2, 1, 3])] {
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32(shape.clone()));
        let sums = graph.apply_one(Sum { axis }, &[input]).unwrap();
        let upstream = graph.input("upstream", graph.kind(sums).clone());
        let node = graph.node(sums.node).clone();
        let gradient = Sum { axis }.gradient(&mut graph, &node, &[Some(upstream)]).unwrap()[0];
        let broadcast = graph.node(gradient.unwrap().node);
        assert_eq!((broadcast.name(), &broadcast.outputs[0]), ("broadcast", &TensorType::f32(shape)));
        assert_eq!(graph.kind(broadcast.inputs[0]), &TensorType::f32(kept));
    }
}
