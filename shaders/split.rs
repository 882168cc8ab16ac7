//! A tensor cut into parts along an axis: [`torch.split`], [`torch.unbind`] and [`torch.narrow`].
//!
//! All parts are outputs of one operation, so that its gradient is one tensor put together from the parts' gradients
//! rather than a sum of as many tensors that are mostly zeros. Nothing is copied where the reader can follow strides.
//!
//! [`torch.split`]: https://docs.pytorch.org/docs/stable/generated/torch.split.html
//! [`torch.unbind`]: https://docs.pytorch.org/docs/stable/generated/torch.unbind.html
//! [`torch.narrow`]: https://docs.pytorch.org/docs/stable/generated/torch.narrow.html

use std::any::Any;
use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lowering, Node, Op, Shape, ShapeError, TensorType, Tolerance, Value, View,
};

use crate::cases::{case, floats, integers};
use crate::strided::copy_strided;
use crate::{broadcast, concat, reshape};

/// The operation of [`split()`].
#[derive(Clone, Debug)]
pub struct Split {
    /// The axis that is cut.
    pub axis: usize,
    /// The parts' extents along it, which add up to the input's.
    pub extents: Vec<usize>,
}

/// Cuts `input`, of any element type, into parts of these extents along `axis`. A single part is `input` itself, and an
/// input that was cut in this way before has the same parts.
///
/// # Errors
/// Where the input has no such axis, or the extents do not add up to the axis' own.
pub fn split(graph: &mut Graph, input: Value, axis: usize, extents: &[usize]) -> Result<Vec<Value>, GraphError> {
    if graph.kind(input).shape.dims().get(axis).is_some_and(|extent| extents == [*extent]) {
        return Ok(vec![input]);
    }
    if let Some(node) = known(graph, input, axis, extents) {
        return Ok((0..extents.len()).map(|output| node.output(output)).collect());
    }
    graph.apply(Split { axis, extents: extents.to_vec() }, &[input])
}

/// The node that cuts `input` in this way.
fn known<'a>(graph: &'a Graph, input: Value, axis: usize, extents: &[usize]) -> Option<&'a Node> {
    graph.nodes().iter().find(|node| {
        let split = node.op().and_then(|op| (op as &dyn Any).downcast_ref::<Split>());
        node.inputs == [input] && split.is_some_and(|split| split.axis == axis && split.extents == extents)
    })
}

/// Cuts `input`, of any element type, into its slices along `axis`, which they no longer have.
///
/// # Errors
/// Where the input has no such axis.
pub fn unbind(graph: &mut Graph, input: Value, axis: usize) -> Result<Vec<Value>, GraphError> {
    let mut shape = graph.kind(input).shape.dims().to_vec();
    let slices = split(graph, input, axis, &vec![1; shape.get(axis).copied().unwrap_or_default()])?;
    shape.remove(axis);
    slices.into_iter().map(|slice| reshape(graph, slice, shape.clone())).collect()
}

/// The part of `input`, of any element type, that has `length` indices along `axis`, from `start` on.
///
/// # Errors
/// Where the input has no such axis, or it ends before the part does.
pub fn narrow(graph: &mut Graph, input: Value, axis: usize, start: usize, length: usize) -> Result<Value, GraphError> {
    let extent = graph.kind(input).shape.dims().get(axis).copied().unwrap_or_default();
    let after = extent.saturating_sub(start.saturating_add(length));
    let extents: Vec<usize> = [start, length, after].into_iter().filter(|&extent| extent > 0).collect();
    Ok(match (length, extents.len()) {
        (0, _) => split(graph, input, axis, &[start, 0, after])?[1],
        _ => split(graph, input, axis, &extents)?[usize::from(start > 0)],
    })
}

impl Split {
    /// Where each part begins along the axis.
    fn starts(&self) -> impl Iterator<Item = usize> {
        self.extents.iter().scan(0, |next, extent| {
            let start = *next;
            *next += extent;
            Some(start)
        })
    }

    fn part(&self, whole: &Shape, extent: usize) -> Shape {
        let mut dims = whole.dims().to_vec();
        dims[self.axis] = extent;
        dims.into()
    }
}

