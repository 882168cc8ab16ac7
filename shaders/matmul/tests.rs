use super::*;
use crate::cases::tests::{assert_host_agrees, reference};

const PLAIN: Matmul = Matmul { transpose_lhs: false, transpose_rhs: false };

/// `[[1, 2, 3], [4, 5, 6]]` times `[[1, 0], [2, 1], [0, 3]]`, stored either way.
#[test]
fn multiplies_rows_by_columns() {
    let matrix = |dims: [usize; 2], data: [f64; 6]| Array { kind: TensorType::f32(dims), data: data.to_vec() };
    let lhs = [matrix([2, 3], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), matrix([3, 2], [1.0, 4.0, 2.0, 5.0, 3.0, 6.0])];
    let rhs = [matrix([3, 2], [1.0, 0.0, 2.0, 1.0, 0.0, 3.0]), matrix([2, 3], [1.0, 2.0, 0.0, 0.0, 1.0, 3.0])];
    for transpose_lhs in [false, true] {
        for transpose_rhs in [false, true] {
            let op = Matmul { transpose_lhs, transpose_rhs };
            let inputs = [lhs[usize::from(transpose_lhs)].clone(), rhs[usize::from(transpose_rhs)].clone()];
            assert_eq!(reference(&op, &inputs)[0].data, [5.0, 11.0, 14.0, 23.0], "{op:?}");
        }
    }
}

#[test]
fn host_agrees_with_the_reference() {
    examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
}

/// Gradients in double precision against central differences of `sum(weights * product)`.
#[test]
fn gradients_are_products_without_copies() {
    for transpose_lhs in [false, true] {
        for transpose_rhs in [false, true] {
            let op = Matmul { transpose_lhs, transpose_rhs };
            let inputs = op.cases()[5].inputs.clone();
            let weights = floats(9, reference(&op, &inputs)[0].kind.shape.clone());
            let loss = |inputs: &[Array]| -> f64 {
                reference(&op, inputs)[0].data.iter().zip(&weights.data).map(|(product, weight)| product * weight).sum()
            };
            for (input, gradient) in gradients(op, &inputs, &weights).iter().enumerate() {
                assert_eq!(gradient.kind, inputs[input].kind);
                for (element, got) in gradient.data.iter().enumerate() {
                    let moved = |by: f64| {
                        let mut inputs = inputs.clone();
                        inputs[input].data[element] += by;
                        loss(&inputs)
                    };
                    let wanted = (moved(0.5) - moved(-0.5)) / 1.0;
                    assert!((got - wanted).abs() < 1e-9, "{op:?}, input {input}: {got}, not {wanted}");
                }
            }
        }
    }
}

/// What the gradient's nodes compute, which must be products of the inputs and the upstream gradient.
fn gradients(op: Matmul, inputs: &[Array], upstream: &Array) -> Vec<Array> {
    let mut graph = Graph::new();
    let values: Vec<Value> = inputs.iter().map(|input| graph.input("x", input.kind.clone())).collect();
    let product = graph.apply_one(op, &values).unwrap();
    let upstream_value = graph.input("upstream", upstream.kind.clone());
    let node = graph.node(product.node).clone();
    let gradients = op.gradient(&mut graph, &node, &[Some(upstream_value)]).unwrap();
    let array = |value: &Value| match values.iter().position(|known| known == value) {
        Some(index) => inputs[index].clone(),
        None => upstream.clone(),
    };
    let evaluate = |gradient: Option<Value>| {
        let node = graph.node(gradient.unwrap().node);
        let operands: Vec<Array> = node.inputs.iter().map(array).collect();
        reference(node.op().unwrap(), &operands).remove(0)
    };
    gradients.into_iter().map(evaluate).collect()
}

#[test]
fn products_of_halves_and_their_gradients_are_f32() {
    let mut graph = Graph::new();
    let [lhs, rhs] = [[4, 3], [3, 5]].map(|shape| graph.input("x", TensorType::new(DType::F16, shape)));
    let product = matmul(&mut graph, lhs, rhs, false, false).unwrap();
    assert_eq!(graph.kind(product), &TensorType::f32([4, 5]));
    let upstream = graph.input("upstream", TensorType::f32([4, 5]));
    let node = graph.node(product.node).clone();
    for (gradient, shape) in PLAIN.gradient(&mut graph, &node, &[Some(upstream)]).unwrap().into_iter().zip([[4, 3], [3, 5]]) {
        let gradient = gradient.unwrap();
        assert_eq!(graph.kind(gradient), &TensorType::f32(shape));
        let operands = &graph.node(gradient.node).inputs;
        assert!(operands.iter().all(|&operand| graph.kind(operand).dtype == DType::F16));
    }
}

#[test]
fn refuses_inner_extents_that_differ() {
    let kinds = [TensorType::f32([64, 784]), TensorType::f32([256, 783])];
    let error = Matmul { transpose_rhs: true, ..PLAIN }.infer(&kinds).unwrap_err().to_string();
    let wanted = "wanted matrices f32[..., m, k] and f32[..., n, k], or both of f16, got f32[64, 784], f32[256, 783] with inner extents 784 and 783";
    assert_eq!(error, wanted);
    let batches = [TensorType::f32([3, 4, 5]), TensorType::f32([2, 5, 4])];
    let error = PLAIN.infer(&batches).unwrap_err().to_string();
    assert!(error.ends_with("got f32[3, 4, 5], f32[2, 5, 4] with first axes [3] and [2]"), "{error}");
    assert!(PLAIN.infer(&[TensorType::f32([4]), TensorType::f32([4, 2])]).is_err());
    assert!(PLAIN.infer(&[TensorType::f32([4, 2]), TensorType::u32([2, 4])]).is_err());
    assert!(PLAIN.infer(&[TensorType::f32([4, 2]), TensorType::new(DType::F16, [2, 4])]).is_err());
}
