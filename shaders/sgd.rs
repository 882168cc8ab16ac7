//! Stochastic gradient descent: `parameter - learning_rate * g` with `g = scale * gradient + weight_decay * parameter`, as
//! PyTorch's SGD without momentum.
//!
//! Parameter and gradient are f32 of one shape, learning rate and scale single f32. Where the scale is not positive,
//! the parameter stays as it is, even if the gradient is NaN.

use std::sync::Arc;

use wgrad_core::{Array, Case, Function, Graph, GraphError, HostTensor, Literal, Lowering, Op, ShapeError, TensorType, Value};

use crate::cases::{case, floats};
use crate::elementwise::{check_attribute, flops_of_each, shared_type};

/// See [`sgd`].
#[derive(Clone, Copy, Debug)]
pub struct Sgd {
    /// How much of the parameter is added to its gradient: at least 0.
    pub weight_decay: f32,
}

/// The parameter after a step of gradient descent.
///
/// # Errors
/// Where `parameter` and `gradient` are not f32 of one shape, the others not single f32, or the weight decay is negative or
/// not finite.
pub fn sgd(
    graph: &mut Graph,
    parameter: Value,
    gradient: Value,
    learning_rate: Value,
    scale: Value,
    weight_decay: f32,
) -> Result<Value, GraphError> {
    graph.apply_one(Sgd { weight_decay }, &[parameter, gradient, learning_rate, scale])
}

impl Op for Sgd {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        check_weight_decay(self.weight_decay)?;
        Ok(vec![shared_type(inputs, &["parameter", "gradient"], &["learning rate", "scale"])?])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        let function = Function::new(include_str!("sgd.wgsl"), "sgd");
        Lowering::Pointwise(function.with_constants([Literal::F32(self.weight_decay)]))
    }

    fn in_place(&self) -> &[(usize, usize)] {
        &[(0, 0)]
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 5)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let ([parameter, gradient, learning_rate, scale], [output]) = (inputs, outputs) else { return };
        let (learning_rate, scale, decay) = (learning_rate.data[0], scale.data[0], f64::from(self.weight_decay));
        for (output, (parameter, gradient)) in output.data.iter_mut().zip(parameter.data.iter().zip(&gradient.data)) {
            let next = parameter - learning_rate * (scale * gradient + decay * parameter);
            *output = if scale > 0.0 { next } else { *parameter };
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([parameter, gradient, learning_rate, scale], [HostTensor::F32(_, output)]) = (inputs, outputs) else { return false };
        let [parameter, gradient, &[learning_rate], &[scale]] =
            [parameter, gradient, learning_rate, scale].map(|input| host_floats(input))
        else {
            return false;
        };
        for (output, (parameter, gradient)) in output.iter_mut().zip(parameter.iter().zip(gradient)) {
            let next = parameter - learning_rate * (scale * gradient + self.weight_decay * parameter);
            *output = if scale > 0.0 { next } else { *parameter };
        }
        true
    }

    fn cases(&self) -> Vec<Case> {
        update_cases(2, &[0.1])
    }
}

/// Fails where a weight decay is negative, NaN or infinite.
pub(crate) fn check_weight_decay(weight_decay: f32) -> Result<(), ShapeError> {
    check_attribute(weight_decay.is_finite() && weight_decay >= 0.0, "a finite weight decay of at least 0", weight_decay)
}

/// The elements of a tensor of f32; none of others.
pub(crate) fn host_floats(tensor: &HostTensor) -> &[f32] {
    match tensor {
        HostTensor::F32(_, data) => data,
        HostTensor::F16(..) | HostTensor::U32(..) | HostTensor::U8(..) => &[],
    }
}

/// Tensors of awkward sizes, of which the second is the gradient, then these numbers and a scale that is 1, another,
/// or 0. Updates have no gradient.
pub(crate) fn update_cases(tensors: u32, numbers: &[f64]) -> Vec<Case> {
    let number = |value: f64| Array::from_fn([], |_| value);
    let with = |label: &str, shape: &[usize], scale: f64| {
        let tensors = (0..tensors).map(|seed| floats(seed, shape.to_vec()));
        let numbers = numbers.iter().chain([&scale]).map(|&value| number(value));
        Case { differentiable: false, ..case(label, tensors.chain(numbers).collect::<Vec<_>>()) }
    };
    let mut closed = with("NaN behind a scale of 0", &[257], 0.0);
    closed.inputs[1] = Array::from_fn([257], |_| f64::NAN);
    vec![
        with("1 element", &[1], 1.0),
        with("255 elements", &[255], 0.25),
        with("rows of 13", &[7, 13], 2.0),
        with("empty", &[0], 1.0),
        closed,
    ]
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Sgd { weight_decay: 0.0 }), Arc::new(Sgd { weight_decay: 0.25 })]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    const PLAIN: Sgd = Sgd { weight_decay: 0.0 };

    /// The parameter after a step from 1 with a learning rate of 0.5.
    fn updated(op: Sgd, gradient: f64, scale: f64) -> f64 {
        let inputs = [[1.0], [gradient], [0.5], [scale]].map(|[value]| Array::from_fn([1], |_| value));
        reference(&op, &inputs)[0].data[0]
    }

    #[test]
    fn goes_against_the_gradient() {
        assert_eq!(updated(PLAIN, 0.5, 1.0), 0.75);
        assert_eq!(updated(PLAIN, 0.5, 2.0), 0.5);
    }

    #[test]
    fn decay_is_not_scaled() {
        assert_eq!(updated(Sgd { weight_decay: 0.25 }, 0.5, 2.0), 0.375);
    }

    #[test]
    fn a_scale_of_zero_or_nan_changes_nothing() {
        let op = Sgd { weight_decay: 0.25 };
        assert_eq!([updated(op, 0.5, 0.0), updated(op, f64::NAN, 0.0), updated(op, 0.5, f64::NAN)], [1.0; 3]);
    }

    #[test]
    fn refuses_a_gradient_of_another_shape() {
        let [number, parameter, gradient] = [vec![], vec![2], vec![3]].map(TensorType::f32);
        let error = PLAIN.infer(&[parameter, gradient, number.clone(), number]).unwrap_err();
        assert!(error.to_string().contains("(parameter, gradient)"), "{error}");
    }

    #[test]
    fn refuses_a_decay_that_is_none() {
        let types = [vec![2], vec![2], vec![], vec![]].map(TensorType::f32);
        for weight_decay in [-0.1, f32::NAN, f32::INFINITY] {
            assert_eq!(Sgd { weight_decay }.infer(&types).unwrap_err().got, weight_decay.to_string());
        }
    }
}
