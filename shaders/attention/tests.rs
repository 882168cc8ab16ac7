use super::*;
use crate::cases::tests::{assert_host_agrees, reference};

/// One query, whose scores are 0 and log 3: weights of a quarter and three.
#[test]
fn agrees_with_known_values() {
    let array = |shape: [usize; 2], data: &'static [f64]| Array::from_fn(shape, |index| data[index]);
    let query = array([1, 1], &[2.0]);
    let key = Array::from_fn([2, 1], |index| if index == 0 { 0.0 } else { 3.0_f64.ln() });
    let value = array([2, 1], &[4.0, 8.0]);
    let outputs = |causal| reference(&Attention { scale: 0.5, causal }, &[query.clone(), key.clone(), value.clone()]);
    let close = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-6, "{got}, not {wanted}");
    let all = outputs(false);
    close(all[0].data[0], 7.0);
    close(all[1].data[0], 4.0_f64.ln());
    let first = outputs(true);
    close(first[0].data[0], 4.0);
    close(first[1].data[0], 0.0);
}

#[test]
fn fast_paths_agree() {
    examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
}

#[test]
fn refuses_what_does_not_go_together() {
    let op = Attention { scale: 1.0, causal: false };
    let kinds = |query: &[usize], key: &[usize], value: &[usize]| [query, key, value].map(|dims| TensorType::f32(dims.to_vec()));
    assert!(op.infer(&kinds(&[2, 3, 4], &[2, 5, 4], &[2, 5, 4])).is_ok());
    for wrong in [
        kinds(&[2, 3, 4], &[3, 5, 4], &[3, 5, 4]),
        kinds(&[2, 3, 4], &[2, 5, 3], &[2, 5, 3]),
        kinds(&[2, 3, 4], &[2, 5, 4], &[2, 6, 4]),
        kinds(&[2, 3, 4], &[2, 0, 4], &[2, 0, 4]),
        kinds(&[4], &[4], &[4]),
    ] {
        assert!(op.infer(&wrong).unwrap_err().to_string().starts_with("wanted queries f32[..., t, d]"));
    }
    let error = Attention { scale: f32::NAN, causal: false }.infer(&kinds(&[1, 1], &[1, 1], &[1, 1])).unwrap_err();
    assert_eq!(error.to_string(), "wanted a finite scale, got NaN");
}
