//! Operations with mistakes that checks have to find.

use std::sync::Arc;

use wgrad::core::{Array, Case, Lowering, Op, Shape, ShapeError, TensorType, Tolerance, View};

/// An operation with another lowering: a planted error.
#[derive(Debug)]
pub struct Planted {
    pub op: Arc<dyn Op>,
    pub lowering: Lowering,
}

impl Op for Planted {
    fn name(&self) -> &'static str {
        self.op.name()
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        self.op.infer(inputs)
    }

    fn operand_view(&self, inputs: &[TensorType], input: usize) -> Option<(View, Shape)> {
        self.op.operand_view(inputs, input)
    }

    fn lowering(&self, _inputs: &[TensorType]) -> Lowering {
        self.lowering.clone()
    }

    /// Where a kernel has one variable for what it reads and writes.
    fn in_place(&self) -> &[(usize, usize)] {
        let Lowering::Kernels(kernels) = &self.lowering else { return &[] };
        let is_written = |variable| kernels.iter().flat_map(|kernel| &kernel.stores).any(|store| store.variable == variable);
        let writes_inputs = kernels.iter().flat_map(|kernel| &kernel.loads).any(|load| is_written(load.variable));
        if writes_inputs { self.op.in_place() } else { &[] }
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        self.op.flops(inputs)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        self.op.reference(inputs, outputs)
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        self.op.tolerance(inputs)
    }

    fn cases(&self) -> Vec<Case> {
        self.op.cases()
    }
}
