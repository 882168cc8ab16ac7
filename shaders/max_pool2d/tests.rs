use super::*;
use crate::cases::tests::{assert_host_agrees, reference};

const PAIRS: MaxPool2d = MaxPool2d { kernel: [2, 2], stride: [2, 2], padding: [0, 0] };

fn largest(op: MaxPool2d, shape: [usize; 4], data: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut outputs = reference(&op, &[Array::from_fn(shape, |index| data[index])]);
    let taps = outputs.remove(1);
    (outputs.remove(0).data, taps.data)
}

#[test]
fn the_first_of_equal_maxima_counts() {
    let (values, taps) = largest(PAIRS, [1, 2, 4, 1], &[1.0, 5.0, -3.0, -3.0, 5.0, 0.0, -3.0, -4.0]);
    assert_eq!((values, taps), (vec![5.0, -3.0], vec![1.0, 0.0]));
}

#[test]
fn padding_is_never_the_maximum() {
    let op = MaxPool2d { kernel: [3, 3], stride: [2, 2], padding: [1, 1] };
    let (values, taps) = largest(op, [1, 2, 2, 1], &[-4.0, -3.0, -2.0, -1.0]);
    assert_eq!((values, taps), (vec![-1.0], vec![8.0]));
}

#[test]
fn nan_is_the_maximum_of_its_window() {
    let (values, taps) = largest(PAIRS, [1, 2, 2, 1], &[1.0, f64::NAN, 9.0, 2.0]);
    assert!(values[0].is_nan() && taps == [1.0]);
}

#[test]
fn overlapping_windows_add_up_their_gradients() {
    let of = MaxPool2d { kernel: [1, 2], stride: [1, 1], padding: [0, 0] };
    let upstream = Array::from_fn([1, 1, 3, 1], |index| [1.0, 2.0, 4.0][index]);
    let mut taps = Array::zeros(TensorType::u32([1, 1, 3, 1]));
    taps.data = vec![1.0, 0.0, 1.0];
    let gradient = &reference(&MaxPool2dGradient { of, pixels: [1, 4] }, &[upstream, taps])[0];
    assert_eq!(gradient.data, [0.0, 3.0, 0.0, 4.0]);
}

#[test]
fn host_agrees_with_the_reference() {
    examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
}

#[test]
fn refuses_images_without_a_place_for_a_window() {
    let error = PAIRS.infer(&[TensorType::f32([1, 1, 4, 1])]).unwrap_err().to_string();
    assert!(error.starts_with("wanted images f32[n, h, w, c] with a place for MaxPool2d"), "{error}");
    assert!(PAIRS.infer(&[TensorType::u32([1, 4, 4, 1])]).is_err());
    assert!(PAIRS.infer(&[TensorType::f32([4, 4, 1])]).is_err());
    assert!(MaxPool2d { padding: [2, 0], ..PAIRS }.infer(&[TensorType::f32([1, 4, 4, 1])]).is_err());
    assert!(MaxPool2dGradient { of: PAIRS, pixels: [4, 4] }.infer(&[TensorType::f32([1, 2, 2, 1])]).is_err());
}
