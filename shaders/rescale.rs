//! Dynamic loss scaling (Micikevicius et al., 2018), as PyTorch's [`GradScaler`] does it, with factors of 2 and 0.5.
//!
//! The loss is multiplied with the scale before it is differentiated, so that gradients that are small for f16 are not lost
//! in it. Where the norm of the scaled gradients is finite, the step runs, and after so many such steps in a row the scale
//! doubles; else the step is skipped and the scale halved:
//!
//! ```text
//! scale', good_steps' = scale / 2, 0           if the norm is not finite
//!                       2 scale, 0             if good_steps + 1 = growth_interval
//!                       scale, good_steps + 1  else
//! factor, norm'       = gate / scale, norm / scale, or 0 and 0 where the step is skipped
//! ```
//!
//! A step whose gate is not positive changes nothing. The scale stays between 2^-126 and 2^128, so that its reciprocal is
//! a number.
//!
//! [`GradScaler`]: https://docs.pytorch.org/docs/stable/amp.html#torch.amp.GradScaler

use std::sync::Arc;

use wgrad_core::{Array, Case, DType, Function, Graph, GraphError, Literal, Lowering, Op, ShapeError, TensorType, Value};

use crate::cases::{case, integers};

/// The operation of [`rescale()`].
#[derive(Clone, Copy, Debug)]
pub struct Rescale {
    /// After how many good steps in a row the scale doubles: at least 1.
    pub growth_interval: u32,
}

/// What [`rescale()`] reads: single numbers, f32 but for the count.
#[derive(Clone, Copy, Debug)]
pub struct RescaleInputs {
    /// What the loss was multiplied with: positive.
    pub scale: Value,
    /// The good steps in a row before this one, u32.
    pub good_steps: Value,
    /// The norm of the scaled gradients.
    pub norm: Value,
    /// 0 where the step does not count.
    pub gate: Value,
}

/// What [`rescale()`] makes of a step.
#[derive(Clone, Copy, Debug)]
pub struct RescaleOutputs {
    /// The next step's scale.
    pub scale: Value,
    /// The good steps in a row, u32.
    pub good_steps: Value,
    /// What the scaled gradients are to be multiplied with: 0 where the step is skipped.
    pub factor: Value,
    /// The norm of the gradients without the scale: 0 where the step is skipped.
    pub norm: Value,
}

/// The loss scale after a step, and what the step's gradients are multiplied with.
///
/// # Errors
/// Where the inputs' types are others than [`RescaleInputs`] says, or the interval is 0.
pub fn rescale(graph: &mut Graph, inputs: RescaleInputs, growth_interval: u32) -> Result<RescaleOutputs, GraphError> {
    let RescaleInputs { scale, good_steps, norm, gate } = inputs;
    let scale = graph.apply_one(Rescale { growth_interval }, &[scale, good_steps, norm, gate])?;
    let [good_steps, factor, norm] = [1, 2, 3].map(|output| Value { output, ..scale });
    Ok(RescaleOutputs { scale, good_steps, factor, norm })
}

