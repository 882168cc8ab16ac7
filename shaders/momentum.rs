//! Gradient descent with momentum: `velocity' = momentum * velocity + scale * gradient` and
//! `parameter' = parameter - learning_rate * velocity'`, as PyTorch's SGD without dampening.
//!
//! Parameter, gradient and velocity are f32 of one shape, learning rate and scale single f32. Where the scale is not
//! positive, both stay as they are, even if the gradient is NaN.

use std::sync::Arc;

use wgrad_core::{Array, Case, Function, Graph, GraphError, HostTensor, Literal, Lowering, Op, ShapeError, TensorType, Value};

use crate::elementwise::{flops_of_each, shared_type};
use crate::sgd::{host_floats, update_cases};

/// See [`momentum`].
#[derive(Clone, Copy, Debug)]
pub struct Momentum {
    /// How much of the velocity each step keeps: at least 0 and below 1.
    pub momentum: f32,
}

/// The parameter and the velocity after a step.
///
/// # Errors
/// Where `parameter`, `gradient` and `velocity` are not f32 of one shape, the others not single f32, or the momentum
/// not in `0 .. 1`.
pub fn momentum(
    graph: &mut Graph,
    parameter: Value,
    gradient: Value,
    velocity: Value,
    learning_rate: Value,
    scale: Value,
    momentum: f32,
) -> Result<[Value; 2], GraphError> {
    let outputs = graph.apply(Momentum { momentum }, &[parameter, gradient, velocity, learning_rate, scale])?;
    Ok([outputs[0], outputs[1]])
}

impl Op for Momentum {
    fn name(&self) -> &'static str {
        "momentum"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if !(0.0..1.0).contains(&self.momentum) {
            let wanted = "a momentum of at least 0 and below 1".to_owned();
            return Err(ShapeError { wanted, got: self.momentum.to_string() });
        }
        let kind = shared_type(inputs, &["parameter", "gradient", "velocity"], &["learning rate", "scale"])?;
        Ok(vec![kind; 2])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        let function = Function::new(include_str!("momentum.wgsl"), "momentum");
        Lowering::Pointwise(function.with_constants([Literal::F32(self.momentum)]))
    }

    fn in_place(&self) -> &[(usize, usize)] {
        &[(0, 0), (1, 2)]
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 5)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let ([parameter, gradient, velocity, learning_rate, scale], [parameter_after, velocity_after]) = (inputs, outputs) else {
            return;
        };
        let (learning_rate, scale) = (learning_rate.data[0], scale.data[0]);
        for index in 0..parameter.data.len() {
            let runs = scale > 0.0;
            let (old, kept) = (parameter.data[index], velocity.data[index]);
            let next = f64::from(self.momentum) * kept + scale * gradient.data[index];
            velocity_after.data[index] = if runs { next } else { kept };
            parameter_after.data[index] = if runs { old - learning_rate * next } else { old };
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let inputs: Vec<&[f32]> = inputs.iter().map(|input| host_floats(input)).collect();
        let &[parameter, gradient, velocity, &[learning_rate], &[scale]] = inputs.as_slice() else { return false };
        let [HostTensor::F32(_, parameter_after), HostTensor::F32(_, velocity_after)] = outputs else { return false };
        let runs = scale > 0.0;
        let before = parameter.iter().zip(gradient).zip(velocity);
        for (((&old, &g), &kept), (parameter, velocity)) in before.zip(parameter_after.iter_mut().zip(velocity_after)) {
            let next = self.momentum * kept + scale * g;
            *velocity = if runs { next } else { kept };
            *parameter = if runs { old - learning_rate * next } else { old };
        }
        true
    }

    fn cases(&self) -> Vec<Case> {
        update_cases(3, &[0.1])
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Momentum { momentum: 0.9 })]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    fn updated(op: Momentum, gradient: f64, scale: f64) -> [f64; 2] {
        let inputs = [[1.0], [gradient], [4.0], [0.25], [scale]].map(|[value]| Array::from_fn([1], |_| value));
        let outputs = reference(&op, &inputs);
        [outputs[0].data[0], outputs[1].data[0]]
    }

    #[test]
    fn keeps_a_part_of_the_velocity() {
        assert_eq!(updated(Momentum { momentum: 0.5 }, 2.0, 1.0), [0.0, 4.0]);
        assert_eq!(updated(Momentum { momentum: 0.5 }, 2.0, 0.5), [0.25, 3.0]);
    }

    #[test]
    fn a_scale_of_zero_changes_nothing() {
        assert_eq!(updated(Momentum { momentum: 0.5 }, f64::NAN, 0.0), [1.0, 4.0]);
    }

    #[test]
    fn refuses_a_momentum_that_grows() {
        let types = [vec![2], vec![2], vec![2], vec![], vec![]].map(TensorType::f32);
        assert_eq!(Momentum { momentum: 1.0 }.infer(&types).unwrap_err().got, "1");
        assert_eq!(Momentum { momentum: 0.9 }.infer(&types), Ok(vec![TensorType::f32([2]); 2]));
    }
}
