//! A tensor's axes in another order: [`torch.permute`]. Nothing is copied where the reader can follow strides.
//!
//! [`torch.permute`]: https://docs.pytorch.org/docs/stable/generated/torch.permute.html

use std::any::Any;
use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lowering, Node, Op, Shape, ShapeError, TensorType, Tolerance, Value, View,
};

use crate::cases::{case, floats, integers};
use crate::strided::copy_strided;

/// The operation of [`permute()`].
#[derive(Clone, Debug)]
pub struct Permute {
    /// For each axis of the output, the axis of the input that it is.
    pub axes: Vec<usize>,
}

/// Shows `input`, of any element type, with its axes in the order of `axes`: axis `i` of the output is axis `axes[i]`
/// of the input. An order that changes nothing gives `input` itself, and two orders after each other are one.
///
/// # Errors
/// Where `axes` does not name each axis of the input once.
pub fn permute(graph: &mut Graph, input: Value, axes: &[usize]) -> Result<Value, GraphError> {
    if axes.iter().copied().eq(0..graph.kind(input).shape.rank()) {
        return Ok(input);
    }
    let node = graph.node(input.node);
    let before = node.op().and_then(|op| (op as &dyn Any).downcast_ref::<Permute>());
    if let Some(Permute { axes: before }) = before.filter(|before| before.names_each_axis_once(axes.len())) {
        let (inner, axes) =
            (node.inputs[0], axes.iter().map(|&axis| before.get(axis).copied().unwrap_or(axis)).collect::<Vec<_>>());
        return permute(graph, inner, &axes);
    }
    graph.apply_one(Permute { axes: axes.to_vec() }, &[input])
}

/// Shows `input`, of any element type, with two of its axes exchanged.
///
/// # Errors
/// Where the input has no such axes.
pub fn transpose(graph: &mut Graph, input: Value, first: usize, second: usize) -> Result<Value, GraphError> {
    let mut axes: Vec<usize> = (0..graph.kind(input).shape.rank()).collect();
    if first.max(second) >= axes.len() {
        return permute(graph, input, &[first, second]);
    }
    axes.swap(first, second);
    permute(graph, input, &axes)
}

impl Permute {
    fn names_each_axis_once(&self, rank: usize) -> bool {
        let mut sorted = self.axes.clone();
        sorted.sort_unstable();
        sorted.into_iter().eq(0..rank)
    }

    fn pick(&self, of_input: &[usize]) -> Vec<usize> {
        self.axes.iter().map(|&axis| of_input[axis]).collect()
    }

    fn inverse(&self) -> Vec<usize> {
        let mut inverse = vec![0; self.axes.len()];
        self.axes.iter().enumerate().for_each(|(to, &from)| inverse[from] = to);
        inverse
    }
}

impl Op for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        match inputs {
            [input] if self.names_each_axis_once(input.shape.rank()) => {
                Ok(vec![TensorType::new(input.dtype, self.pick(input.shape.dims()))])
            }
            _ => Err(ShapeError::new(format!("a tensor whose axes are {:?} in some order", self.axes), inputs)),
        }
    }

    fn gradient(&self, graph: &mut Graph, _: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let [Some(upstream)] = *upstream else { return Ok(vec![None]) };
        Ok(vec![Some(permute(graph, upstream, &self.inverse())?)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        Lowering::View(vec![View::Strided { offset: 0, strides: self.pick(&inputs[0].shape.strides()) }])
    }

    fn flops(&self, _inputs: &[TensorType]) -> u64 {
        0
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let (from, to) = (&inputs[0].kind.shape, outputs[0].kind.shape.clone());
        for (index, element) in inputs[0].data.iter().enumerate() {
            let axes = from.strides().into_iter().zip(from.dims()).zip(self.inverse());
            let at = axes.map(|((stride, extent), axis)| index / stride % extent * to.strides()[axis]).sum::<usize>();
            outputs[0].data[at] = *element;
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        copy_strided(inputs[0], &mut outputs[0], 0, &self.pick(&inputs[0].shape().strides()))
    }

    fn tolerance(&self, _inputs: &[TensorType]) -> Tolerance {
        Tolerance { absolute: 0.0, relative: 0.0 }
    }

    fn cases(&self) -> Vec<Case> {
        let shape = |extents: [usize; 4]| Shape::from(extents[..self.axes.len()].to_vec());
        let integers = integers(DType::U32, shape([4, 8, 3, 5]), |index| index as u32);
        vec![
            case("extents of 4 and 8", [floats(1, shape([8, 4, 8, 4]))]),
            case("odd extents", [floats(2, shape([7, 5, 3, 2]))]),
            case("an axis of extent 1", [floats(3, shape([1, 13, 1, 3]))]),
            Case { differentiable: false, ..case("long axes", [floats(4, shape([257, 17, 2, 2]))]) },
            Case { differentiable: false, ..case("integers", [integers]) },
            case("no elements", [floats(5, shape([0, 3, 2, 2]))]),
        ]
    }
}

/// Transposed matrices, and orders of up to four axes that keep the last one and that do not.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    let orders: [&[usize]; 5] = [&[1, 0], &[1, 0, 2], &[2, 0, 1], &[0, 2, 1, 3], &[3, 1, 2, 0]];
    orders.map(|axes| Arc::new(Permute { axes: axes.to_vec() }) as Arc<dyn Op>).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::{assert_host_agrees, reference};

    #[test]
    fn turns_rows_into_columns() {
        let input = Array::from_fn([2, 3], |index| index as f64);
        let output = &reference(&Permute { axes: vec![1, 0] }, &[input])[0];
        assert_eq!((output.kind.clone(), &output.data[..]), (TensorType::f32([3, 2]), &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0][..]));
        examples().iter().for_each(|op| assert_host_agrees(op.as_ref()));
    }

    #[test]
    fn moves_each_axis_to_its_place() {
        let input = Array::from_fn([2, 3, 4], |index| index as f64);
        let output = &reference(&Permute { axes: vec![2, 0, 1] }, &[input])[0];
        assert_eq!(output.kind, TensorType::f32([4, 2, 3]));
        assert_eq!(output.data[3 * 6 + 3 + 2], 12.0 + 2.0 * 4.0 + 3.0);
    }

    #[test]
    fn gradient_restores_the_order() {
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32([2, 3, 4]));
        let permuted = permute(&mut graph, input, &[2, 0, 1]).unwrap();
        let node = graph.node(permuted.node).clone();
        let gradient = node.op().unwrap().gradient(&mut graph, &node, &[Some(permuted)]).unwrap()[0].unwrap();
        assert_eq!(graph.kind(gradient), graph.kind(input));
        assert_eq!(transpose(&mut graph, input, 1, 1), Ok(input));
    }

    #[test]
    fn refuses_what_is_no_order_of_all_axes() {
        let error = Permute { axes: vec![0, 2, 2] }.infer(&[TensorType::f32([2, 3, 4])]).unwrap_err().to_string();
        assert_eq!(error, "wanted a tensor whose axes are [0, 2, 2] in some order, got f32[2, 3, 4]");
        assert!(Permute { axes: vec![1, 0] }.infer(&[TensorType::f32([2, 3, 4])]).is_err());
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32([2, 3]));
        assert!(transpose(&mut graph, input, 0, 2).is_err() && transpose(&mut graph, input, usize::MAX, 0).is_err());
    }
}
