//! Hits of classification with one-hot targets: 1 for each row where the first largest of the outputs stands where the
//! first largest of the targets does, else 0. There is no gradient.
//!
//! A row with NaN means nothing.

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Kernel, Lanes, LoadHook, Lowering, Op, ShapeError, StoreHook, TensorType,
    Tolerance, Value,
};

use crate::cases::{case, floats, grid, noise};

/// The operation of [`class_hits()`].
#[derive(Clone, Copy, Debug)]
pub struct ClassHits;

/// Rows that a workgroup handles.
const ROWS: usize = 64;

/// Compares `outputs`, probabilities or logits, with one-hot `targets`, both f32 `[b, c]`: f32 `[b]`, whose mean is the
/// accuracy.
///
/// # Errors
/// Where the inputs are no f32 matrices of one shape with columns.
pub fn class_hits(graph: &mut Graph, outputs: Value, targets: Value) -> Result<Value, GraphError> {
    graph.apply_one(ClassHits, &[outputs, targets])
}

impl Op for ClassHits {
    fn name(&self) -> &'static str {
        "class_hits"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if let [outputs, targets] = inputs
            && let (DType::F32, &[rows, columns]) = (outputs.dtype, outputs.shape.dims())
            && outputs == targets
            && columns > 0
        {
            return Ok(vec![TensorType::f32([rows])]);
        }
        Err(ShapeError::new("outputs and targets f32[b, c] of 1 class or more", inputs))
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let shape = &inputs[0].shape;
        let load = |variable, function| LoadHook { variable, function: Some((function, Lanes::Four)), row: None };
        Lowering::Kernels(vec![Kernel {
            candidate: "class_hits",
            source: include_str!("class_hits.wgsl"),
            entry: "class_hits",
            class: None,
            cooperative: None,
            dims: vec![shape.rows() as u32, shape.columns() as u32],
            constants: Vec::new(),
            workgroups: grid(shape.rows().div_ceil(ROWS)),
            rounds: shape.columns().div_ceil(4) as u64,
            loads: vec![
                load("class_hits_outputs", "class_hits_load_outputs"),
                load("class_hits_targets", "class_hits_load_targets"),
            ],
            stores: vec![StoreHook { variable: "class_hits_hits", function: Some(("class_hits_store", Lanes::One)) }],
            sums: Vec::new(),
        }])
    }

    /// A comparison for each number.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        inputs.iter().map(|input| input.shape.elements() as u64).sum()
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let columns = inputs[0].kind.shape.columns();
        let rows = inputs[0].data.chunks_exact(columns).zip(inputs[1].data.chunks_exact(columns));
        for (hit, (outputs, targets)) in outputs[0].data.iter_mut().zip(rows) {
            *hit = if first_largest(outputs) == first_largest(targets) { 1.0 } else { 0.0 };
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, values), HostTensor::F32(_, targets)], [HostTensor::F32(_, hits)]) = (inputs, outputs)
        else {
            return false;
        };
        let rows = values.chunks_exact(shape.columns()).zip(targets.chunks_exact(shape.columns()));
        for (hit, (values, targets)) in hits.iter_mut().zip(rows) {
            *hit = if first_largest(values) == first_largest(targets) { 1.0 } else { 0.0 };
        }
        true
    }

    fn tolerance(&self, _: &[TensorType]) -> Tolerance {
        Tolerance { absolute: 0.0, relative: 0.0 }
    }

    fn cases(&self) -> Vec<Case> {
        let sized = |rows: usize, columns: usize| {
            let one_hot =
                Array::from_fn(
                    [rows, columns],
                    |index| {
                        if index % columns == (index / columns) * 7 % columns { 1.0 } else { 0.0 }
                    },
                );
            case(format!("[{rows}, {columns}]"), [floats(columns as u32, [rows, columns]), one_hot])
        };
        let equal = Array::from_fn([6, 9], |index| if index % 4 == 1 { 2.0 } else { -1.0 });
        let negative = Array::from_fn([6, 9], |index| -2.0 - noise(3, index));
        let sizes = [[1, 1], [64, 10], [7, 8], [65, 3], [1, 257], [6, 9], [0, 10]].map(|[rows, columns]| sized(rows, columns));
        let special = [case("several largest", [equal.clone(), equal]), case("all negative", [negative.clone(), negative])];
        sizes.into_iter().chain(special).map(|case| Case { differentiable: false, ..case }).collect()
    }
}

/// Where the largest number first stands.
fn first_largest<T: PartialOrd>(row: &[T]) -> usize {
    (1..row.len()).fold(0, |first, index| if row[index] > row[first] { index } else { first })
}

/// It has no attributes.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(ClassHits)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn the_first_of_several_largest_counts() {
        let outputs = [0.1, 0.7, 0.2, 0.4, 0.4, 0.2, 0.4, 0.4, 0.2];
        let targets = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        let inputs = [outputs, targets].map(|data| Array::from_fn([3, 3], |index| data[index]));
        assert_eq!(reference(&ClassHits, &inputs)[0].data, [1.0, 1.0, 0.0]);
    }

    #[test]
    fn refuses_labels() {
        let error = ClassHits.infer(&[TensorType::f32([4, 10]), TensorType::f32([4])]).unwrap_err();
        assert!(error.to_string().ends_with("got f32[4, 10], f32[4]"), "{error}");
        assert!(ClassHits.infer(&[TensorType::f32([4, 0]), TensorType::f32([4, 0])]).is_err());
    }
}
