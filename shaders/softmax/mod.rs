//! Softmax of each row, `y[j] = exp(x[j]) / sum over i of exp(x[i])`, and its logarithm, `x[j] - log(sum over i of
//! exp(x[i]))`, along the last axis: [`torch.nn.functional.softmax`] and `log_softmax`.
//!
//! The exponents are taken relative to the row's largest element, so that nothing overflows. The derivative is taken
//! from the output, so that the input need not be kept.
//!
//! [`torch.nn.functional.softmax`]: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html

mod gradient;

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Literal, Lowering, Node, Op, ShapeError, TensorType, Tolerance, Value,
};

use crate::cases::{case, floats, tolerance_of_sum};
use crate::rowwise::{RowKernels, load_four, store_four};
use crate::sum::sum_of;

pub use gradient::SoftmaxGradient;

/// The operation of [`softmax()`] and [`log_softmax()`].
#[derive(Clone, Copy, Debug)]
pub struct Softmax {
    /// Whether it is the logarithm.
    pub log: bool,
}

/// Softmax of `input`, f32 `[..., c]`, along the last axis: the elements of each row become positive with the sum 1.
///
/// # Errors
/// Where the input is not of f32, is a scalar or has no columns.
pub fn softmax(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Softmax { log: false }, &[input])
}

/// The logarithm of [`softmax()`], without the loss of accuracy of both in turn.
///
/// # Errors
/// Where the input is not of f32, is a scalar or has no columns.
pub fn log_softmax(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    graph.apply_one(Softmax { log: true }, &[input])
}

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        match inputs {
            [input] if input.dtype == DType::F32 && input.shape.dims().last().is_some_and(|&columns| columns > 0) => {
                Ok(vec![input.clone()])
            }
            _ => Err(ShapeError::new("f32[..., c] of 1 column or more", inputs)),
        }
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let &[Some(upstream)] = upstream else { return Ok(vec![None]) };
        Ok(vec![Some(graph.apply_one(SoftmaxGradient { log: self.log }, &[upstream, at.output(0)])?)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let kernels = RowKernels {
            source: include_str!("forward.wgsl"),
            entry: "softmax",
            serial: "softmax_serial",
            serial_rows: 1,
            constants: ["softmax_strands", "softmax_rows"],
            stores_rows: false,
        };
        let (load, store) = (load_four("softmax_input", "softmax_load"), store_four("softmax_output", "softmax_store"));
        let mut kernels = kernels.kernels(&inputs[0].shape, vec![load], vec![store]);
        kernels.iter_mut().for_each(|kernel| kernel.constants.push(("softmax_log", Literal::Bool(self.log))));
        Lowering::Kernels(kernels)
    }

    /// A comparison, two subtractions, two exponentials, an addition and a division for each element.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        7 * inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let columns = inputs[0].kind.shape.columns();
        let rows = inputs[0].data.chunks_exact(columns).zip(outputs[0].data.chunks_exact_mut(columns));
        for (input, output) in rows {
            let largest = input.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = input.iter().map(|x| (x - largest).exp()).sum();
            for (y, x) in output.iter_mut().zip(input) {
                *y = if self.log { x - largest - sum.ln() } else { (x - largest).exp() / sum };
            }
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([HostTensor::F32(shape, input)], [HostTensor::F32(_, output)]) = (inputs, outputs) else { return false };
        let columns = shape.columns();
        for (input, output) in input.chunks_exact(columns).zip(output.chunks_exact_mut(columns)) {
            let largest = input.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            output.iter_mut().zip(input).for_each(|(y, x)| *y = (x - largest).exp());
            let sum = sum_of(output);
            if self.log {
                let log = sum.ln();
                output.iter_mut().zip(input).for_each(|(y, x)| *y = x - largest - log);
            } else {
                output.iter_mut().for_each(|y| *y /= sum);
            }
        }
        true
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(inputs[0].shape.columns())
    }

    fn cases(&self) -> Vec<Case> {
        let special = |label, columns: usize, x: fn(usize) -> f64| Case {
            differentiable: false,
            ..case(label, [Array::from_fn([5, columns], x)])
        };
        let long = case("a long row", [floats(7, [3, 1029])]);
        vec![
            case("digits", [floats(1, [64, 10])]),
            case("whole blocks of four", [floats(2, [7, 8])]),
            case("rows of 13", [floats(3, [9, 13])]),
            case("one column", [floats(4, [257, 1])]),
            case("a vector", [floats(5, [255])]),
            case("three axes", [floats(6, [3, 5, 66])]),
            Case { differentiable: false, ..long },
            case("no rows", [floats(8, [0, 4])]),
            special("equal elements", 6, |_| 0.5),
            special("elements of 100", 7, |index| if index % 3 == 0 { 100.0 } else { -100.0 }),
            special("elements of 1e30", 5, |index| if index % 2 == 0 { 1e30 } else { -1e30 }),
        ]
    }
}

/// Softmax and its logarithm, with their gradients.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    let both = |log| [Arc::new(Softmax { log }) as Arc<dyn Op>, Arc::new(SoftmaxGradient { log })];
    [both(false), both(true)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    #[test]
    fn rows_add_up_to_one() {
        let input = Array::from_fn([2, 3], |index| [0.0, 2.0_f64.ln(), 5.0_f64.ln(), -800.0, -800.0, 800.0][index]);
        let output = &reference(&Softmax { log: false }, std::slice::from_ref(&input))[0].data;
        let wanted = [0.125, 0.25, 0.625, 0.0, 0.0, 1.0];
        output.iter().zip(wanted).for_each(|(got, wanted)| assert!((got - wanted).abs() < 1e-7, "{got}, not {wanted}"));
        let logarithm = &reference(&Softmax { log: true }, &[input])[0].data;
        assert!((logarithm[0] - 0.125_f64.ln()).abs() < 1e-7 && logarithm[3] == -1600.0);
        examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
    }

    #[test]
    fn the_gradient_reads_the_output() {
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32([4, 5]));
        let output = log_softmax(&mut graph, input).unwrap();
        let node = graph.node(output.node).clone();
        let gradients = Softmax { log: true }.gradient(&mut graph, &node, &[Some(input)]).unwrap();
        assert_eq!(graph.node(gradients[0].unwrap().node).inputs, [input, output]);
    }

    #[test]
    fn refuses_rows_without_elements() {
        let error = Softmax { log: false }.infer(&[TensorType::f32([3, 0])]).unwrap_err();
        assert_eq!(error.to_string(), "wanted f32[..., c] of 1 column or more, got f32[3, 0]");
        assert!(Softmax { log: false }.infer(&[TensorType::f32([])]).is_err());
        assert!(SoftmaxGradient { log: true }.infer(&[TensorType::f32([3]), TensorType::f32([4])]).is_err());
    }
}
