use super::*;
use crate::cases::tests::{assert_host_agrees, reference};

fn sliding(kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> AvgPool2d {
    AvgPool2d { axes: PoolAxis::sliding(kernel, stride, padding) }
}

fn even(windows: [usize; 2]) -> AvgPool2d {
    AvgPool2d { axes: windows.map(|windows| PoolAxis::Even { windows }) }
}

fn means(op: AvgPool2d, shape: [usize; 4], data: &[f64]) -> Vec<f64> {
    reference(&op, &[Array::from_fn(shape, |index| data[index])]).remove(0).data
}

#[test]
fn padding_counts_as_zeros() {
    assert_eq!(means(sliding([1, 2], [1, 2], [0, 1]), [1, 1, 3, 1], &[2.0, 4.0, 8.0]), [1.0, 6.0]);
}

#[test]
fn even_windows_overlap_where_they_do_not_divide_the_image() {
    assert_eq!(means(even([1, 2]), [1, 1, 3, 1], &[2.0, 4.0, 8.0]), [3.0, 6.0]);
    assert_eq!(means(even([1, 1]), [1, 2, 2, 2], &[1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 6.0, 60.0]), [3.0, 30.0]);
}

#[test]
fn overlapping_windows_add_up_their_gradients() {
    let upstream = Array::from_fn([1, 1, 2, 1], |index| [4.0, 8.0][index]);
    let gradient = |of| reference(&AvgPool2dGradient { of, pixels: [1, 3] }, std::slice::from_ref(&upstream)).remove(0).data;
    assert_eq!(gradient(even([1, 2])), [2.0, 6.0, 4.0]);
    assert_eq!(gradient(sliding([1, 2], [1, 1], [0, 0])), [2.0, 6.0, 4.0]);
}

#[test]
fn host_agrees_with_the_reference() {
    examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
}

#[test]
fn refuses_images_without_a_place_for_a_window() {
    let error = even([0, 1]).infer(&[TensorType::f32([1, 4, 4, 1])]).unwrap_err().to_string();
    assert!(error.starts_with("wanted images f32[n, h, w, c] with a place for windows of [Even"), "{error}");
    let image = TensorType::f32([1, 4, 4, 1]);
    assert!(sliding([5, 1], [1, 1], [0, 0]).infer(std::slice::from_ref(&image)).is_err());
    assert!(AvgPool2d { axes: [even([1, 1]).axes[0], sliding([1, 1], [1, 1], [0, 0]).axes[1]] }.infer(&[image]).is_err());
    assert!(AvgPool2dGradient { of: even([2, 2]), pixels: [4, 4] }.infer(&[TensorType::f32([1, 2, 3, 1])]).is_err());
}
