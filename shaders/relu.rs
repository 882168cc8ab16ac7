//! Rectified linear unit: `max(x, 0)`, element by element, for f32 tensors of any shape.
//!
//! The derivative at 0 is 0, as in PyTorch. It is taken from the output, so that the input need not be kept.
//!
//! What all activations and updates share stands here too.

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Function, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Tolerance, Value,
};

use crate::cases::{case, floats};

/// See [`relu`].
#[derive(Clone, Copy, Debug)]
pub struct Relu;

/// The gradient of [`relu`]: the upstream gradient where the output is positive, else 0.
#[derive(Clone, Copy, Debug)]
pub struct ReluGradient;

/// `max(x, 0)` of each element of an f32 tensor.
///
/// # Errors
/// Where the input is not f32.
pub fn relu(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Relu, &[input])
}

impl Op for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        Ok(vec![shared_type(inputs, &["input"], &[])?])
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let &[Some(upstream)] = upstream else { return Ok(vec![None]) };
        Ok(vec![Some(graph.apply_one(ReluGradient, &[upstream, at.output(0)])?)])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(include_str!("relu.wgsl"), "relu"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 1)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        map_reference(inputs, outputs, |x| if x <= 0.0 { 0.0 } else { x });
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        map_host(inputs, outputs, |x| if x <= 0.0 { 0.0 } else { x })
    }

    fn cases(&self) -> Vec<Case> {
        activation_cases()
    }
}

impl Op for ReluGradient {
    fn name(&self) -> &'static str {
        "relu_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        Ok(vec![shared_type(inputs, &["upstream", "output"], &[])?])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(include_str!("relu.wgsl"), "relu_gradient"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 1)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        zip_reference(inputs, outputs, |upstream, output| if output > 0.0 { upstream } else { 0.0 });
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        zip_host(inputs, outputs, |upstream, output| if output > 0.0 { upstream } else { 0.0 })
    }

    fn cases(&self) -> Vec<Case> {
        activation_gradient_cases(&[0.0, -0.0, 1e-30, 1e30])
    }
}

pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Relu), Arc::new(ReluGradient)]
}

/// The type of f32 tensors that all have one shape, as many as there are names in `tensors`, which are followed by
/// single f32 numbers, of any rank, as many as in `numbers`.
pub(crate) fn shared_type(inputs: &[TensorType], tensors: &[&str], numbers: &[&str]) -> Result<TensorType, ShapeError> {
    let is_number = |kind: &TensorType| kind.dtype == DType::F32 && kind.shape.elements() == 1;
    if let Some(([first, others @ ..], rest)) = inputs.split_at_checked(tensors.len())
        && first.dtype == DType::F32
        && others.iter().all(|other| other == first)
        && rest.len() == numbers.len()
        && rest.iter().all(is_number)
    {
        return Ok(first.clone());
    }
    let mut wanted = format!("f32 of one shape ({})", tensors.join(", "));
    if !numbers.is_empty() {
        wanted += &format!(" and single f32 numbers ({})", numbers.join(", "));
    }
    Err(ShapeError::new(wanted, inputs))
}

/// The operations where each element of the first input takes `count`.
pub(crate) fn flops_of_each(inputs: &[TensorType], count: u64) -> u64 {
    inputs.first().map_or(0, |kind| kind.shape.elements() as u64 * count)
}

/// Maps each element of the only input.
pub(crate) fn map_reference(inputs: &[Array], outputs: &mut [Array], map: impl Fn(f64) -> f64) {
    if let ([input], [output]) = (inputs, outputs) {
        output.data.iter_mut().zip(&input.data).for_each(|(output, &x)| *output = map(x));
    }
}

/// Combines each two elements of two inputs of one shape.
pub(crate) fn zip_reference(inputs: &[Array], outputs: &mut [Array], combine: impl Fn(f64, f64) -> f64) {
    if let ([left, right], [output]) = (inputs, outputs) {
        let elements = output.data.iter_mut().zip(left.data.iter().zip(&right.data));
        elements.for_each(|(output, (&left, &right))| *output = combine(left, right));
    }
}

/// As [`map_reference`], in single precision.
pub(crate) fn map_host(inputs: &[&HostTensor], outputs: &mut [HostTensor], map: impl Fn(f32) -> f32) -> bool {
    let ([HostTensor::F32(_, input)], [HostTensor::F32(_, output)]) = (inputs, outputs) else { return false };
    output.iter_mut().zip(input).for_each(|(output, &x)| *output = map(x));
    true
}

