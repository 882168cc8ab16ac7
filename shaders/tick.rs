//! The clock of a training: counts the steps that update something, and remembers that one did not.
//!
//! Of `step` and `stop`, single u32, and `scale`, a single f32, it makes `(step + 1, stop)` where `scale > 0`, else
//! `(step, 1)`. The scale is the one that the updates take, so that a step counts where it changes parameters.

use std::sync::Arc;

use wgrad_core::{Array, Case, DType, Function, Graph, GraphError, Lowering, Op, ShapeError, TensorType, Value};

use crate::cases::{case, integers};
use crate::sequence::is_step;

/// See [`tick`].
#[derive(Clone, Copy, Debug)]
pub struct Tick;

/// The next step and stop flag.
///
/// `step` and `stop` are single u32 of one shape, `scale` is a single f32. Both results have the step's type.
///
/// # Errors
/// Where the inputs are others.
pub fn tick(graph: &mut Graph, step: Value, stop: Value, scale: Value) -> Result<[Value; 2], GraphError> {
    graph.apply(Tick, &[step, stop, scale]).map(|outputs| [outputs[0], outputs[1]])
}

impl Op for Tick {
    fn name(&self) -> &'static str {
        "tick"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        let is_number = |kind: &TensorType| kind.dtype == DType::F32 && kind.shape.elements() == 1;
        match inputs {
            [step, stop, scale] if is_step(step) && stop == step && is_number(scale) => Ok(vec![step.clone(); 2]),
            _ => Err(ShapeError::new("two single u32 of one shape (step, stop) and a single f32 (scale)", inputs)),
        }
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(include_str!("tick.wgsl"), "tick").of_one_lane())
    }

    fn in_place(&self) -> &[(usize, usize)] {
        &[(0, 0), (1, 1)]
    }

    fn flops(&self, _: &[TensorType]) -> u64 {
        1
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let ([step, stop, scale], [next_step, next_stop]) = (inputs, outputs) else { return };
        let runs = scale.data[0] > 0.0;
        next_step.data[0] = (step.data[0] as u32).wrapping_add(runs.into()).into();
        next_stop.data[0] = if runs { stop.data[0] } else { 1.0 };
    }

    fn cases(&self) -> Vec<Case> {
        let with = |label: &str, step: u32, stop: u32, scale: f64| {
            let [step, stop] = [step, stop].map(|value| integers(DType::U32, [], |_| value));
            Case { differentiable: false, ..case(label, [step, stop, Array::from_fn([], |_| scale)]) }
        };
        vec![
            with("runs", 7, 0, 1.0),
            with("runs although it was stopped", 7, 1, 0.5),
            with("stops", 7, 0, 0.0),
            with("stops at a negative scale", 7, 0, -1.0),
            with("wraps", u32::MAX, 0, 1.0),
        ]
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Tick)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    /// The next step and flag.
    fn next(inputs: &[Array]) -> Vec<f64> {
        reference(&Tick, inputs).into_iter().flat_map(|output| output.data).collect()
    }

    #[test]
    fn counts_steps_and_keeps_the_flag() {
        let results = Tick.cases().iter().map(|case| next(&case.inputs)).collect::<Vec<_>>();
        assert_eq!(results, [[8.0, 0.0], [8.0, 1.0], [7.0, 1.0], [7.0, 1.0], [0.0, 0.0]]);
    }

    #[test]
    fn stops_at_nan() {
        let case = &Tick.cases()[0];
        let inputs = [case.inputs[0].clone(), case.inputs[1].clone(), Array::from_fn([], |_| f64::NAN)];
        assert_eq!(next(&inputs), [7.0, 1.0]);
    }

    #[test]
    fn refuses_tensors() {
        let [single, pair] = [vec![1], vec![2]].map(TensorType::u32);
        assert_eq!(Tick.infer(&[single.clone(), single.clone(), TensorType::f32([])]), Ok(vec![single.clone(); 2]));
        assert!(Tick.infer(&[single.clone(), pair, TensorType::f32([])]).is_err());
        assert!(Tick.infer(&[single.clone(), single.clone(), single]).is_err());
    }
}
