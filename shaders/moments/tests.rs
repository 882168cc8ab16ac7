use super::*;
use crate::cases::tests::{assert_host_agrees, reference};

#[test]
fn columns_have_means_and_biased_variances() {
    let input = Array::from_fn([2, 2], |index| [1.0, 2.0, 5.0, 2.0][index]);
    let outputs = reference(&Moments, std::slice::from_ref(&input));
    assert_eq!([outputs[0].data.as_slice(), &outputs[1].data], [[3.0, 2.0], [4.0, 0.0]]);
    let parts = reference(&PartialMoments { chunk: 1 }, &[input]);
    assert_eq!([parts[0].data.as_slice(), &parts[1].data], [[1.0, 2.0, 5.0, 2.0], [0.0; 4]]);
    examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
}

#[test]
fn many_rows_have_two_stages() {
    let names = |rows: usize| {
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32([rows, 32]));
        let moments = moments(&mut graph, input).unwrap();
        assert_eq!(graph.kind(moments.variance), &TensorType::f32([32]));
        graph.nodes().len() - 1
    };
    assert_eq!([names(64), names(50_176)], [1, 2]);
}

#[test]
fn gradients_go_to_the_matrix() {
    let mut graph = Graph::new();
    let input = graph.input("x", TensorType::f32([50_176, 32]));
    let moments = moments(&mut graph, input).unwrap();
    let upstream = graph.input("upstream", TensorType::f32([32]));
    let node = graph.node(moments.mean.node).clone();
    let op = WholeMoments { chunk: 256 };
    let gradients = op.gradient(&mut graph, &node, &[None, Some(upstream)]).unwrap();
    assert_eq!(gradients[..2], [None, None]);
    assert_eq!(graph.kind(gradients[2].unwrap()), &TensorType::f32([50_176, 32]));
    assert_eq!(op.gradient(&mut graph, &node, &[None, None]).unwrap(), [None; 3]);
}

#[test]
fn refuses_what_has_no_rows() {
    let error = Moments.infer(&[TensorType::f32([0, 3])]).unwrap_err();
    assert_eq!(error.to_string(), "wanted f32[n, c] of 1 row or more, got f32[0, 3]");
    assert!(Moments.infer(&[TensorType::f32([3])]).is_err());
    let kinds = [TensorType::f32([3, 4]), TensorType::f32([3, 4]), TensorType::f32([20, 4])];
    assert!(WholeMoments { chunk: 8 }.infer(&kinds).is_ok());
    assert!(WholeMoments { chunk: 4 }.infer(&kinds).is_err());
}