impl Op for Rescale {
    fn name(&self) -> &'static str {
        "rescale"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        let (number, count) = (TensorType::f32([]), TensorType::u32([]));
        if self.growth_interval == 0 {
            return Err(ShapeError { wanted: "a growth interval of 1 at least".to_owned(), got: "0".to_owned() });
        }
        match inputs {
            [scale, good_steps, norm, gate] if [scale, norm, gate] == [&number; 3] && *good_steps == count => {
                Ok(vec![number.clone(), count, number.clone(), number])
            }
            _ => Err(ShapeError::new("f32[] (scale), u32[] (good steps), f32[] (norm) and f32[] (gate)", inputs)),
        }
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        let function = Function::new(include_str!("rescale.wgsl"), "rescale");
        Lowering::Pointwise(function.with_constants([Literal::U32(self.growth_interval)]))
    }

    fn in_place(&self) -> &[(usize, usize)] {
        &[(0, 0), (1, 1)]
    }

    fn flops(&self, _: &[TensorType]) -> u64 {
        4
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let numbers: Vec<f64> = inputs.iter().map(|input| input.data[0]).collect();
        let &[scale, good_steps, norm, gate] = numbers.as_slice() else { return };
        let grows = good_steps as u32 + 1 >= self.growth_interval;
        let doubled = if scale < 2_f64.powi(127) { 2.0 * scale } else { scale };
        let halved = if scale >= 2_f64.powi(-125) { scale / 2.0 } else { scale };
        let finite = (norm as f32).is_finite();
        let results = match (gate > 0.0, finite, grows) {
            (false, ..) => [scale, good_steps, 0.0, 0.0],
            (true, false, _) => [halved, 0.0, 0.0, 0.0],
            (true, true, true) => [doubled, 0.0, gate / scale, norm / scale],
            (true, true, false) => [scale, good_steps + 1.0, gate / scale, norm / scale],
        };
        outputs.iter_mut().zip(results).for_each(|(output, result)| output.data[0] = result);
    }

    fn cases(&self) -> Vec<Case> {
        let with = |label: &str, [scale, norm, gate]: [f64; 3], good_steps: u32| {
            let [scale, norm, gate] = [scale, norm, gate].map(|number| Array::from_fn([], |_| number));
            let inputs = [scale, integers(DType::U32, [], |_| good_steps), norm, gate];
            Case { differentiable: false, ..case(label, inputs) }
        };
        vec![
            with("a good step", [65536.0, 3e5, 1.0], 0),
            with("the last of the interval", [1024.0, 7.0, 1.0], self.growth_interval - 1),
            with("an interval that was longer", [1024.0, 7.0, 1.0], self.growth_interval + 5),
            with("an overflow", [3.0, f64::INFINITY, 1.0], self.growth_interval - 1),
            with("no number", [65536.0, f64::NAN, 1.0], 1),
            with("after the stop", [65536.0, f64::NAN, 0.0], 1),
            with("a good one after the stop", [65536.0, 3.0, 0.0], 1),
            with("the largest scale", [2_f64.powi(127), 1e30, 1.0], self.growth_interval - 1),
            with("the smallest scale", [2_f64.powi(-126), f64::INFINITY, 1.0], 0),
        ]
    }
}

/// A short interval and PyTorch's.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    [1, 2000].map(|growth_interval| Arc::new(Rescale { growth_interval }) as Arc<dyn Op>).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    const OP: Rescale = Rescale { growth_interval: 3 };

    #[test]
    fn doubles_after_the_interval_and_halves_at_once() {
        let (mut scale, mut good_steps) = (8.0, 0.0);
        let mut scales = Vec::new();
        for norm in [1.0, 1.0, 1.0, 1.0, f64::NAN, 1.0, 1.0, f64::INFINITY, 1.0, 1.0, 1.0] {
            let inputs = [scale, good_steps, norm, 1.0].map(|number| Array::from_fn([], |_| number));
            let outputs = reference(&Rescale { ..OP }, &typed(inputs));
            let skipped = !norm.is_finite();
            assert_eq!(outputs[2].data[0], if skipped { 0.0 } else { 1.0 / scale });
            (scale, good_steps) = (outputs[0].data[0], outputs[1].data[0]);
            scales.push(scale);
        }
        assert_eq!(scales, [8.0, 8.0, 16.0, 16.0, 8.0, 8.0, 8.0, 4.0, 4.0, 4.0, 8.0]);
    }

    /// The second is a count.
    fn typed(mut inputs: [Array; 4]) -> [Array; 4] {
        inputs[1].kind = TensorType::u32([]);
        inputs
    }

    #[test]
    fn refuses_an_interval_of_none_and_other_types() {
        let types = [TensorType::f32([]), TensorType::u32([]), TensorType::f32([]), TensorType::f32([])];
        assert!(OP.infer(&types).is_ok());
        assert!(Rescale { growth_interval: 0 }.infer(&types).is_err());
        assert!(OP.infer(&types[1..]).is_err());
        assert!(OP.infer(&[0, 0, 2, 3].map(|index| types[index].clone())).is_err());
    }
}
