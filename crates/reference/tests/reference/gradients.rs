//! The check of gradients accepts right ones, and rejects each mistake that is planted here.

use std::sync::Arc;

use wgrad_core::{Array, Case, HostTensor, Shape, TensorType, Value};
use wgrad_reference::{Constructors, GradientCheck, GradientError, GradientReport};

use crate::operations::{Elementwise, Rule, accumulate, add, mul, product, product_rule, square, square_rule, sum};

fn check() -> GradientCheck {
    GradientCheck::new(Constructors { accumulate, mul, sum })
}

fn case(inputs: Vec<Array>) -> Case {
    Case { label: "a small matrix".to_owned(), inputs, differentiable: true }
}

fn matrix() -> Array {
    Array::from_fn([3, 5], |i| i as f64 * 0.3 - 2.0)
}

fn check_square(rule: Rule) -> Result<GradientReport, GradientError> {
    check().check(&(Arc::new(square(rule)) as _), &case(vec![matrix()]))
}

#[test]
fn a_right_gradient_is_accepted_at_every_element() {
    let report = check_square(square_rule).unwrap();
    assert_eq!(report, GradientReport { with_gradient: vec![0], without_gradient: vec![], compared: 15 });
}

#[test]
fn as_many_elements_are_compared_as_were_asked_for() {
    let few = check().with_elements(4);
    let report = few.check(&(Arc::new(product(product_rule)) as _), &case(vec![matrix(), matrix()])).unwrap();
    assert_eq!((report.with_gradient, report.compared), (vec![0, 1], 8));
}

#[test]
fn an_input_is_back_in_place_when_the_next_one_is_moved() {
    // Where a factor is 0, the other's slope is 0, and any shift that is left over becomes that slope.
    let zero = || Array::zeros(TensorType::f32([1]));
    let report = check().check(&(Arc::new(product(product_rule)) as _), &case(vec![zero(), zero()]));
    assert_eq!(report.unwrap().with_gradient, [0, 1]);
}

#[test]
fn a_gradient_that_ignores_upstream_is_rejected() {
    let error = check_square(|graph, at, _| Ok(vec![Some(add(graph, at.inputs[0], at.inputs[0])?)])).unwrap_err();
    assert!(matches!(error, GradientError::Element { input: 0, .. }), "{error}");
}

#[test]
fn a_gradient_that_averages_upstream_is_rejected() {
    let error = check_square(|graph, at, upstream| {
        let total = sum(graph, upstream)?;
        let mean = graph.scalar(1.0 / 15.0);
        let mean = mul(graph, total, mean)?;
        let twice = add(graph, at.inputs[0], at.inputs[0])?;
        Ok(vec![Some(mul(graph, twice, mean)?)])
    });
    assert!(matches!(error, Err(GradientError::Element { .. })), "{error:?}");
}

#[test]
fn a_gradient_that_is_wrong_at_the_last_element_only_is_rejected() {
    let error = check_square(|graph, at, upstream| {
        let right = square_rule(graph, at, upstream)?;
        let mask = Array::from_fn([3, 5], |i| if i == 14 { 1.001 } else { 1.0 });
        let mask = graph.constant(HostTensor::from_array(&mask))?;
        right.into_iter().flatten().map(|gradient| mul(graph, gradient, mask).map(Some)).collect()
    });
    assert!(matches!(error, Err(GradientError::Element { element: 14, .. })), "{error:?}");
}

#[test]
fn a_gradient_that_only_sources_get_is_rejected() {
    let error = check_square(|graph, at, upstream| match graph.node(at.inputs[0].node).op() {
        Some(_) => Ok(vec![None]),
        None => square_rule(graph, at, upstream),
    });
    assert!(matches!(error, Err(GradientError::Missing { .. })), "{error:?}");
}

#[test]
fn a_gradient_of_nan_is_rejected() {
    let error = check_square(|graph, at, _| {
        let nans = HostTensor::F32(graph.kind(at.inputs[0]).shape.clone(), vec![f32::NAN; 15]);
        Ok(vec![Some(graph.constant(nans)?)])
    });
    assert!(matches!(error, Err(GradientError::Element { got, .. }) if got.is_nan()), "{error:?}");
}

#[test]
fn a_gradient_of_another_shape_is_rejected() {
    let error = check_square(|graph, _, upstream| Ok(vec![Some(sum(graph, upstream)?)]));
    assert!(matches!(error, Err(GradientError::Type { got, .. }) if got == TensorType::f32([])));
}

/// A product whose second factor gets no gradient.
fn dropping_a_factor() -> Elementwise {
    product(|graph, at, upstream| Ok(vec![Some(mul(graph, upstream, at.inputs[1])?), None]))
}

#[test]
fn a_dropped_gradient_is_rejected_unless_declared() {
    let (op, case) = (Arc::new(dropping_a_factor()) as _, case(vec![matrix(), matrix()]));
    let error = check().check(&op, &case).unwrap_err();
    assert!(matches!(error, GradientError::Missing { input: 1, .. }), "{error}");

    let report = check().without_gradient([1]).check(&op, &case).unwrap();
    assert_eq!((report.with_gradient, report.without_gradient), (vec![0], vec![1]));
}

#[test]
fn declaring_an_input_does_not_spare_the_gradient_that_it_has() {
    let declared = check().without_gradient([0]);
    let op = Arc::new(square(|_, _, upstream| Ok(vec![Some(upstream)]))) as _;
    assert!(declared.check(&op, &case(vec![matrix()])).is_err());
}

#[test]
fn an_input_without_influence_needs_no_gradient_and_is_reported() {
    let op = Elementwise::new(&[|at| at[1]], |_, _, upstream: Value| Ok(vec![None, Some(upstream)]));
    let report = check().check(&(Arc::new(op) as _), &case(vec![matrix(), matrix()])).unwrap();
    assert_eq!((report.with_gradient, report.without_gradient), (vec![1], vec![0]));
}

#[test]
fn integers_are_reported_as_without_gradient() {
    let counts = Array { kind: TensorType::u32([3, 5]), data: (0..15).map(f64::from).collect() };
    let report = check().check(&(Arc::new(product(product_rule)) as _), &case(vec![matrix(), counts])).unwrap();
    assert_eq!(report, GradientReport { with_gradient: vec![0], without_gradient: vec![1], compared: 15 });
}

#[test]
fn an_output_without_derivative_can_be_left_out_of_the_loss() {
    // The second output jumps at the only element, so that no finite difference exists.
    let op = Elementwise::new(&[|at| at[0] * at[0], |at| f64::from(at[0] > 0.0)], square_rule);
    let (op, case) = (Arc::new(op) as _, case(vec![Array::zeros(TensorType::f32(Shape::default()))]));
    assert!(matches!(check().check(&op, &case), Err(GradientError::Element { .. })));
    assert_eq!(check().excluding_outputs([1]).check(&op, &case).unwrap().with_gradient, [0]);
    assert_eq!(check().excluding_outputs([0, 1]).check(&op, &case).unwrap().without_gradient, [0]);
}
