//! Adam (Kingma and Ba, 2015), in PyTorch's form, with `g = scale * gradient`:
//!
//! ```text
//! m' = beta1 m + (1 - beta1) g
//! v' = beta2 v + (1 - beta2) g^2
//! parameter' = parameter - learning_rate * (m' correction1) / (sqrt(v' correction2) + epsilon)
//! ```
//!
//! Weight decay adds `weight_decay * parameter` to `g`; decoupled, as in AdamW (Loshchilov and Hutter, 2019), it takes
//! `learning_rate * weight_decay * parameter` from the parameter instead.
//!
//! The bias corrections of step `t` are `1 / (1 - beta^t)`, which the trainer looks up in a table. Parameter, gradient
//! and moments are f32 of one shape, the others single f32. Where the scale is not positive, nothing changes, even if
//! the gradient is NaN.

use std::sync::Arc;

use wgrad_core::{
    Array, Case, Function, Graph, GraphError, HostTensor, Literal, Lowering, Op, ShapeError, TensorType, Tolerance, Value,
};

use crate::elementwise::{check_attribute, flops_of_each, shared_type};
use crate::sgd::{host_floats, update_cases};

/// Adam's attributes. In double precision, since `1 - beta2` loses four digits where `beta2` is an f32.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// How much of the mean square of the gradient each step keeps: at least 0 and below 1.
    pub beta2: f64,
    /// Added to the divisor: positive.
    pub epsilon: f64,
    /// Whether the weight decay lets parameters shrink by themselves, as in AdamW, and not by way of the gradient.
    pub decoupled: bool,
}

impl Default for Adam {
    /// PyTorch's: a beta2 of 0.999 and an epsilon of 1e-8.
    fn default() -> Self {
        Self { beta2: 0.999, epsilon: 1e-8, decoupled: false }
    }
}

/// What [`adam`] reads: four tensors of f32 of one shape, then six single f32, which may change from step to
/// step.
#[derive(Clone, Copy, Debug)]
pub struct AdamInputs {
    /// The parameter.
    pub parameter: Value,
    /// The gradient of the loss with respect to the parameter.
    pub gradient: Value,
    /// The running mean of the gradient, which starts at 0.
    pub first_moment: Value,
    /// The running mean of the gradient's square, which starts at 0.
    pub second_moment: Value,
    /// The learning rate.
    pub learning_rate: Value,
    /// How much of the mean gradient a step keeps: at least 0 and below 1.
    pub beta1: Value,
    /// `1 / (1 - beta1^t)`, with the beta1 of this very step, for step `t`, counted from 1.
    pub correction1: Value,
    /// `1 / (1 - beta2^t)` for step `t`, counted from 1.
    pub correction2: Value,
    /// How much parameters shrink.
    pub weight_decay: Value,
    /// What the gradient is multiplied with; nothing changes where it is not positive.
    pub scale: Value,
}

/// The parameter, the first and the second moment after a step.
///
/// # Errors
/// Where the inputs' types are others than [`AdamInputs`] says, or the attributes than [`Adam`] says.
pub fn adam(graph: &mut Graph, inputs: AdamInputs, attributes: Adam) -> Result<[Value; 3], GraphError> {
    let AdamInputs { parameter, gradient, first_moment, second_moment, .. } = inputs;
    let AdamInputs { learning_rate, beta1, correction1, correction2, weight_decay, scale, .. } = inputs;
    let tensors = [parameter, gradient, first_moment, second_moment];
    let numbers = [learning_rate, beta1, correction1, correction2, weight_decay, scale];
    let outputs = graph.apply(attributes, &[tensors.as_slice(), &numbers].concat())?;
    Ok([outputs[0], outputs[1], outputs[2]])
}

impl Adam {
    fn check(&self) -> Result<(), ShapeError> {
        let epsilon = self.epsilon as f32;
        let holds = (0.0..1.0).contains(&self.beta2) && epsilon.is_normal() && epsilon > 0.0;
        let wanted = "a beta2 of at least 0 and below 1, and a positive epsilon";
        check_attribute(holds, wanted, format!("{} and {}", self.beta2, self.epsilon))
    }

