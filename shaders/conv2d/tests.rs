use super::*;
use crate::cases::tests::{assert_host_agrees, reference};

const PLAIN: Conv2d = Conv2d { stride: [1, 1], padding: [0, 0], dilation: [1, 1] };

/// One image of 2 x 3 pixels, and a kernel of 1 x 2: differences of neighbours, and twice the left one.
#[test]
fn slides_the_kernel_without_turning_it() {
    let image = Array::from_fn([1, 2, 3, 1], |index| [1.0, 4.0, 9.0, 16.0, 25.0, 36.0][index]);
    let weight = Array::from_fn([2, 1, 2, 1], |index| [-1.0, 1.0, 2.0, 0.0][index]);
    let output = &reference(&PLAIN, &[image, weight])[0];
    assert_eq!(output.kind, TensorType::f32([1, 2, 2, 2]));
    assert_eq!(output.data, [3.0, 2.0, 5.0, 8.0, 9.0, 32.0, 11.0, 50.0]);
}

#[test]
fn shapes_are_those_of_pytorch() {
    let shape = |op: Conv2d, input: [usize; 4], weight: [usize; 4]| {
        op.infer(&[TensorType::f32(input), TensorType::f32(weight)]).map(|kinds| kinds[0].shape.clone())
    };
    let padded = Conv2d { padding: [1, 1], ..PLAIN };
    assert_eq!(shape(padded, [64, 28, 28, 1], [32, 3, 3, 1]), Ok([64, 28, 28, 32].into()));
    assert_eq!(shape(Conv2d { stride: [2, 3], ..padded }, [2, 28, 27, 8], [4, 3, 3, 8]), Ok([2, 14, 9, 4].into()));
    assert_eq!(shape(Conv2d { dilation: [2, 3], ..PLAIN }, [2, 8, 8, 8], [4, 3, 2, 8]), Ok([2, 4, 5, 4].into()));
    for (op, input, weight) in [
        (PLAIN, [1, 2, 5, 1], [1, 3, 3, 1]),
        (PLAIN, [1, 5, 5, 2], [1, 3, 3, 1]),
        (PLAIN, [1, 5, 5, 1], [1, 0, 3, 1]),
        (Conv2d { stride: [1, 0], ..PLAIN }, [1, 5, 5, 1], [1, 3, 3, 1]),
        (Conv2d { dilation: [0, 1], ..PLAIN }, [1, 5, 5, 1], [1, 3, 3, 1]),
        (Conv2d { padding: [usize::MAX, 1], ..PLAIN }, [1, 5, 5, 1], [1, 3, 3, 1]),
    ] {
        assert!(shape(op, input, weight).is_err(), "{op:?} takes {input:?} and {weight:?}");
    }
    let error = shape(PLAIN, [1, 2, 5, 1], [1, 3, 3, 1]).unwrap_err().to_string();
    assert!(error.starts_with("wanted images f32[n, h, w, c] and a kernel f32[o, kh, kw, c] that fits into them"), "{error}");
    assert!(error.ends_with("got f32[1, 2, 5, 1], f32[1, 3, 3, 1]"), "{error}");
}

#[test]
fn host_agrees_with_the_reference() {
    examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
}

/// What the kernels see through windows, multiplied plainly, against the definition.
#[test]
fn windows_times_weights_are_the_convolution() {
    for op in attributes() {
        for case in op.cases() {
            let [input, weight] = &case.inputs[..] else { panic!("two inputs") };
            let geometry = op.geometry(&input.kind.shape, &weight.kind.shape).unwrap();
            let (windows, depth) = (op.input_windows(&geometry), geometry.depth());
            let shown = |row, column| windows.element(geometry.channels, row, column).map_or(0.0, |index| input.data[index]);
            for (index, wanted) in reference(&op, &case.inputs)[0].data.iter().enumerate() {
                let (row, filter) = (index / geometry.filters, index % geometry.filters);
                let got: f64 = (0..depth).map(|k| shown(row, k) * weight.data[filter * depth + k]).sum();
                assert!((got - wanted).abs() < 1e-9, "{op:?}, {}: {got}, not {wanted}", case.label);
            }
        }
    }
}

#[test]
fn the_weight_gradient_of_many_windows_is_made_in_parts() {
    let mut graph = Graph::new();
    let input = graph.input("x", TensorType::f32([64, 28, 28, 1]));
    let weight = graph.input("w", TensorType::f32([32, 3, 3, 1]));
    let output = conv2d(&mut graph, input, weight, [1, 1], [1, 1], [1, 1]).unwrap();
    let node = graph.node(output.node).clone();
    let gradients = node.op().unwrap().gradient(&mut graph, &node, &[Some(output)]).unwrap();
    let kinds = gradients.iter().map(|gradient| graph.kind(gradient.unwrap()).shape.clone());
    assert_eq!(kinds.collect::<Vec<_>>(), [Shape::from([64, 28, 28, 1]), [32, 3, 3, 1].into()]);
    let parts = graph.nodes().iter().find(|node| node.name() == "conv2d_weight_gradient").unwrap();
    assert_eq!(parts.outputs, [TensorType::f32([196, 32, 9])]);
}
