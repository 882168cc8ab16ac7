//! Where the largest element of each row is: [`torch.argmax`] along the last axis. The first of several equal ones;
//! the first NaN where there is one. Indices have no gradient.
//!
//! [`torch.argmax`]: https://docs.pytorch.org/docs/stable/generated/torch.argmax.html

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lanes, Lowering, Op, ShapeError, StoreHook, TensorType, Tolerance, Value,
};

use crate::cases::{case, floats};
use crate::rowwise::{RowKernels, load_four};

/// The operation of [`argmax()`].
#[derive(Clone, Debug)]
pub struct Argmax;

/// The index of the largest element along the last axis of `input`, f32 `[..., c]`: u32 `[...]`.
///
/// # Errors
/// Where the input is not of f32, is a scalar or has no columns.
pub fn argmax(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Argmax, &[input])
}

impl Op for Argmax {
    fn name(&self) -> &'static str {
        "argmax"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [input] = inputs
            && let (DType::F32, [rows @ .., columns]) = (input.dtype, input.shape.dims())
            && *columns > 0
        {
            return Ok(vec![TensorType::u32(rows.to_vec())]);
        }
        Err(ShapeError::new("f32[..., c] of 1 column or more", inputs))
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let kernels = RowKernels {
            source: include_str!("argmax.wgsl"),
            entry: "argmax",
            serial: "argmax_serial",
            serial_rows: 1,
            constants: ["argmax_strands", "argmax_rows"],
            stores_rows: false,
        };
        let store = StoreHook { variable: "argmax_output", function: Some(("argmax_store", Lanes::One)) };
        let loads = vec![load_four("argmax_input", "argmax_load")];
        Lowering::Kernels(kernels.kernels(&inputs[0].shape, loads, vec![store]))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let rows = inputs[0].data.chunks_exact(inputs[0].kind.shape.columns());
        for (place, row) in outputs[0].data.iter_mut().zip(rows) {
            let is_better = |x: f64, best: f64| x > best || (x.is_nan() && !best.is_nan());
            *place = (1..row.len()).fold(0, |best, index| if is_better(row[index], row[best]) { index } else { best }) as f64;
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, input)], [HostTensor::U32(_, output)]) = (inputs, outputs) else { return false };
        for (place, row) in output.iter_mut().zip(input.chunks_exact(shape.columns())) {
            let is_better = |x: f32, best: f32| x > best || (x.is_nan() && !best.is_nan());
            *place = (1..row.len()).fold(0, |best, index| if is_better(row[index], row[best]) { index } else { best }) as u32;
        }
        true
    }

    fn tolerance(&self, _inputs: &[TensorType]) -> Tolerance {
        Tolerance { absolute: 0.0, relative: 0.0 }
    }

    fn cases(&self) -> Vec<Case> {
        let special = |label, values: &[f64]| {
            let columns = values.len();
            case(label, [Array::from_fn([5, columns], |index| values[(index + index / columns) % columns])])
        };
        let cases = [
            case("digits", [floats(1, [64, 10])]),
            case("rows of 13", [floats(2, [7, 13])]),
            case("one column", [floats(3, [257, 1])]),
            case("one long row", [floats(4, [1, 1025])]),
            case("a vector", [floats(5, [255])]),
            case("three axes", [floats(6, [3, 5, 8])]),
            case("no rows", [floats(7, [0, 4])]),
            special("equal numbers", &[0.5; 9]),
            special("zeros of both signs", &[-0.0, 0.0, -1.0, 0.0, -0.0]),
            case("a tie in a long row", [Array::from_fn([1, 2051], |index| f64::from(index % 1024 == 5))]),
            special("extremes", &[-1e30, -3e38, -1e30, -2e38]),
            special("two largest", &[1.0, 2.0, -1.0, 2.0, 0.0, 2.0, -3.0]),
        ];
        cases.map(|case| Case { differentiable: false, ..case }).to_vec()
    }
}

/// It has no attributes.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Argmax)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    #[test]
    fn names_the_first_of_the_largest() {
        let data = vec![1.0, 3.0, 3.0, f64::NAN, 5.0, f64::NAN];
        let output = &reference(&Argmax, &[Array { kind: TensorType::f32([2, 3]), data }])[0];
        assert_eq!((&output.kind, output.data.as_slice()), (&TensorType::u32([2]), &[1.0, 0.0][..]));
        assert_host_agrees(&Argmax);
    }

    #[test]
    fn refuses_rows_without_elements() {
        let error = Argmax.infer(&[TensorType::f32([3, 0])]).unwrap_err();
        assert_eq!(error.to_string(), "wanted f32[..., c] of 1 column or more, got f32[3, 0]");
        assert!(Argmax.infer(&[TensorType::f32([])]).is_err());
        assert!(Argmax.infer(&[TensorType::u32([3])]).is_err());
    }
}