    /// The coupled and the decoupled weight decay, of which one is 0.
    fn decays<T: Default>(&self, weight_decay: T) -> [T; 2] {
        if self.decoupled { [T::default(), weight_decay] } else { [weight_decay, T::default()] }
    }

    /// Beta2, what it lacks of 1, and epsilon.
    fn constants(&self) -> [f32; 3] {
        [self.beta2, 1.0 - self.beta2, self.epsilon].map(|constant| constant as f32)
    }
}

impl Op for Adam {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        self.check()?;
        let tensors = ["parameter", "gradient", "first moment", "second moment"];
        let numbers = ["learning rate", "beta1", "correction 1", "correction 2", "weight decay", "scale"];
        Ok(vec![shared_type(inputs, &tensors, &numbers)?; 3])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        let function = Function::new(include_str!("adam.wgsl"), "adam");
        let [beta2, complement2, epsilon] = self.constants().map(Literal::F32);
        Lowering::Pointwise(function.with_constants([beta2, complement2, epsilon, Literal::Bool(self.decoupled)]))
    }

    fn in_place(&self) -> &[(usize, usize)] {
        &[(0, 0), (1, 2), (2, 3)]
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 19)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let [parameter, gradient, first_moment, second_moment, numbers @ ..] = inputs else { return };
        let numbers: Vec<f64> = numbers.iter().map(|number| number.data[0]).collect();
        let &[learning_rate, beta1, correction1, correction2, weight_decay, scale] = numbers.as_slice() else { return };
        let [parameter_after, first_after, second_after] = outputs else { return };
        let [coupled, decoupled] = self.decays(weight_decay);
        for index in 0..parameter.data.len() {
            let (p, m, v) = (parameter.data[index], first_moment.data[index], second_moment.data[index]);
            let g = scale * gradient.data[index] + coupled * p;
            let (first, second) = (beta1 * m + (1.0 - beta1) * g, self.beta2 * v + (1.0 - self.beta2) * g * g);
            let divisor = (second * correction2).sqrt() + self.epsilon;
            let next = p - learning_rate * (first * correction1 / divisor + decoupled * p);
            let after = if scale > 0.0 { [next, first, second] } else { [p, m, v] };
            [parameter_after.data[index], first_after.data[index], second_after.data[index]] = after;
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let inputs: Vec<&[f32]> = inputs.iter().map(|input| host_floats(input)).collect();
        let [parameter, gradient, first, second, numbers @ ..] = inputs.as_slice() else { return false };
        let &[&[learning_rate], &[beta1], &[correction1], &[correction2], &[weight_decay], &[scale]] = numbers else {
            return false;
        };
        let [HostTensor::F32(_, parameter_after), HostTensor::F32(_, first_after), HostTensor::F32(_, second_after)] = outputs
        else {
            return false;
        };
        let runs = scale > 0.0;
        let ([beta2, complement2, epsilon], [coupled, decoupled]) = (self.constants(), self.decays(weight_decay));
        let before = parameter.iter().zip(*gradient).zip(first.iter().zip(*second));
        let after = parameter_after.iter_mut().zip(first_after.iter_mut().zip(second_after));
        for (((&p, &gradient), (&m, &v)), (p_after, (m_after, v_after))) in before.zip(after) {
            let g = scale * gradient + coupled * p;
            let (m_next, v_next) = (beta1 * m + (1.0 - beta1) * g, beta2 * v + complement2 * g * g);
            let direction = (m_next * correction1) / ((v_next * correction2).sqrt() + epsilon) + decoupled * p;
            *p_after = if runs { p - learning_rate * direction } else { p };
            *m_after = if runs { m_next } else { m };
            *v_after = if runs { v_next } else { v };
        }
        true
    }

    /// Tighter than the default in absolute terms: second moments are small.
    fn tolerance(&self, _: &[TensorType]) -> Tolerance {
        Tolerance { absolute: 5e-7, ..Tolerance::default() }
    }

    fn cases(&self) -> Vec<Case> {
        let squared = |array: &Array| Array::from_fn(array.kind.shape.clone(), |index| array.data[index].powi(2));
        let mut cases = update_cases(4, &[1e-3, 0.9, 1.2, 20.0]);
        for case in &mut cases {
            case.inputs[3] = squared(&case.inputs[3]);
        }
        for mut case in update_cases(4, &[1e-3, 0.85, 1.0 / 0.15, 1_000.0]) {
            case.label = format!("first step, {}", case.label);
            for moment in &mut case.inputs[2..4] {
                moment.data.fill(0.0);
            }
            cases.push(case);
        }
        cases
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    [false, true].map(|decoupled| Arc::new(Adam { decoupled, ..Adam::default() }) as Arc<dyn Op>).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    const BETA1: f64 = 0.9;

    /// Parameter and moments after a step from 1, 0 and 0 as the first one, with a learning rate of 0.5.
    fn first_step(op: Adam, gradient: f64, weight_decay: f64, scale: f64) -> Vec<f64> {
        let corrections = [1.0 / (1.0 - BETA1), 1.0 / (1.0 - op.beta2)];
        let inputs = [1.0, gradient, 0.0, 0.0, 0.5, BETA1, corrections[0], corrections[1], weight_decay, scale];
        let inputs = inputs.map(|number| Array { kind: TensorType::f32([1]), data: vec![number] });
        reference(&op, &inputs).into_iter().flat_map(|output| output.data).collect()
    }

    #[test]
    fn the_first_step_is_as_long_as_the_learning_rate() {
        for gradient in [3.0, 0.01] {
            let [parameter, first, second] = first_step(Adam::default(), gradient, 0.0, 2.0)[..] else { panic!("three outputs") };
            assert!((parameter - 0.5).abs() < 1e-6, "{parameter}");
            assert!((first - 0.2 * gradient).abs() < 1e-12, "{first}");
            assert!((second - 0.004 * gradient * gradient).abs() < 1e-12, "{second}");
        }
    }

    #[test]
    fn epsilon_shortens_the_step() {
        let op = Adam { epsilon: 3.0, ..Adam::default() };
        assert!((first_step(op, 3.0, 0.0, 1.0)[0] - 0.75).abs() < 1e-12);
    }

    #[test]
    fn decay_goes_through_the_gradient_or_beside_it() {
        let [_, first, _] = first_step(Adam::default(), 3.0, 0.5, 2.0)[..] else { panic!("three outputs") };
        assert!((first - 0.65).abs() < 1e-12, "{first}");
        let decoupled = Adam { decoupled: true, ..Adam::default() };
        let [parameter, first, _] = first_step(decoupled, 3.0, 0.5, 2.0)[..] else { panic!("three outputs") };
        assert!((first - 0.6).abs() < 1e-12 && (parameter - 0.25).abs() < 1e-6, "{first}, {parameter}");
    }

    #[test]
    fn a_scale_of_zero_or_nan_changes_nothing() {
        for (gradient, scale) in [(3.0, 0.0), (f64::NAN, 0.0), (3.0, f64::NAN)] {
            for decoupled in [false, true] {
                let op = Adam { decoupled, ..Adam::default() };
                assert_eq!(first_step(op, gradient, 0.5, scale), [1.0, 0.0, 0.0]);
            }
        }
    }

    #[test]
    fn the_fast_path_agrees() {
        examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
    }

    #[test]
    fn refuses_wrong_attributes_and_inputs() {
        let types = vec![vec![2]; 4]
            .into_iter()
            .chain([vec![], vec![1], vec![], vec![], vec![], vec![]])
            .map(TensorType::f32)
            .collect::<Vec<_>>();
        assert_eq!(Adam::default().infer(&types), Ok(vec![TensorType::f32([2]); 3]));
        assert!(Adam::default().infer(&types[1..]).is_err());
        for wrong in [
            Adam { beta2: 1.0, ..Adam::default() },
            Adam { beta2: f64::NAN, ..Adam::default() },
            Adam { epsilon: 0.0, ..Adam::default() },
        ] {
            assert!(wrong.infer(&types).is_err(), "{wrong:?}");
        }
    }
}
