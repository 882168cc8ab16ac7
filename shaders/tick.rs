//! The clock of a training: counts steps, and remembers that one was not to count.
//!
//! Of a clock, u32 `[4]` of step, position, update and stop, and `scale`, a single f32, it makes the clock after the step:
//! where `scale > 0` the counts advance as asked for and stop stays, else they stay and stop is 1. The scale is the one
//! that the updates take, so that a step counts where it changes parameters.

use std::sync::Arc;

use wgrad_core::{Array, Case, DType, Function, Graph, GraphError, Literal, Lowering, Op, ShapeError, TensorType, Value};

use crate::cases::{case, integers};

/// See [`tick`].
#[derive(Clone, Copy, Debug)]
pub struct Tick {
    /// Which counts advance.
    pub advance: Advance,
}

/// Which of a clock's counts a step advances by 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advance {
    /// That of all steps.
    pub step: bool,
    /// That of the steps over these data.
    pub position: bool,
    /// That of the updates.
    pub update: bool,
}

/// The clock after a step.
///
/// `clock` is u32 `[4]`: step, position, update, and stop, which is 1 once a scale was not positive. `scale` is a single
/// f32. Counts wrap at 2^32.
///
/// # Errors
/// Where the inputs are others.
pub fn tick(graph: &mut Graph, clock: Value, scale: Value, advance: Advance) -> Result<Value, GraphError> {
    graph.apply_one(Tick { advance }, &[clock, scale])
}

impl Tick {
    /// What is added to each word.
    fn increments(self) -> [u32; 4] {
        let Advance { step, position, update } = self.advance;
        [step.into(), position.into(), update.into(), 0]
    }
}

impl Op for Tick {
    fn name(&self) -> &'static str {
        "tick"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        let is_number = |kind: &TensorType| kind.dtype == DType::F32 && kind.shape.elements() == 1;
        match inputs {
            [clock, scale] if *clock == TensorType::u32([4]) && is_number(scale) => Ok(vec![clock.clone()]),
            _ => Err(ShapeError::new("a clock u32[4] and a single f32 (scale)", inputs)),
        }
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        let [step, position, update, _] = self.increments().map(Literal::U32);
        Lowering::Pointwise(Function::new(include_str!("tick.wgsl"), "tick").with_constants([step, position, update]))
    }

    fn in_place(&self) -> &[(usize, usize)] {
        &[(0, 0)]
    }

    fn flops(&self, _: &[TensorType]) -> u64 {
        3
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let ([clock, scale], [next]) = (inputs, outputs) else { return };
        let runs = scale.data[0] > 0.0;
        for ((next, word), increment) in next.data.iter_mut().zip(&clock.data).zip(self.increments()) {
            *next = (*word as u32).wrapping_add(if runs { increment } else { 0 }).into();
        }
        if !runs {
            next.data[3] = 1.0;
        }
    }

    fn cases(&self) -> Vec<Case> {
        let with = |label: &str, clock: [u32; 4], scale: f64| {
            let clock = integers(DType::U32, [4], |index| clock[index]);
            Case { differentiable: false, ..case(label, [clock, Array::from_fn([], |_| scale)]) }
        };
        vec![
            with("runs", [7, 3, 5, 0], 1.0),
            with("runs although it was stopped", [7, 3, 5, 1], 0.5),
            with("stops", [7, 3, 5, 0], 0.0),
            with("stops at a negative scale", [7, 3, 5, 0], -1.0),
            with("wraps", [u32::MAX, 3, u32::MAX, 0], 1.0),
        ]
    }
}

/// A step with an update, and one without.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    [true, false].map(|update| Arc::new(Tick { advance: Advance { step: true, position: true, update } }) as Arc<dyn Op>).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    const ALL: Tick = Tick { advance: Advance { step: true, position: true, update: true } };

    #[test]
    fn counts_steps_and_keeps_the_flag() {
        let results = ALL.cases().into_iter().map(|case| reference(&ALL, &case.inputs)[0].data.clone()).collect::<Vec<_>>();
        let stopped = [7.0, 3.0, 5.0, 1.0];
        assert_eq!(results, [[8.0, 4.0, 6.0, 0.0], [8.0, 4.0, 6.0, 1.0], stopped, stopped, [0.0, 4.0, 0.0, 0.0]]);
    }

    #[test]
    fn counts_what_it_is_told_to() {
        let op = Tick { advance: Advance { position: false, ..ALL.advance } };
        assert_eq!(reference(&op, &ALL.cases()[0].inputs)[0].data, [8.0, 3.0, 6.0, 0.0]);
    }

    #[test]
    fn stops_at_nan() {
        let inputs = [ALL.cases()[0].inputs[0].clone(), Array::from_fn([], |_| f64::NAN)];
        assert_eq!(reference(&ALL, &inputs)[0].data, [7.0, 3.0, 5.0, 1.0]);
    }

    #[test]
    fn refuses_other_clocks() {
        let error = ALL.infer(&[TensorType::u32([3]), TensorType::f32([])]).unwrap_err();
        assert_eq!(error.to_string(), "wanted a clock u32[4] and a single f32 (scale), got u32[3], f32[]");
        assert!(ALL.infer(&[TensorType::u32([4]), TensorType::u32([])]).is_err());
    }
}
