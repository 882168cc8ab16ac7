//! The gradient of a maximum: the upstream gradient for the largest elements, shared evenly among equals.

use wgrad_core::{Array, Case, Function, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Value};

use crate::axes::reduced_shape;
use crate::broadcasting::{broadcast_host, broadcast_map, broadcast_to};
use crate::cases::{case, floats};
use crate::{reshape, sum_axes};

const SOURCE: &str = include_str!("gradient.wgsl");

/// 1 for each element of the first input, f32, that equals the second, which broadcasts to it; else 0.
#[derive(Clone, Copy, Debug)]
pub struct MaxTies;

/// `ties * upstream / count`, f32, where ties are the second of these three inputs, and the others broadcast to them.
#[derive(Clone, Copy, Debug)]
pub struct MaxGradient;

/// The gradient of the second input of a maximum over these axes of it.
pub(super) fn max_gradient(graph: &mut Graph, at: &Node, upstream: Value, axes: &[usize]) -> Result<Value, GraphError> {
    let whole = at.inputs[1];
    let kept = reduced_shape(&graph.kind(whole).shape, axes, true);
    let largest = reshape(graph, at.output(0), kept.clone())?;
    let upstream = reshape(graph, upstream, kept)?;
    let ties = graph.apply_one(MaxTies, &[whole, largest])?;
    let count = sum_axes(graph, ties, axes, true)?;
    graph.apply_one(MaxGradient, &[upstream, ties, count])
}

impl Op for MaxTies {
    fn name(&self) -> &'static str {
        "max_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        broadcast_to(inputs, 2, 0)
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(SOURCE, "max_ties"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        broadcast_map(inputs, &mut outputs[0], |x| if x[0] == x[1] { 1.0 } else { 0.0 });
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        broadcast_host(inputs, outputs, |x, largest| if x == largest { 1.0 } else { 0.0 })
    }

    fn cases(&self) -> Vec<Case> {
        let equal = Array::from_fn([6, 8], |index| (index % 3) as f64);
        let cases = [
            case("a column", [equal.clone(), Array::from_fn([6, 1], |row| (row % 3) as f64)]),
            case("a row", [equal.clone(), Array::from_fn([8], |column| (column % 3) as f64)]),
            case("rows of 13", [floats(1, [7, 13]), floats(1, [1, 13])]),
            case("a scalar", [equal, Array::from_fn([], |_| 2.0)]),
        ];
        cases.map(|case| Case { differentiable: false, ..case }).to_vec()
    }
}

impl Op for MaxGradient {
    fn name(&self) -> &'static str {
        "max_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        broadcast_to(inputs, 3, 1)
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(SOURCE, "max_gradient"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        2 * inputs[1].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        broadcast_map(inputs, &mut outputs[0], |x| x[1] * (x[0] / x[2]));
    }

    /// For shares of one shape: their product with the ties.
    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let [HostTensor::F32(shape, upstream), ties, HostTensor::F32(counts, count)] = inputs else { return false };
        if shape != counts {
            return false;
        }
        let share = upstream.iter().zip(count).map(|(upstream, count)| upstream / count).collect();
        broadcast_host(&[ties, &HostTensor::F32(shape.clone(), share)], outputs, |ties, share| ties * share)
    }

    fn cases(&self) -> Vec<Case> {
        let ties = |shape: [usize; 2]| Array::from_fn(shape, |index| f64::from(index % 3 == 0));
        let counts = |shape: [usize; 2]| Array::from_fn(shape, |index| (index % 4 + 1) as f64);
        let cases = [
            case("columns", [floats(1, [7, 1]), ties([7, 13]), counts([7, 1])]),
            case("rows", [floats(2, [1, 8]), ties([5, 8]), counts([1, 8])]),
            case("scalars", [floats(3, [1, 1]), ties([5, 3]), counts([1, 1])]),
            case("nothing", [floats(4, [0, 1]), ties([0, 3]), counts([0, 1])]),
        ];
        cases.map(|case| Case { differentiable: false, ..case }).to_vec()
    }
}
