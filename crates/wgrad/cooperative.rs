//! Tests an adapter's cooperative matrices, which are new to drivers and to wgpu, before a plan uses them.

use std::sync::Arc;

use wgrad_core::plan::{Choices, Target};
use wgrad_core::{Array, DType, HostTensor, Lowering, Op, TensorType};
use wgrad_executor::{Checks, Device};
use wgrad_shaders::Matmul;

use crate::error::Error;
use crate::parity;

/// Rows and columns of the products that the test makes: several tiles, and a part of one more, each way.
const ROWS: usize = 80;
const COLUMNS: usize = 100;
/// The terms of their sums, enough that accumulators go through many steps.
const TERMS: usize = 264;

/// Has a device's plans use the cooperative matrices that it has, if products by them agree with the reference. Only the
/// first call takes time, and only where the device has any.
pub(crate) fn test(device: &Device) {
    device.test_cooperative_matrices(|target| {
        [(false, false), (false, true), (true, false), (true, true)].into_iter().try_for_each(|(transpose_lhs, transpose_rhs)| {
            let op: Arc<dyn Op> = Arc::new(Matmul { transpose_lhs, transpose_rhs });
            let lhs = if transpose_lhs { [TERMS, ROWS] } else { [ROWS, TERMS] };
            let rhs = if transpose_rhs { [COLUMNS, TERMS] } else { [TERMS, COLUMNS] };
            check(device, target, &op, &[halves(1, lhs), halves(2, rhs)]).map_err(|error| error.to_string())
        })
    });
}

/// Checks the kernel of an operation that multiplies by the target's cooperative matrices.
fn check(device: &Device, target: &Target, op: &Arc<dyn Op>, inputs: &[Array]) -> Result<(), Error> {
    let kinds: Vec<TensorType> = inputs.iter().map(|input| input.kind.clone()).collect();
    let kernels = match op.lowering(&kinds) {
        Lowering::Kernels(kernels) => kernels,
        _ => Vec::new(),
    };
    let kernel = kernels.iter().find(|kernel| kernel.cooperative.is_some() && target.can_run(kernel));
    let missing =
        || Error::mismatch("cooperative matrices", "some that a kernel is made for", format!("{:?}", target.cooperative));
    let mut choices = Choices::default();
    choices.set(op.as_ref(), &kinds, kernel.ok_or_else(missing)?.candidate);
    parity::check(device, &Target { choices: choices.into(), ..target.clone() }, Checks::Unchecked, op, inputs)
}

/// Numbers between -1 and 1 that f16 holds exactly, neighbours of which differ.
fn halves(seed: usize, dims: [usize; 2]) -> Array {
    let number = |index: usize| ((index * 7919 + seed * 104_729) % 257) as f64 / 128.0 - 1.0;
    let floats = Array::from_fn(dims, number);
    HostTensor::from_array(&Array { kind: TensorType::new(DType::F16, floats.kind.shape.clone()), ..floats }).to_array()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_in_f16_and_neighbours_differ() {
        let Array { data, .. } = halves(1, [ROWS, TERMS]);
        assert!(data.iter().enumerate().all(|(index, &number)| number == ((index * 7919 + 104_729) % 257) as f64 / 128.0 - 1.0));
        assert!((0..data.len() - TERMS).all(|index| data[index] != data[index + 1] && data[index] != data[index + TERMS]));
    }
}
