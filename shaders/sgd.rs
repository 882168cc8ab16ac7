//! Stochastic gradient descent: `parameter - learning_rate * g` with `g = scale * gradient + weight_decay * parameter`, as
//! PyTorch's SGD without momentum.
//!
//! Parameter and gradient are f32 of one shape, the others single f32. Where the scale is not positive,
//! the parameter stays as it is, even if the gradient is NaN.

use std::sync::Arc;

use wgrad_core::{Array, Case, Function, Graph, GraphError, HostTensor, Lowering, Op, ShapeError, TensorType, Value};

use crate::cases::{case, floats};
use crate::elementwise::{flops_of_each, shared_type};

/// See [`sgd`].
#[derive(Clone, Copy, Debug)]
pub struct Sgd;

/// What [`sgd`] reads: two tensors of f32 of one shape, then three single f32, which may change from step to step.
#[derive(Clone, Copy, Debug)]
pub struct SgdInputs {
    /// The parameter.
    pub parameter: Value,
    /// The gradient of the loss with respect to the parameter.
    pub gradient: Value,
    /// The learning rate.
    pub learning_rate: Value,
    /// How much of the parameter is added to its gradient.
    pub weight_decay: Value,
    /// What the gradient is multiplied with; nothing changes where it is not positive.
    pub scale: Value,
}

/// The parameter after a step of gradient descent.
///
/// # Errors
/// Where the inputs' types are others than [`SgdInputs`] says.
pub fn sgd(graph: &mut Graph, inputs: SgdInputs) -> Result<Value, GraphError> {
    let SgdInputs { parameter, gradient, learning_rate, weight_decay, scale } = inputs;
    graph.apply_one(Sgd, &[parameter, gradient, learning_rate, weight_decay, scale])
}

impl Op for Sgd {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        Ok(vec![shared_type(inputs, &["parameter", "gradient"], &["learning rate", "weight decay", "scale"])?])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(include_str!("sgd.wgsl"), "sgd"))
    }

    fn in_place(&self) -> &[(usize, usize)] {
        &[(0, 0)]
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 5)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let ([parameter, gradient, numbers @ ..], [output]) = (inputs, outputs) else { return };
        let [learning_rate, decay, scale] = [0, 1, 2].map(|index| numbers[index].data[0]);
        for (output, (parameter, gradient)) in output.data.iter_mut().zip(parameter.data.iter().zip(&gradient.data)) {
            let next = parameter - learning_rate * (scale * gradient + decay * parameter);
            *output = if scale > 0.0 { next } else { *parameter };
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let inputs: Vec<&[f32]> = inputs.iter().map(|input| host_floats(input)).collect();
        let &[parameter, gradient, &[learning_rate], &[decay], &[scale]] = inputs.as_slice() else { return false };
        let [HostTensor::F32(_, output)] = outputs else { return false };
        for (output, (parameter, gradient)) in output.iter_mut().zip(parameter.iter().zip(gradient)) {
            let next = parameter - learning_rate * (scale * gradient + decay * parameter);
            *output = if scale > 0.0 { next } else { *parameter };
        }
        true
    }

    fn cases(&self) -> Vec<Case> {
        update_cases(2, &[0.1])
    }
}

/// The elements of a tensor of f32; none of others.
pub(crate) fn host_floats(tensor: &HostTensor) -> &[f32] {
    match tensor {
        HostTensor::F32(_, data) => data,
        HostTensor::F16(..) | HostTensor::U32(..) | HostTensor::U8(..) => &[],
    }
}

/// Tensors of awkward sizes, of which the second is the gradient, then these numbers, a weight decay, and a scale that is 1,
/// another, or 0. Updates have no gradient.
pub(crate) fn update_cases(tensors: u32, numbers: &[f64]) -> Vec<Case> {
    let number = |value: f64| Array::from_fn([], |_| value);
    let with = |label: &str, shape: &[usize], [weight_decay, scale]: [f64; 2]| {
        let tensors = (0..tensors).map(|seed| floats(seed, shape.to_vec()));
        let numbers = numbers.iter().chain([&weight_decay, &scale]).map(|&value| number(value));
        Case { differentiable: false, ..case(label, tensors.chain(numbers).collect::<Vec<_>>()) }
    };
    let mut closed = with("NaN behind a scale of 0", &[257], [0.25, 0.0]);
    closed.inputs[1] = Array::from_fn([257], |_| f64::NAN);
    vec![
        with("1 element", &[1], [0.0, 1.0]),
        with("255 elements", &[255], [0.0, 0.25]),
        with("255 elements that decay", &[255], [0.25, 1.0]),
        with("rows of 13", &[7, 13], [0.125, 2.0]),
        with("empty", &[0], [0.0, 1.0]),
        closed,
    ]
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Sgd)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    /// The parameter after a step from 1 with a learning rate of 0.5.
    fn updated(gradient: f64, weight_decay: f64, scale: f64) -> f64 {
        let inputs = [1.0, gradient, 0.5, weight_decay, scale].map(|value| Array::from_fn([1], |_| value));
        reference(&Sgd, &inputs)[0].data[0]
    }

    #[test]
    fn goes_against_the_gradient() {
        assert_eq!(updated(0.5, 0.0, 1.0), 0.75);
        assert_eq!(updated(0.5, 0.0, 2.0), 0.5);
    }

    #[test]
    fn decay_is_not_scaled() {
        assert_eq!(updated(0.5, 0.25, 2.0), 0.375);
    }

    #[test]
    fn a_scale_of_zero_or_nan_changes_nothing() {
        assert_eq!([updated(0.5, 0.25, 0.0), updated(f64::NAN, 0.25, 0.0), updated(0.5, 0.25, f64::NAN)], [1.0; 3]);
    }

    #[test]
    fn the_fast_path_agrees() {
        assert_host_agrees(&Sgd);
    }

    #[test]
    fn refuses_a_gradient_of_another_shape() {
        let [number, parameter, gradient] = [vec![], vec![2], vec![3]].map(TensorType::f32);
        let error = Sgd.infer(&[parameter, gradient, number.clone(), number.clone(), number]).unwrap_err();
        assert!(error.to_string().contains("(parameter, gradient)"), "{error}");
    }
}
