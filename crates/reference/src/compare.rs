//! Holds a device's result against the reference.

use thiserror::Error;
use wgrad_core::{Array, DType, HostTensor, TensorType, Tolerance};

/// How a device's tensor differs from the reference.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Mismatch {
    /// The types differ, or the data does not fill the shape.
    #[error("wanted {wanted} with its {} elements, got {got} with {elements}", .wanted.shape.elements())]
    Type {
        /// The reference's type.
        wanted: TensorType,
        /// The device's.
        got: TensorType,
        /// How many elements the device's tensor has.
        elements: usize,
    },

    /// Elements lie further from the reference than is allowed; this one the furthest, as a multiple of what is
    /// allowed.
    #[error("element {index}: wanted {wanted} within {allowed:e}, got {got}; {count} elements differ")]
    Element {
        /// Its linear index.
        index: usize,
        /// The reference.
        wanted: f64,
        /// The device's value.
        got: f64,
        /// How far it might have been from the reference.
        allowed: f64,
        /// How many elements are too far from the reference.
        count: usize,
    },
}

/// Checks that every element lies within `tolerance` of the reference. Integers must be equal.
///
/// NaN is equal to NaN and to nothing else; infinity likewise, where a reference beyond the range of f32 counts as
/// infinite.
///
/// # Errors
/// The worst element, or the types where they differ.
///
/// ```
/// use wgrad_core::{Array, HostTensor, Shape, Tolerance};
/// use wgrad_reference::{Mismatch, compare};
///
/// let wanted = Array::from_fn([3], |i| i as f64);
/// let close = HostTensor::F32(Shape::from([3]), vec![0.0, 1.000001, 2.0]);
/// assert_eq!(compare(&close, &wanted, Tolerance::default()), Ok(()));
///
/// let broken = HostTensor::F32(Shape::from([3]), vec![0.0, 1.5, f32::NAN]);
/// let mismatch = compare(&broken, &wanted, Tolerance::default());
/// assert!(matches!(mismatch, Err(Mismatch::Element { index: 2, count: 2, .. })));
/// ```
pub fn compare(got: &HostTensor, wanted: &Array, tolerance: Tolerance) -> Result<(), Mismatch> {
    let values = got.to_array();
    if values.kind != wanted.kind || values.data.len() != wanted.data.len() {
        let elements = values.data.len();
        return Err(Mismatch::Type { wanted: wanted.kind.clone(), got: values.kind, elements });
    }
    let pairs = wanted.data.iter().zip(&values.data);
    let allowed = |wanted: f64| match values.kind.dtype {
        DType::F32 | DType::F16 => tolerance.absolute + tolerance.relative * wanted.abs(),
        DType::U32 | DType::U8 => 0.0,
    };
    let excesses = pairs.clone().map(|(&wanted, &got)| excess(wanted, got, allowed(wanted)));
    let count = excesses.clone().filter(|&excess| excess > 1.0).count();
    let worst = excesses.enumerate().max_by(|(_, left), (_, right)| left.total_cmp(right));
    let Some((index, _)) = worst.filter(|&(_, excess)| excess > 1.0) else {
        return Ok(());
    };
    let (wanted, got) = (wanted.data[index], values.data[index]);
    Err(Mismatch::Element { index, wanted, got, allowed: allowed(wanted), count })
}

/// The distance between two values as a multiple of what is allowed: infinite where only one is NaN or infinite.
fn excess(wanted: f64, got: f64, allowed: f64) -> f64 {
    if got == wanted || got == f64::from(wanted as f32) || (got.is_nan() && wanted.is_nan()) {
        return 0.0;
    }
    let excess = (got - wanted).abs() / allowed;
    if excess.is_finite() { excess } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use wgrad_core::Shape;

    use super::*;

    const TOLERANCE: Tolerance = Tolerance { absolute: 0.01, relative: 0.1 };

    fn reference(data: &[f64]) -> Array {
        Array { kind: TensorType::f32([data.len()]), data: data.to_vec() }
    }

    fn device(data: &[f32]) -> HostTensor {
        HostTensor::F32(Shape::from([data.len()]), data.to_vec())
    }

    #[test]
    fn the_element_furthest_beyond_its_own_tolerance_is_named() {
        // 100 may be 10.01 off and is 12 off; 0 may be 0.01 off and is 0.05 off, which is worse.
        let mismatch = compare(&device(&[1.0, 112.0, 0.05]), &reference(&[1.0, 100.0, 0.0]), TOLERANCE);
        let Err(Mismatch::Element { index, count, allowed, .. }) = mismatch else { panic!("{mismatch:?}") };
        assert_eq!((index, count, allowed), (2, 2, 0.01));
    }

    #[test]
    fn absolute_and_relative_tolerance_add_up() {
        assert_eq!(compare(&device(&[110.005]), &reference(&[100.0]), TOLERANCE), Ok(()));
        assert!(compare(&device(&[110.02]), &reference(&[100.0]), TOLERANCE).is_err());
    }

    #[test]
    fn nan_and_infinity_match_only_themselves() {
        let (nan, infinity) = (f64::NAN, f64::INFINITY);
        assert_eq!(compare(&device(&[f32::NAN, f32::INFINITY]), &reference(&[nan, infinity]), TOLERANCE), Ok(()));
        assert_eq!(compare(&device(&[f32::INFINITY]), &reference(&[1e39]), TOLERANCE), Ok(()));
        for (got, wanted) in [(f32::NAN, 0.0), (0.0, nan), (f32::INFINITY, 1.0), (1.0, infinity), (f32::NAN, infinity)] {
            assert!(compare(&device(&[got]), &reference(&[wanted]), TOLERANCE).is_err(), "{got} for {wanted}");
        }
        assert!(compare(&device(&[f32::NEG_INFINITY]), &reference(&[infinity]), TOLERANCE).is_err());
    }

    #[test]
    fn integers_must_be_equal() {
        let wanted = Array { kind: TensorType::u32([1]), data: vec![1e6] };
        assert!(compare(&HostTensor::U32(Shape::from([1]), vec![1_000_001]), &wanted, TOLERANCE).is_err());
        assert_eq!(compare(&HostTensor::U32(Shape::from([1]), vec![1_000_000]), &wanted, TOLERANCE), Ok(()));
    }

    #[test]
    fn other_shapes_types_and_lengths_are_rejected() {
        let wanted = reference(&[0.0, 0.0]);
        let others = [
            HostTensor::F32(Shape::from([2, 1]), vec![0.0; 2]),
            HostTensor::U32(Shape::from([2]), vec![0; 2]),
            HostTensor::F32(Shape::from([2]), vec![0.0]),
        ];
        for other in others {
            assert!(matches!(compare(&other, &wanted, TOLERANCE), Err(Mismatch::Type { .. })), "{other:?}");
        }
    }
}
