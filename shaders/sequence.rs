//! The indices of a step's batch in the order of the data set, for evaluation: `[count]` u32 of a single u32 (step).
//!
//! Element `i` is `(step mod steps) * batch_size + i`, where an epoch has `steps = ceil(length / batch_size)`; what
//! would lie beyond the end is `length - 1`.

use std::sync::Arc;

use wgrad_core::{Array, Case, DType, Function, Graph, GraphError, Literal, Lowering, Op, ShapeError, TensorType, Value};

use crate::cases::{case, integers};

/// See [`sequence`].
#[derive(Clone, Copy, Debug)]
pub struct Sequence {
    /// How many items the data set has.
    pub length: usize,
    /// How many of them a full batch has.
    pub batch_size: usize,
    /// How many indices are made: fewer than the batch size for a short last batch.
    pub count: usize,
}

/// The first `count` indices of the batch that `step`, a single u32, takes from a data set of `length` items in order.
///
/// # Errors
/// Where `step` is not a single u32, the data set or the batch is empty, `count` is above the batch size, or the sum of
/// length and batch size is not below 2^32.
pub fn sequence(graph: &mut Graph, step: Value, length: usize, batch_size: usize, count: usize) -> Result<Value, GraphError> {
    graph.apply_one(Sequence { length, batch_size, count }, &[step])
}

impl Sequence {
    /// Steps in an epoch.
    pub(crate) fn steps(&self) -> u32 {
        self.length.div_ceil(self.batch_size) as u32
    }

    /// The index of element `element` of a step's batch.
    pub(crate) fn position(&self, step: u32, element: usize) -> u32 {
        let first = (step % self.steps()) as usize * self.batch_size;
        (first + element).min(self.length - 1) as u32
    }

    /// The constants that the kernels of this and of [`shuffle`](crate::shuffle) begin with.
    pub(crate) fn constants(&self) -> Vec<Literal> {
        [self.length as u32, self.batch_size as u32, self.steps()].map(Literal::U32).into()
    }
}

impl Op for Sequence {
    fn name(&self) -> &'static str {
        "sequence"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        let fits = self.length.checked_add(self.batch_size).is_some_and(|sum| u32::try_from(sum).is_ok());
        if self.length == 0 || self.batch_size == 0 || self.count > self.batch_size || !fits {
            let wanted = "a length and a batch size from 1, below 2^32 together, and a count up to the batch size";
            let got = format!("length {}, batch size {}, count {}", self.length, self.batch_size, self.count);
            return Err(ShapeError { wanted: wanted.to_owned(), got });
        }
        match inputs {
            [step] if is_step(step) => Ok(vec![TensorType::u32([self.count])]),
            _ => Err(ShapeError::new("a single u32 (step)", inputs)),
        }
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        let function = Function::new(include_str!("sequence.wgsl"), "sequence").of_one_lane().with_index();
        Lowering::Pointwise(function.with_constants(self.constants()))
    }

    fn flops(&self, _: &[TensorType]) -> u64 {
        0
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let ([step], [output]) = (inputs, outputs) else { return };
        let step = step.data[0] as u32;
        for (element, index) in output.data.iter_mut().enumerate() {
            *index = self.position(step, element).into();
        }
    }

    fn cases(&self) -> Vec<Case> {
        step_cases(self.steps())
    }
}

/// Whether it is the type of a step: a single u32, of any rank.
pub(crate) fn is_step(kind: &TensorType) -> bool {
    kind.dtype == DType::U32 && kind.shape.elements() == 1
}

/// The first and last steps of epochs of `steps` steps.
pub(crate) fn step_cases(steps: u32) -> Vec<Case> {
    [0, 1, steps - 1, steps, 2 * steps + 1, u32::MAX]
        .map(|step| case(format!("step {step}"), [integers(DType::U32, [], |_| step)]))
        .map(|case| Case { differentiable: false, ..case })
        .into()
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![
        Arc::new(Sequence { length: 1_000, batch_size: 64, count: 64 }),
        Arc::new(Sequence { length: 1_000, batch_size: 64, count: 40 }),
        Arc::new(Sequence { length: 3, batch_size: 7, count: 7 }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn goes_through_the_data_set_in_order_and_starts_again() {
        let batches = |step: u32| {
            let op = Sequence { length: 10, batch_size: 4, count: 4 };
            reference(&op, &[integers(DType::U32, [], |_| step)])[0].data.clone()
        };
        assert_eq!(batches(0), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(batches(2), [8.0, 9.0, 9.0, 9.0]);
        assert_eq!(batches(4), [4.0, 5.0, 6.0, 7.0]);
    }

    #[test]
    fn refuses_batches_that_cannot_be_made() {
        let op = Sequence { length: 10, batch_size: 4, count: 4 };
        let infer = |op: Sequence| op.infer(&[TensorType::u32([1])]);
        assert_eq!(infer(op), Ok(vec![TensorType::u32([4])]));
        assert_eq!(infer(Sequence { count: 5, ..op }).unwrap_err().got, "length 10, batch size 4, count 5");
        assert!(infer(Sequence { length: 0, ..op }).is_err());
        assert!(infer(Sequence { batch_size: 0, count: 0, ..op }).is_err());
        assert!(infer(Sequence { length: u32::MAX as usize - 3, ..op }).is_err());
        assert!(op.infer(&[TensorType::f32([])]).is_err());
    }
}
