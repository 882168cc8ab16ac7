//! Inputs for the cases that operations are tested with: always the same ones, and away from kinks at zero.

use wgrad_core::{Array, Case, DType, HostTensor, Shape, TensorType, Tolerance};

/// The `index`th number of a sequence that looks random: between -1 and 1, and at least 0.05 away from 0.
pub(crate) fn noise(seed: u32, index: usize) -> f64 {
    let bits = scramble(scramble(seed).wrapping_add(index as u32));
    let magnitude = 0.05 + 0.95 * f64::from(bits >> 1) / f64::from(u32::MAX >> 1);
    if bits & 1 == 0 { magnitude } else { -magnitude }
}

/// A tensor of 32-bit floats full of [`noise`].
pub(crate) fn floats(seed: u32, shape: impl Into<Shape>) -> Array {
    Array::from_fn(shape, |index| noise(seed, index))
}

/// The same elements, rounded to 16-bit floats.
pub(crate) fn halves(array: Array) -> Array {
    HostTensor::from_array(&Array { kind: TensorType::new(DType::F16, array.kind.shape), ..array }).to_array()
}

/// A tensor of integers whose element at linear index `i` is `value(i)`.
pub(crate) fn integers(dtype: DType, shape: impl Into<Shape>, value: impl Fn(usize) -> u32) -> Array {
    let kind = TensorType::new(dtype, shape);
    let data = (0..kind.shape.elements()).map(|index| value(index).into()).collect();
    Array { kind, data }
}

/// A differentiable case.
pub(crate) fn case(label: impl Into<String>, inputs: impl Into<Vec<Array>>) -> Case {
    Case { label: label.into(), inputs: inputs.into(), differentiable: true }
}

/// How far a sum of so many terms of magnitude 1 may stray: PyTorch's tolerance of f32, or half the precision of f32
/// for each term with half as much again. The errors of rounding mostly cancel, so that this is some ten times the
/// standard deviation for terms of either sign.
pub(crate) fn tolerance_of_sum(terms: usize) -> Tolerance {
    let default = Tolerance::default();
    let absolute = 1.5 * terms as f64 * f64::from(f32::EPSILON) / 2.0;
    Tolerance { absolute: default.absolute.max(absolute), ..default }
}

/// Workgroups along each dimension for so many of them: none has more than WebGPU's default limit, and their number
/// is that of a row, 65,535, times `y`, plus `x`.
pub(crate) fn grid(workgroups: usize) -> [u32; 3] {
    const LIMIT: usize = 65_535;
    [workgroups.min(LIMIT) as u32, workgroups.div_ceil(LIMIT) as u32, 1]
}

/// A permutation of the 32-bit integers: lowbias32, from Chris Wellons' "Prospecting for Hash Functions".
fn scramble(mut bits: u32) -> u32 {
    bits ^= bits >> 16;
    bits = bits.wrapping_mul(0x7feb_352d);
    bits ^= bits >> 15;
    bits = bits.wrapping_mul(0x846c_a68b);
    bits ^ (bits >> 16)
}

#[cfg(test)]
pub(crate) mod tests {
    use wgrad_core::{Lowering, Op};

    use super::*;

    /// The operation's outputs for these inputs, by its reference.
    pub(crate) fn reference(op: &dyn Op, inputs: &[Array]) -> Vec<Array> {
        let kinds: Vec<TensorType> = inputs.iter().map(|input| input.kind.clone()).collect();
        let mut outputs: Vec<Array> = op.infer(&kinds).unwrap().into_iter().map(Array::zeros).collect();
        op.reference(inputs, &mut outputs);
        outputs
    }

    /// Fails where the fast path on the CPU is missing or strays from the reference in one of the operation's cases.
    pub(crate) fn assert_host_agrees(op: &dyn Op) {
        for case in op.cases() {
            assert!(host_agrees(op, &case), "{}: no fast path", case.label);
        }
    }

    /// Whether there is a fast path for a case. Fails where it strays from the reference.
    fn host_agrees(op: &dyn Op, case: &Case) -> bool {
        let kinds: Vec<TensorType> = case.inputs.iter().map(|input| input.kind.clone()).collect();
        let wanted = reference(op, &case.inputs);
        let inputs: Vec<HostTensor> = case.inputs.iter().map(HostTensor::from_array).collect();
        let mut got: Vec<HostTensor> = wanted.iter().map(|array| HostTensor::zeros(&array.kind)).collect();
        if !op.host(&inputs.iter().collect::<Vec<_>>(), &mut got) {
            return false;
        }
        let tolerance = op.tolerance(&kinds);
        for (output, (wanted, got)) in wanted.iter().zip(&got).enumerate() {
            assert_eq!(wanted.kind, got.kind(), "{}, {}, output {output}", op.name(), case.label);
            for (index, (wanted, got)) in wanted.data.iter().zip(got.to_array().data).enumerate() {
                let allowed = tolerance.absolute + tolerance.relative * wanted.abs();
                let place = format!("{}, {}, output {output}, element {index}", op.name(), case.label);
                let is_same = *wanted == got || (wanted.is_nan() && got.is_nan());
                assert!(is_same || (wanted - got).abs() <= allowed, "{place}: {got}, not {wanted}");
            }
        }
        true
    }

    /// Operations on a few numbers for each example or step, whose reference is fast enough.
    const WITHOUT_FAST_PATH: [&str; 7] =
        ["binary_cross_entropy", "binary_cross_entropy_gradient", "binary_hits", "rescale", "sequence", "shuffle", "tick"];

    #[test]
    fn fast_paths_agree_with_references() {
        for op in crate::examples() {
            let is_fast: Vec<bool> = op.cases().iter().map(|case| host_agrees(op.as_ref(), case)).collect();
            let is_listed = WITHOUT_FAST_PATH.contains(&op.name());
            assert_ne!(is_fast.contains(&true), is_listed, "{}: fast in cases {is_fast:?}", op.name());
        }
    }

    /// Those that see no index are moved to other shapes of the same elements, where they must do the same.
    #[test]
    fn constants_of_pointwise_operations_depend_on_no_shape() {
        for op in crate::examples() {
            let kinds = |case: &Case| case.inputs.iter().map(|input| input.kind.clone()).collect::<Vec<_>>();
            let lowerings = op.cases().into_iter().map(|case| op.lowering(&kinds(&case)));
            let functions = lowerings.filter_map(|lowering| match lowering {
                Lowering::Pointwise(function) if !function.takes_index => Some(function.constants),
                _ => None,
            });
            let mut constants: Vec<_> = functions.collect();
            constants.dedup();
            assert!(constants.len() <= 1, "{} has these for different shapes: {constants:?}", op.name());
        }
    }

    #[test]
    fn noise_stays_in_its_range_and_does_not_repeat() {
        let values: Vec<f64> = (0..10_000).map(|index| noise(7, index)).collect();
        assert!(values.iter().all(|value| (0.05..=1.0).contains(&value.abs())));
        let mean = values.iter().sum::<f64>() / 10_000.0;
        assert!(mean.abs() < 0.03, "the mean is {mean}");
        assert!(values.iter().zip(&values[1..]).all(|(left, right)| left != right));
        assert_ne!(noise(1, 0), noise(2, 0));
    }
}
