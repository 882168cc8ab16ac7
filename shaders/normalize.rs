//! Affine map: `x * scale + offset`, element by element, of f32 or bytes to f32, for tensors of any shape.

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Function, Graph, GraphError, HostTensor, Literal, Lowering, Node, Op, ShapeError, TensorType, Value,
};

use crate::cases::{case, floats, integers};
use crate::elementwise::{flops_of_each, map_host, map_reference};
use crate::mul;

/// See [`normalize`].
#[derive(Clone, Copy, Debug)]
pub struct Normalize {
    /// What each element is multiplied with.
    pub scale: f32,
    /// What is added to each product.
    pub offset: f32,
}

/// `x * scale + offset` of each element of a tensor of f32 or bytes, as f32.
///
/// # Errors
/// Where the input is u32, or an attribute is not finite.
pub fn normalize(graph: &mut Graph, input: Value, scale: f32, offset: f32) -> Result<Value, GraphError> {
    graph.apply_one(Normalize { scale, offset }, &[input])
}

impl Op for Normalize {
    fn name(&self) -> &'static str {
        "normalize"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if !(self.scale.is_finite() && self.offset.is_finite()) {
            let got = format!("{} and {}", self.scale, self.offset);
            return Err(ShapeError { wanted: "a finite scale and offset".to_owned(), got });
        }
        match inputs {
            [input] if matches!(input.dtype, DType::F32 | DType::U8) => Ok(vec![TensorType::f32(input.shape.clone())]),
            _ => Err(ShapeError::new("one tensor of f32 or u8", inputs)),
        }
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[Some(upstream)], &[input]) = (upstream, at.inputs.as_slice()) else { return Ok(vec![None]) };
        if graph.kind(input).dtype != DType::F32 {
            return Ok(vec![None]);
        }
        let scale = graph.scalar(self.scale);
        Ok(vec![Some(mul(graph, upstream, scale)?)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let bytes = inputs.iter().any(|input| input.dtype == DType::U8);
        let name = if bytes { "normalize_bytes" } else { "normalize_floats" };
        let constants = [Literal::F32(self.scale), Literal::F32(self.offset)];
        Lowering::Pointwise(Function::new(include_str!("normalize.wgsl"), name).with_constants(constants))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 2)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        map_reference(inputs, outputs, |x| x * f64::from(self.scale) + f64::from(self.offset));
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let normalized = |x: f32| x * self.scale + self.offset;
        if let ([HostTensor::U8(_, input)], [HostTensor::F32(_, output)]) = (inputs, &mut *outputs) {
            output.iter_mut().zip(input).for_each(|(output, &byte)| *output = normalized(byte.into()));
            return true;
        }
        map_host(inputs, outputs, normalized)
    }

    fn cases(&self) -> Vec<Case> {
        let bytes = |shape: Vec<usize>| integers(DType::U8, shape, |index| (index * 37 % 256) as u32);
        vec![
            case("1 element", [floats(1, [1])]),
            case("257 elements", [floats(2, [257])]),
            case("rows of 13", [floats(3, [7, 13])]),
            Case { differentiable: false, ..case("255 bytes", [bytes(vec![255])]) },
            Case { differentiable: false, ..case("1 byte", [bytes(vec![1])]) },
            Case { differentiable: false, ..case("rows of 13 bytes", [bytes(vec![7, 13])]) },
            Case { differentiable: false, ..case("rows of 784 bytes", [bytes(vec![3, 784])]) },
            Case { differentiable: false, ..case("no bytes", [bytes(vec![0])]) },
        ]
    }
}

/// The mean and standard deviation of MNIST's training images.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Normalize { scale: 1.0 / (255.0 * 0.3081), offset: -0.1307 / 0.3081 })]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    const HALVES: Normalize = Normalize { scale: 0.5, offset: -1.0 };

    #[test]
    fn widens_bytes() {
        let output = &reference(&HALVES, &[integers(DType::U8, [3], |index| index as u32 * 127)])[0];
        assert_eq!((output.kind.dtype, output.data.as_slice()), (DType::F32, &[-1.0, 62.5, 126.0][..]));
    }

    #[test]
    fn only_floats_have_a_gradient() {
        let mut graph = Graph::new();
        let upstream = graph.input("upstream", TensorType::f32([2]));
        for (dtype, wanted) in [(DType::F32, Some("mul")), (DType::U8, None)] {
            let input = graph.input("x", TensorType::new(dtype, [2]));
            let output = normalize(&mut graph, input, 0.5, -1.0).unwrap();
            let node = graph.node(output.node).clone();
            let gradient = HALVES.gradient(&mut graph, &node, &[Some(upstream)]).unwrap()[0];
            assert_eq!(gradient.map(|value| graph.node(value.node).name().to_owned()).as_deref(), wanted);
        }
    }

    #[test]
    fn refuses_what_it_cannot_write_or_read() {
        assert!(Normalize { scale: f32::NAN, ..HALVES }.infer(&[TensorType::f32([2])]).is_err());
        assert!(Normalize { offset: f32::INFINITY, ..HALVES }.infer(&[TensorType::f32([2])]).is_err());
        assert_eq!(HALVES.infer(&[TensorType::u32([2])]).unwrap_err().got, "u32[2]");
    }
}
