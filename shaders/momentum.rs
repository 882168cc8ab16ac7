//! Gradient descent with momentum, as PyTorch's SGD without dampening, with `g = scale * gradient + weight_decay * parameter`:
//!
//! ```text
//! velocity' = momentum * velocity + g
//! parameter' = parameter - learning_rate * velocity'                   or, with Nesterov's momentum,
//!              parameter - learning_rate * (g + momentum * velocity')
//! ```
//!
//! Parameter, gradient and velocity are f32 of one shape, the others single f32. Where the scale is not positive, nothing
//! changes, even if the gradient is NaN.

use std::sync::Arc;

use wgrad_core::{Array, Case, Function, Graph, GraphError, HostTensor, Literal, Lowering, Op, ShapeError, TensorType, Value};

use crate::elementwise::{flops_of_each, shared_type};
use crate::sgd::{host_floats, update_cases};

/// The attributes of [`momentum`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Momentum {
    /// Whether the parameter follows where the velocity will be, as Nesterov proposed.
    pub nesterov: bool,
}

/// What [`momentum`] reads: three tensors of f32 of one shape, then four single f32, which may change from step to step.
#[derive(Clone, Copy, Debug)]
pub struct MomentumInputs {
    /// The parameter.
    pub parameter: Value,
    /// The gradient of the loss with respect to the parameter.
    pub gradient: Value,
    /// The velocity, which starts at 0.
    pub velocity: Value,
    /// The learning rate.
    pub learning_rate: Value,
    /// How much of the velocity a step keeps: at least 0 and below 1.
    pub momentum: Value,
    /// How much of the parameter is added to its gradient.
    pub weight_decay: Value,
    /// What the gradient is multiplied with; nothing changes where it is not positive.
    pub scale: Value,
}

/// The parameter and the velocity after a step.
///
/// # Errors
/// Where the inputs' types are others than [`MomentumInputs`] says.
pub fn momentum(graph: &mut Graph, inputs: MomentumInputs, attributes: Momentum) -> Result<[Value; 2], GraphError> {
    let MomentumInputs { parameter, gradient, velocity, learning_rate, momentum, weight_decay, scale } = inputs;
    let outputs = graph.apply(attributes, &[parameter, gradient, velocity, learning_rate, momentum, weight_decay, scale])?;
    Ok([outputs[0], outputs[1]])
}

impl Op for Momentum {
    fn name(&self) -> &'static str {
        "momentum"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        let numbers = ["learning rate", "momentum", "weight decay", "scale"];
        Ok(vec![shared_type(inputs, &["parameter", "gradient", "velocity"], &numbers)?; 2])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        let function = Function::new(include_str!("momentum.wgsl"), "momentum");
        Lowering::Pointwise(function.with_constants([Literal::Bool(self.nesterov)]))
    }

    fn in_place(&self) -> &[(usize, usize)] {
        &[(0, 0), (1, 2)]
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, if self.nesterov { 9 } else { 7 })
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let [parameter, gradient, velocity, numbers @ ..] = inputs else { return };
        let [parameter_after, velocity_after] = outputs else { return };
        let [learning_rate, momentum, decay, scale] = [0, 1, 2, 3].map(|index| numbers[index].data[0]);
        let runs = scale > 0.0;
        for index in 0..parameter.data.len() {
            let (old, kept) = (parameter.data[index], velocity.data[index]);
            let g = scale * gradient.data[index] + decay * old;
            let next = momentum * kept + g;
            let direction = if self.nesterov { g + momentum * next } else { next };
            velocity_after.data[index] = if runs { next } else { kept };
            parameter_after.data[index] = if runs { old - learning_rate * direction } else { old };
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let inputs: Vec<&[f32]> = inputs.iter().map(|input| host_floats(input)).collect();
        let [parameter, gradient, velocity, numbers @ ..] = inputs.as_slice() else { return false };
        let &[&[learning_rate], &[momentum], &[decay], &[scale]] = numbers else { return false };
        let [HostTensor::F32(_, parameter_after), HostTensor::F32(_, velocity_after)] = outputs else { return false };
        let runs = scale > 0.0;
        let before = parameter.iter().zip(*gradient).zip(*velocity);
        for (((&old, &gradient), &kept), (parameter, velocity)) in before.zip(parameter_after.iter_mut().zip(velocity_after)) {
            let g = scale * gradient + decay * old;
            let next = momentum * kept + g;
            let direction = if self.nesterov { g + momentum * next } else { next };
            *velocity = if runs { next } else { kept };
            *parameter = if runs { old - learning_rate * direction } else { old };
        }
        true
    }

    fn cases(&self) -> Vec<Case> {
        update_cases(3, &[0.1, 0.9])
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    [false, true].map(|nesterov| Arc::new(Momentum { nesterov }) as Arc<dyn Op>).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    const PLAIN: Momentum = Momentum { nesterov: false };
    const NESTEROV: Momentum = Momentum { nesterov: true };

    /// Parameter and velocity after a step from 1 and 4, with a learning rate of 0.25 and a momentum of 0.5.
    fn updated(op: Momentum, gradient: f64, weight_decay: f64, scale: f64) -> [f64; 2] {
        let inputs = [1.0, gradient, 4.0, 0.25, 0.5, weight_decay, scale].map(|value| Array::from_fn([1], |_| value));
        let outputs = reference(&op, &inputs);
        [outputs[0].data[0], outputs[1].data[0]]
    }

    #[test]
    fn keeps_a_part_of_the_velocity() {
        assert_eq!(updated(PLAIN, 2.0, 0.0, 1.0), [0.0, 4.0]);
        assert_eq!(updated(PLAIN, 2.0, 0.0, 0.5), [0.25, 3.0]);
    }

    #[test]
    fn nesterov_goes_where_the_velocity_leads() {
        assert_eq!(updated(NESTEROV, 1.0, 0.0, 2.0), [0.0, 4.0]);
        assert_eq!(updated(NESTEROV, 0.0, 0.0, 1.0), [0.75, 2.0]);
    }

    #[test]
    fn decay_is_not_scaled() {
        assert_eq!(updated(PLAIN, 1.0, 0.5, 2.0), [-0.125, 4.5]);
    }

    #[test]
    fn a_scale_of_zero_changes_nothing() {
        assert_eq!(updated(NESTEROV, f64::NAN, 0.5, 0.0), [1.0, 4.0]);
    }

    #[test]
    fn the_fast_path_agrees() {
        assert_host_agrees(&PLAIN);
        assert_host_agrees(&NESTEROV);
    }

    #[test]
    fn refuses_wrong_inputs() {
        let types = [vec![2], vec![2], vec![2], vec![], vec![1], vec![], vec![]].map(TensorType::f32);
        assert_eq!(PLAIN.infer(&types), Ok(vec![TensorType::f32([2]); 2]));
        assert!(PLAIN.infer(&types[1..]).is_err());
    }
}
