//! What activations, losses and updates of tensors of one shape have in common.

use std::fmt::Display;

use wgrad_core::{Array, DType, HostTensor, ShapeError, TensorType};

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

/// Fails unless `holds`, with what an operation wants of an attribute and what it got.
pub(crate) fn check_attribute(holds: bool, wanted: &str, got: impl Display) -> Result<(), ShapeError> {
    if holds { Ok(()) } else { Err(ShapeError { wanted: wanted.to_owned(), got: got.to_string() }) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_tensors_and_numbers() {
        let [tensor, pair] = [vec![4], vec![2]].map(TensorType::f32);
        let error = shared_type(&[tensor.clone(), pair], &["parameter"], &["scale"]).unwrap_err();
        assert_eq!(error.to_string(), "wanted f32 of one shape (parameter) and single f32 numbers (scale), got f32[4], f32[2]");
        assert_eq!(shared_type(&[tensor.clone(), TensorType::f32([1])], &["parameter"], &["scale"]), Ok(tensor));
    }
}
