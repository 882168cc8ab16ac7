//! What activations, losses and updates of tensors of one shape have in common.

use wgrad_core::{Array, Case, DType, HostTensor, ShapeError, TensorType, Tolerance};

use crate::cases::{case, floats};

/// The type of f32 tensors that all have one shape, as many as there are names in `tensors`, which are followed by
/// single f32 numbers, of any rank, as many as in `numbers`.
pub(crate) fn shared_type(inputs: &[TensorType], tensors: &[&str], numbers: &[&str]) -> Result<TensorType, ShapeError> {
    let is_number = |kind: &TensorType| kind.dtype == DType::F32 && kind.shape.elements() == 1;
    if let Some(([first, others @ ..], rest)) = inputs.split_at_checked(tensors.len())
        && first.dtype == DType::F32
        && others.iter().all(|other| other == first)
        && rest.len() == numbers.len()
        && rest.iter().all(is_number)
    {
        return Ok(first.clone());
    }
    let mut wanted = format!("f32 of one shape ({})", tensors.join(", "));
    if !numbers.is_empty() {
        wanted += &format!(" and single f32 numbers ({})", numbers.join(", "));
    }
    Err(ShapeError::new(wanted, inputs))
}

/// The operations where each element of the first input takes `count`.
pub(crate) fn flops_of_each(inputs: &[TensorType], count: u64) -> u64 {
    inputs.first().map_or(0, |kind| kind.shape.elements() as u64 * count)
}

/// Maps each element of the only input.
pub(crate) fn map_reference(inputs: &[Array], outputs: &mut [Array], map: impl Fn(f64) -> f64) {
    if let ([input], [output]) = (inputs, outputs) {
        output.data.iter_mut().zip(&input.data).for_each(|(output, &x)| *output = map(x));
    }
}

/// Combines each two elements of two inputs of one shape.
pub(crate) fn zip_reference(inputs: &[Array], outputs: &mut [Array], combine: impl Fn(f64, f64) -> f64) {
    if let ([left, right], [output]) = (inputs, outputs) {
        let elements = output.data.iter_mut().zip(left.data.iter().zip(&right.data));
        elements.for_each(|(output, (&left, &right))| *output = combine(left, right));
    }
}

/// As [`map_reference`], in single precision.
pub(crate) fn map_host(inputs: &[&HostTensor], outputs: &mut [HostTensor], map: impl Fn(f32) -> f32) -> bool {
    let ([HostTensor::F32(_, input)], [HostTensor::F32(_, output)]) = (inputs, outputs) else { return false };
    output.iter_mut().zip(input).for_each(|(output, &x)| *output = map(x));
    true
}

/// As [`zip_reference`], in single precision.
pub(crate) fn zip_host(inputs: &[&HostTensor], outputs: &mut [HostTensor], combine: impl Fn(f32, f32) -> f32) -> bool {
    let ([HostTensor::F32(_, left), HostTensor::F32(_, right)], [HostTensor::F32(_, output)]) = (inputs, outputs) else {
        return false;
    };
    let elements = output.iter_mut().zip(left.iter().zip(right));
    elements.for_each(|(output, (&left, &right))| *output = combine(left, right));
    true
}

/// Four units in the last place of f32, and an absolute 1e-9 for what adapters may flush to zero: relative precision
/// down to small values is what an activation near zero must keep.
pub(crate) fn activation_tolerance() -> Tolerance {
    Tolerance { absolute: 1e-9, relative: 4.0 * f64::from(f32::EPSILON) }
}

/// One input: awkward sizes, and extremes of which nothing may become NaN.
pub(crate) fn activation_cases() -> Vec<Case> {
    const EXTREMES: [f64; 19] = [
        0.0, -0.0, 1e-30, -1e-30, 1e-4, -1e-4, 0.999, 1.0, -1.001, 10.0, -10.0, 20.0, -20.0, 88.0, -88.0, 100.0, -100.0, 1e30,
        -1e30,
    ];
    let mut cases: Vec<Case> = [1, 255, 257].map(|elements| case(format!("{elements} elements"), [floats(1, [elements])])).into();
    let extremes = case("extremes", [Array::from_fn([EXTREMES.len()], |index| EXTREMES[index])]);
    cases.extend([
        case("rows of 13", [floats(2, [7, 13])]),
        case("empty", [floats(3, [0])]),
        Case { differentiable: false, ..extremes },
    ]);
    cases
}

/// An upstream gradient and an output between -1 and 1, of awkward sizes, and with these outputs. Gradients have no
/// gradient of their own.
pub(crate) fn activation_gradient_cases(outputs: &[f64]) -> Vec<Case> {
    let sizes = [vec![1], vec![255], vec![257], vec![7, 13], vec![0]];
    let mut cases: Vec<Case> =
        sizes.map(|shape| case(format!("shape {shape:?}"), [floats(4, shape.clone()), floats(5, shape)])).into();
    let extremes = Array::from_fn([outputs.len()], |index| outputs[index]);
    cases.push(case("extremes", [floats(6, [outputs.len()]), extremes]));
    cases.into_iter().map(|case| Case { differentiable: false, ..case }).collect()
}