/// As [`zip_reference`], in single precision.
pub(crate) fn zip_host(inputs: &[&HostTensor], outputs: &mut [HostTensor], combine: impl Fn(f32, f32) -> f32) -> bool {
    let ([HostTensor::F32(_, left), HostTensor::F32(_, right)], [HostTensor::F32(_, output)]) = (inputs, outputs) else {
        return false;
    };
    let elements = output.iter_mut().zip(left.iter().zip(right));
    elements.for_each(|(output, (&left, &right))| *output = combine(left, right));
    true
}

/// Four units in the last place of f32, and an absolute 1e-9 for what adapters may flush to zero: relative precision
/// down to small values is what an activation near zero must keep.
pub(crate) fn activation_tolerance() -> Tolerance {
    Tolerance { absolute: 1e-9, relative: 4.0 * f64::from(f32::EPSILON) }
}

/// One input: awkward sizes, and extremes of which nothing may become NaN.
pub(crate) fn activation_cases() -> Vec<Case> {
    const EXTREMES: [f64; 19] = [
        0.0, -0.0, 1e-30, -1e-30, 1e-4, -1e-4, 0.999, 1.0, -1.001, 10.0, -10.0, 20.0, -20.0, 88.0, -88.0, 100.0, -100.0, 1e30,
        -1e30,
    ];
    let mut cases: Vec<Case> = [1, 255, 257].map(|elements| case(format!("{elements} elements"), [floats(1, [elements])])).into();
    let extremes = case("extremes", [Array::from_fn([EXTREMES.len()], |index| EXTREMES[index])]);
    cases.extend([
        case("rows of 13", [floats(2, [7, 13])]),
        case("empty", [floats(3, [0])]),
        Case { differentiable: false, ..extremes },
    ]);
    cases
}

/// An upstream gradient and an output between -1 and 1, of awkward sizes, and with these outputs. Gradients have no
/// gradient of their own.
pub(crate) fn activation_gradient_cases(outputs: &[f64]) -> Vec<Case> {
    let sizes = [vec![1], vec![255], vec![257], vec![7, 13], vec![0]];
    let mut cases: Vec<Case> =
        sizes.map(|shape| case(format!("shape {shape:?}"), [floats(4, shape.clone()), floats(5, shape)])).into();
    let extremes = Array::from_fn([outputs.len()], |index| outputs[index]);
    cases.push(case("extremes", [floats(6, [outputs.len()]), extremes]));
    cases.into_iter().map(|case| Case { differentiable: false, ..case }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    #[test]
    fn keeps_positive_numbers_and_nan() {
        let input = Array::from_fn([4], |index| [-1.5, 0.0, 2.5, f64::NAN][index]);
        let output = &reference(&Relu, &[input])[0].data;
        assert_eq!(output[..3], [0.0, 0.0, 2.5]);
        assert!(output[3].is_nan());
    }

    #[test]
    fn the_gradient_at_zero_is_zero() {
        let upstream = Array::from_fn([3], |_| 3.0);
        let output = Array::from_fn([3], |index| [0.0, -0.0, 1e-6][index]);
        assert_eq!(reference(&ReluGradient, &[upstream, output])[0].data, [0.0, 0.0, 3.0]);
    }

    #[test]
    fn the_gradient_reads_the_output() {
        let mut graph = Graph::new();
        let [input, upstream] = [0, 1].map(|_| graph.input("x", TensorType::f32([5])));
        let output = relu(&mut graph, input).unwrap();
        let node = graph.node(output.node).clone();
        let gradients = Relu.gradient(&mut graph, &node, &[Some(upstream)]).unwrap();
        assert_eq!(graph.node(gradients[0].unwrap().node).inputs, [upstream, output]);
        assert_eq!(Relu.gradient(&mut graph, &node, &[None]).unwrap(), [None]);
    }

    #[test]
    fn errors_name_the_inputs() {
        let error = ReluGradient.infer(&[TensorType::f32([2]), TensorType::f32([3])]).unwrap_err();
        assert_eq!(error.to_string(), "wanted f32 of one shape (upstream, output), got f32[2], f32[3]");
        let [tensor, pair] = [vec![4], vec![2]].map(TensorType::f32);
        let error = shared_type(&[tensor.clone(), pair], &["parameter"], &["scale"]).unwrap_err();
        assert_eq!(error.to_string(), "wanted f32 of one shape (parameter) and single f32 numbers (scale), got f32[4], f32[2]");
        assert_eq!(shared_type(&[tensor.clone(), TensorType::f32([1])], &["parameter"], &["scale"]), Ok(tensor));
        assert!(Relu.infer(&[TensorType::u32([2])]).is_err());
        assert!(Relu.infer(&[]).is_err());
    }
}
