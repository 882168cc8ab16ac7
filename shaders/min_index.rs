//! The smaller of an index and a limit, element by element, for u32 tensors of any shape: keeps the look-up of a step in
//! a table at the table's last entry. There is no gradient.

use std::sync::Arc;

use wgrad_core::{Array, Case, DType, Function, Graph, GraphError, Literal, Lowering, Op, ShapeError, TensorType, Value};

use crate::cases::{case, integers};
use crate::relu::map_reference;

/// See [`min_index`].
#[derive(Clone, Copy, Debug)]
pub struct MinIndex {
    /// The largest result.
    pub limit: u32,
}

/// `min(x, limit)` of each element of a u32 tensor.
///
/// # Errors
/// Where the input is not u32.
pub fn min_index(graph: &mut Graph, input: Value, limit: u32) -> Result<Value, GraphError> {
    graph.apply_one(MinIndex { limit }, &[input])
}

impl Op for MinIndex {
    fn name(&self) -> &'static str {
        "min_index"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        match inputs {
            [input] if input.dtype == DType::U32 => Ok(vec![input.clone()]),
            _ => Err(ShapeError::new("one u32 tensor", inputs)),
        }
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        let function = Function::new(include_str!("min_index.wgsl"), "min_index");
        Lowering::Pointwise(function.with_constants([Literal::U32(self.limit)]))
    }

    fn flops(&self, _: &[TensorType]) -> u64 {
        0
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        map_reference(inputs, outputs, |index| index.min(self.limit.into()));
    }

    fn cases(&self) -> Vec<Case> {
        let ascending = [vec![], vec![1], vec![255], vec![257], vec![7, 13], vec![0]]
            .map(|shape| case(format!("shape {shape:?}"), [integers(DType::U32, shape, |index| index as u32)]));
        let largest = case("largest", [integers(DType::U32, [5], |index| u32::MAX - index as u32)]);
        ascending.into_iter().chain([largest]).map(|case| Case { differentiable: false, ..case }).collect()
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(MinIndex { limit: 100 })]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn stays_at_the_limit() {
        let steps = integers(DType::U32, [4], |index| [0, 2, 3, u32::MAX][index]);
        assert_eq!(reference(&MinIndex { limit: 2 }, &[steps])[0].data, [0.0, 2.0, 2.0, 2.0]);
    }

    #[test]
    fn refuses_floats() {
        assert_eq!(MinIndex { limit: 2 }.infer(&[TensorType::f32([4])]).unwrap_err().got, "f32[4]");
    }
}
