//! Casts between f32 and f16: [`torch.Tensor.to`].
//!
//! f32 is rounded to the nearest f16, of two equally near ones to that with an even last bit; magnitudes from 65,520 on
//! become infinite, and those below 2^-14 multiples of 2^-24. An adapter may flush what is below 2^-14 to zero when it is
//! loaded. Every f16 is an f32.
//!
//! The gradient is the upstream gradient, in f32 for either type: that of a value of f16 is not rounded.
//!
//! [`torch.Tensor.to`]: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.to.html

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Function, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Tolerance, Value,
};

use crate::cases::{case, floats, halves};

/// The operation of [`cast()`].
#[derive(Clone, Copy, Debug)]
pub struct Cast {
    /// The type of the output's elements.
    pub dtype: DType,
}

/// The elements of `input`, of f32 or f16 and any shape, as `dtype`, f32 or f16. An input of that type is returned as it
/// is.
///
/// # Errors
/// Where either type is another.
pub fn cast(graph: &mut Graph, input: Value, dtype: DType) -> Result<Value, GraphError> {
    if graph.kind(input).dtype == dtype && is_float(dtype) {
        return Ok(input);
    }
    graph.apply_one(Cast { dtype }, &[input])
}

fn is_float(dtype: DType) -> bool {
    matches!(dtype, DType::F32 | DType::F16)
}

impl Op for Cast {
    fn name(&self) -> &'static str {
        "cast"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        match inputs {
            [input] if is_float(input.dtype) && is_float(self.dtype) && input.dtype != self.dtype => {
                Ok(vec![TensorType::new(self.dtype, input.shape.clone())])
            }
            _ => Err(ShapeError::new(format!("a tensor of f32 or f16 to cast to {}, f32 or f16", self.dtype), inputs)),
        }
    }

    fn gradient(&self, _graph: &mut Graph, _at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        Ok(upstream.to_vec())
    }

    fn lowering(&self, _inputs: &[TensorType]) -> Lowering {
        let name = if self.dtype == DType::F16 { "cast_narrow" } else { "cast_widen" };
        Lowering::Pointwise(Function::new(include_str!("cast.wgsl"), name))
    }

    fn flops(&self, _inputs: &[TensorType]) -> u64 {
        0
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let rounded = HostTensor::from_array(&Array { kind: outputs[0].kind.clone(), data: inputs[0].data.clone() });
        outputs[0] = rounded.to_array();
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let mut array = inputs[0].to_array();
        array.kind.dtype = self.dtype;
        outputs[0] = HostTensor::from_array(&array);
        true
    }

    fn tolerance(&self, _inputs: &[TensorType]) -> Tolerance {
        Tolerance { absolute: 0.0, relative: 0.0 }
    }

    fn cases(&self) -> Vec<Case> {
        let extremes = Array { kind: TensorType::f32([AWKWARD.len()]), data: AWKWARD.map(f64::from).to_vec() };
        if self.dtype == DType::F32 {
            let shapes = [vec![1], vec![257], vec![7, 13], vec![4, 8], vec![0]];
            let widened = |shape: Vec<usize>| case(format!("halves {shape:?}"), [halves(floats(3, shape))]);
            let awkward = case("limits", [halves(extremes)]);
            let cases = shapes.into_iter().map(widened).chain([awkward]);
            return cases.map(|case| Case { differentiable: false, ..case }).collect();
        }
        let rounded = |label, input| Case { differentiable: false, ..case(label, [input]) };
        vec![
            rounded("a single element", floats(1, [1])),
            rounded("257 elements", floats(2, [257])),
            rounded("rows of 13", floats(3, [7, 13])),
            rounded("rows of two words and a half", floats(4, [3, 5])),
            rounded("rows of whole words", floats(5, [4, 8])),
            rounded("halves of steps, and the limits", extremes),
            rounded("nothing", floats(6, [0])),
        ]
    }
}

/// Ties either way, the largest numbers that stay finite and those that do not, the smallest normal and subnormal ones, and
/// what is no number.
const AWKWARD: [f32; 22] = [
    0.0,
    -0.0,
    2049.0,
    2051.0,
    -2049.0,
    2049.001,
    65504.0,
    65519.99,
    65520.0,
    -65536.0,
    1e30,
    6.103_515_6e-5,
    -6.109_476e-5,
    6.1e-5,
    2.98e-8,
    2.9e-8,
    8.940_697e-8,
    -1.5e-6,
    1e-30,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
];

/// Either way.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    [DType::F16, DType::F32].map(|dtype| Arc::new(Cast { dtype }) as Arc<dyn Op>).to_vec()
}

#[cfg(test)]
mod tests {
    use wgrad_core::autodiff::differentiate;

    use super::*;
    use crate::cases::tests::reference;
    use crate::{accumulate, sum};

    #[test]
    fn rounds_to_the_nearest_and_ties_to_even() {
        let array = Array { kind: TensorType::f32([6]), data: vec![2049.0, 2051.0, 65519.0, 65520.0, -1e-9, 1.5] };
        let rounded = &reference(&Cast { dtype: DType::F16 }, &[array])[0];
        assert_eq!(rounded.data, [2048.0, 2052.0, 65504.0, f64::INFINITY, 0.0, 1.5]);
        assert_eq!(rounded.kind.dtype, DType::F16);
    }

    #[test]
    fn the_gradient_goes_through_both_ways_unrounded() {
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32([5]));
        let narrow = cast(&mut graph, input, DType::F16).unwrap();
        let wide = cast(&mut graph, narrow, DType::F32).unwrap();
        let (total, one) = (sum(&mut graph, wide).unwrap(), graph.scalar(1.0));
        let gradients = differentiate(&mut graph, total, one, &[input], accumulate).unwrap();
        assert_eq!(graph.kind(gradients[0].unwrap()), &TensorType::f32([5]));
        assert!(!graph.nodes().iter().skip(total.node.0 as usize).any(|node| node.name() == "cast"));
    }

    #[test]
    fn only_floats_are_cast() {
        let error = Cast { dtype: DType::F16 }.infer(&[TensorType::u32([2])]).unwrap_err();
        assert_eq!(error.to_string(), "wanted a tensor of f32 or f16 to cast to f16, f32 or f16, got u32[2]");
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32([2]));
        assert_eq!(cast(&mut graph, input, DType::F32), Ok(input));
        assert!(cast(&mut graph, input, DType::U8).is_err());
    }
}