impl Op for Split {
    fn name(&self) -> &'static str {
        "split"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        let total = self.extents.iter().try_fold(0_usize, |total, extent| total.checked_add(*extent));
        match inputs {
            [input] if total.is_some() && input.shape.dims().get(self.axis).copied() == total && !self.extents.is_empty() => {
                Ok(self.extents.iter().map(|&extent| TensorType::new(input.dtype, self.part(&input.shape, extent))).collect())
            }
            _ => {
                let wanted = format!("a tensor whose axis {} has the extent of {:?} together", self.axis, self.extents);
                Err(ShapeError::new(wanted, inputs))
            }
        }
    }

    /// The parts' gradients put together, with zeros where nothing depends on a part.
    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let mut parts = Vec::with_capacity(upstream.len());
        for (part, kind) in upstream.iter().zip(&at.outputs).filter(|(_, kind)| kind.shape.dims()[self.axis] > 0) {
            parts.push(match *part {
                Some(part) => part,
                None => {
                    let zero = graph.scalar(0.0);
                    broadcast(graph, zero, kind.shape.clone())?
                }
            });
        }
        if parts.is_empty() {
            return Ok(vec![None]);
        }
        Ok(vec![Some(concat(graph, &parts, self.axis)?)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let strides = inputs[0].shape.strides();
        let offset = |start| start * strides[self.axis];
        Lowering::View(self.starts().map(|start| View::Strided { offset: offset(start), strides: strides.clone() }).collect())
    }

    fn flops(&self, _inputs: &[TensorType]) -> u64 {
        0
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let shape = &inputs[0].kind.shape;
        let (extent, below) = (shape.dims()[self.axis], shape.strides()[self.axis]);
        for (output, start) in outputs.iter_mut().zip(self.starts()) {
            let own = output.kind.shape.dims()[self.axis];
            for (index, element) in output.data.iter_mut().enumerate() {
                let (outer, along, inner) = (index / below / own, index / below % own, index % below);
                *element = inputs[0].data[(outer * extent + start + along) * below + inner];
            }
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let strides = inputs[0].shape().strides();
        let mut parts = outputs.iter_mut().zip(self.starts());
        parts.all(|(output, start)| copy_strided(inputs[0], output, start * strides[self.axis], &strides))
    }

    fn tolerance(&self, _inputs: &[TensorType]) -> Tolerance {
        Tolerance { absolute: 0.0, relative: 0.0 }
    }

    fn cases(&self) -> Vec<Case> {
        let shape = |before: usize, behind: &[usize]| {
            let total = self.extents.iter().sum();
            Shape::from([&vec![before; self.axis][..], &[total], behind].concat())
        };
        let integers = integers(DType::U32, shape(2, &[3]), |index| index as u32);
        vec![
            case("nothing behind the axis", [floats(1, shape(3, &[]))]),
            case("rows of 8", [floats(2, shape(2, &[8]))]),
            case("rows of 5", [floats(3, shape(3, &[5]))]),
            case("matrices", [floats(4, shape(2, &[3, 4]))]),
            Case { differentiable: false, ..case("integers", [integers]) },
            case("no elements", [floats(5, shape(2, &[0]))]),
        ]
    }
}

/// Parts along the first, second and third axis: equal ones, odd ones, an empty one, and more than can be bound.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    let cuts = [(0, vec![4, 4, 8]), (0, vec![3, 1, 7]), (1, vec![8, 8]), (1, vec![1, 0, 6]), (2, vec![5, 2]), (0, vec![1; 11])];
    cuts.map(|(axis, extents)| Arc::new(Split { axis, extents }) as Arc<dyn Op>).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    #[test]
    fn cuts_along_an_axis() {
        let input = Array::from_fn([2, 3], |index| index as f64);
        let outputs = reference(&Split { axis: 1, extents: vec![1, 2] }, &[input]);
        assert_eq!((outputs[0].kind.clone(), &outputs[0].data[..]), (TensorType::f32([2, 1]), &[0.0, 3.0][..]));
        assert_eq!((outputs[1].kind.clone(), &outputs[1].data[..]), (TensorType::f32([2, 2]), &[1.0, 2.0, 4.0, 5.0][..]));
        examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
    }

    #[test]
    fn slices_and_parts_are_outputs_of_one_operation() {
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32([3, 5, 2]));
        let slices = unbind(&mut graph, input, 1).unwrap();
        assert_eq!(slices.len(), 5);
        assert!(slices.iter().all(|&slice| *graph.kind(slice) == TensorType::f32([3, 2])));
        for (start, length, output) in [(0, 2, 0), (1, 3, 1), (3, 2, 1), (2, 0, 1)] {
            let part = narrow(&mut graph, input, 1, start, length).unwrap();
            assert_eq!((graph.kind(part).shape.dims(), part.output), (&[3, length, 2][..], output));
        }
        assert_eq!(narrow(&mut graph, input, 1, 0, 5), Ok(input));
        assert!(narrow(&mut graph, input, 1, 3, 3).is_err());
        assert!(unbind(&mut graph, input, 3).is_err());
    }

    #[test]
    fn gradient_is_one_tensor_with_zeros_for_unused_parts() {
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32([6, 2]));
        let parts = split(&mut graph, input, 0, &[1, 2, 3]).unwrap();
        let node = graph.node(parts[0].node).clone();
        let upstream = graph.input("upstream", TensorType::f32([2, 2]));
        let gradient = node.op().unwrap().gradient(&mut graph, &node, &[None, Some(upstream), None]).unwrap()[0].unwrap();
        let concat = graph.node(gradient.node);
        assert_eq!((concat.name(), concat.inputs[1]), ("concat", upstream));
        assert_eq!(graph.kind(gradient), graph.kind(input));
    }

    #[test]
    fn refuses_parts_that_are_not_the_whole() {
        let error = Split { axis: 1, extents: vec![2, 2] }.infer(&[TensorType::f32([4, 5])]).unwrap_err().to_string();
        assert_eq!(error, "wanted a tensor whose axis 1 has the extent of [2, 2] together, got f32[4, 5]");
        assert!(Split { axis: 2, extents: vec![4] }.infer(&[TensorType::f32([4, 5])]).is_err());
        assert!(Split { axis: 0, extents: vec![usize::MAX, 5] }.infer(&[TensorType::f32([4, 5])]).is_err());
        assert!(Split { axis: 0, extents: vec![] }.infer(&[TensorType::f32([0, 5])]).is_err());
    }
}
