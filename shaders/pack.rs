//! Tensors flattened into one vector: the gradients of all parameters, which one dispatch then applies.
//!
//! Each begins at a multiple of 4 elements, so that kernels move four at a time wherever they begin. The elements
//! between them are zeros on the CPU; nothing may depend on them.

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lowering, Node, Op, Shape, ShapeError, TensorType, Tolerance, Value,
};

use crate::cases::{case, floats};
use crate::slice;
use crate::slice::copy_elements;

/// The operation of [`pack()`].
#[derive(Clone, Debug)]
pub struct Pack;

/// Where tensors lie in the vector that [`pack()`] makes of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackLayout {
    /// The element at which each begins, a multiple of 4.
    pub offsets: Vec<usize>,
    /// The vector's length in elements, a multiple of 4.
    pub length: usize,
}

/// Flattens `values`, f32 tensors of any shape, and puts them behind one another: `[n]`.
///
/// # Errors
/// Where there are no values, or one is not of f32.
pub fn pack(graph: &mut Graph, values: &[Value]) -> Result<Value, GraphError> {
    graph.apply_one(Pack, values)
}

/// Where tensors of these shapes lie once they are packed.
///
/// ```
/// let layout = wgrad_shaders::pack_layout(&[[2, 3].into(), [5].into()]);
/// assert_eq!((layout.offsets, layout.length), (vec![0, 8], 16));
/// ```
pub fn pack_layout(shapes: &[Shape]) -> PackLayout {
    let mut length = 0;
    let mut offsets = Vec::with_capacity(shapes.len());
    for shape in shapes {
        offsets.push(length);
        length = (length + shape.elements()).next_multiple_of(4);
    }
    PackLayout { offsets, length }
}

fn layout_of(inputs: &[TensorType]) -> PackLayout {
    let shapes: Vec<Shape> = inputs.iter().map(|input| input.shape.clone()).collect();
    pack_layout(&shapes)
}

impl Op for Pack {
    fn name(&self) -> &'static str {
        "pack"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if inputs.is_empty() || inputs.iter().any(|input| input.dtype != DType::F32) {
            return Err(ShapeError::new("one or more tensors of f32", inputs));
        }
        Ok(vec![TensorType::f32([layout_of(inputs).length])])
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let [Some(upstream)] = *upstream else { return Ok(vec![None; at.inputs.len()]) };
        let shapes: Vec<Shape> = at.inputs.iter().map(|&input| graph.kind(input).shape.clone()).collect();
        let offsets = pack_layout(&shapes).offsets;
        let parts = offsets.into_iter().zip(shapes);
        parts.map(|(offset, shape)| slice(graph, upstream, offset, shape).map(Some)).collect()
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        Lowering::Pack(layout_of(inputs).offsets)
    }

    fn flops(&self, _inputs: &[TensorType]) -> u64 {
        0
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let mut next = 0;
        for input in inputs {
            for &element in &input.data {
                outputs[0].data[next] = element;
                next += 1;
            }
            while next % 4 != 0 {
                next += 1;
            }
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let kinds: Vec<TensorType> = inputs.iter().map(|input| input.kind()).collect();
        let parts = inputs.iter().zip(layout_of(&kinds).offsets);
        parts.into_iter().all(|(input, offset)| copy_elements(input, 0..input.len(), &mut outputs[0], offset))
    }

    fn tolerance(&self, _inputs: &[TensorType]) -> Tolerance {
        Tolerance { absolute: 0.0, relative: 0.0 }
    }

    fn cases(&self) -> Vec<Case> {
        vec![
            case("without gaps", [floats(1, [2, 4]), floats(2, [8]), floats(3, [1, 4])]),
            case("with gaps", [floats(4, [7, 3]), floats(5, []), floats(6, [2, 3]), floats(7, [5])]),
            case("one of them", [floats(8, [257])]),
            case("an empty one", [floats(9, [3]), floats(10, [0]), floats(11, [4])]),
        ]
    }
}

/// It has no attributes.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Pack)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    #[test]
    fn each_tensor_begins_at_a_multiple_of_four() {
        let inputs = [Array::from_fn([5], |index| 1.0 + index as f64), floats(1, [1])];
        let output = &reference(&Pack, &inputs)[0];
        let second = inputs[1].data[0];
        let wanted = [1.0, 2.0, 3.0, 4.0, 5.0, 0.0, 0.0, 0.0, second, 0.0, 0.0, 0.0];
        assert_eq!(output.data, wanted);
        assert_host_agrees(&Pack);
    }

    #[test]
    fn gradients_are_the_parts_of_the_upstream_gradient() {
        let mut graph = Graph::new();
        let inputs = [[3, 3], [2, 1]].map(|shape| graph.input("x", TensorType::f32(shape)));
        let packed = pack(&mut graph, &inputs).unwrap();
        let upstream = graph.input("upstream", graph.kind(packed).clone());
        let node = graph.node(packed.node).clone();
        let gradients = Pack.gradient(&mut graph, &node, &[Some(upstream)]).unwrap();
        for (gradient, (wanted, offset)) in gradients.into_iter().zip([([3, 3], 0), ([2, 1], 12)]) {
            let gradient = graph.node(gradient.unwrap().node);
            assert_eq!(gradient.outputs, [TensorType::f32(wanted)]);
            let op = gradient.op().unwrap();
            assert_eq!(format!("{op:?}"), format!("{:?}", crate::Slice { offset, shape: wanted.into() }));
        }
    }

    #[test]
    fn refuses_integers_and_nothing() {
        let error = Pack.infer(&[TensorType::f32([2]), TensorType::u32([3])]).unwrap_err();
        assert_eq!(error.to_string(), "wanted one or more tensors of f32, got f32[2], u32[3]");
        assert!(Pack.infer(&[]).is_err());
    }
}
