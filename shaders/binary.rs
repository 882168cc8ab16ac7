//! Operations on each two elements of two tensors.

use std::fmt::Debug;

use wgrad_core::{
    Array, Case, Function, Graph, GraphError, HostTensor, Lowering, Node, Op, ShapeError, TensorType, Tolerance, Value,
};

use crate::broadcasting::{
    broadcast_cases, broadcast_elements, broadcast_host, broadcast_reference, broadcast_type, sum_to_input,
};
use crate::cases::case;
use crate::{equal, mul, select};

/// A function of two numbers: what an operation on two f32 tensors that broadcast consists of, which is [`Binary`].
///
/// Its WGSL takes `left` and `right` and returns a result, all `vec4f` of four elements.
pub trait BinaryFunction: Copy + Debug + Send + Sync + 'static {
    /// The operation's name, with which all names in the WGSL file begin.
    const NAME: &'static str;

    /// The WGSL function: another name than the operation's where WGSL has a function of that name itself.
    const FUNCTION: &'static str = Self::NAME;

    /// The WGSL file.
    const SOURCE: &'static str;

    /// Floating-point operations that an element of the output takes.
    const FLOPS: u64 = 1;

    /// The function.
    fn value(&self, left: f64, right: f64) -> f64;

    /// The gradients of both inputs as nodes that are added to the graph, in the output's shape: [`Binary`] sums them over
    /// the axes along which an input was repeated. The default has none.
    ///
    /// # Errors
    /// Where an operation does not take what it is given.
    fn gradient(&self, graph: &mut Graph, upstream: Value, at: BinaryValues) -> Result<[Option<Value>; 2], GraphError> {
        let _ = (graph, upstream, at);
        Ok([None; 2])
    }

    /// How far the WGSL may stray.
    fn tolerance(&self) -> Tolerance {
        Tolerance::default()
    }

    /// Further cases than sizes and broadcasts that are awkward.
    fn extremes(&self) -> Vec<Case> {
        Vec::new()
    }
}

/// What a [`Binary`] reads and makes.
#[derive(Clone, Copy, Debug)]
pub struct BinaryValues {
    /// The first input.
    pub left: Value,
    /// The second input.
    pub right: Value,
    /// The output.
    pub output: Value,
}

impl BinaryValues {
    /// The upstream gradient where an input has not lost, half of it where both are equal, for each of both inputs, as 1
    /// in `lost` says.
    pub(crate) fn share_of_winner(&self, graph: &mut Graph, upstream: Value, lost: [Value; 2]) -> Result<[Value; 2], GraphError> {
        let [one_half, zero] = [0.5, 0.0].map(|number| graph.scalar(number));
        let is_tie = equal(graph, self.left, self.right)?;
        let half = mul(graph, upstream, one_half)?;
        let share = select(graph, is_tie, half, upstream)?;
        Ok([select(graph, lost[0], zero, share)?, select(graph, lost[1], zero, share)?])
    }
}

/// A function of each two elements of two f32 tensors, with NumPy's broadcasting.
#[derive(Clone, Copy, Debug)]
pub struct Binary<F>(
    /// The function.
    pub F,
);

impl<F: BinaryFunction> Op for Binary<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        broadcast_type(inputs)
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[Some(upstream)], &[left, right]) = (upstream, at.inputs.as_slice()) else { return Ok(vec![None; 2]) };
        let gradients = self.0.gradient(graph, upstream, BinaryValues { left, right, output: at.output(0) })?;
        let inputs = gradients.into_iter().zip([left, right]);
        inputs.map(|(gradient, input)| gradient.map(|gradient| sum_to_input(graph, gradient, input)).transpose()).collect()
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(F::SOURCE, F::FUNCTION))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        F::FLOPS * broadcast_elements(inputs)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        broadcast_reference(inputs, outputs, |left, right| self.0.value(left, right));
    }

    /// Sums, products and quotients of f32 are the same whether they are rounded once or by way of double precision.
    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        broadcast_host(inputs, outputs, |left, right| self.0.value(left.into(), right.into()) as f32)
    }

    fn tolerance(&self, _: &[TensorType]) -> Tolerance {
        self.0.tolerance()
    }

    fn cases(&self) -> Vec<Case> {
        [broadcast_cases(), self.0.extremes()].concat()
    }
}

/// Pairs of numbers that are equal, next to each other, of one magnitude, and huge: where a comparison may go wrong.
pub(crate) fn ties() -> Case {
    let after = f64::from(1.0_f32.next_up());
    let left = Array::from_fn([8], |index| [1.0, 0.0, -0.0, 1.0, after, -2.0, 2.0, 1e30][index]);
    let right = Array::from_fn([8], |index| [1.0, -0.0, 0.0, after, 1.0, 2.0, -2.0, -1e30][index]);
    Case { differentiable: false, ..case("ties", [left, right]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;
    use crate::{Add, add};

    #[test]
    fn repeats_axes_of_extent_one() {
        let column = Array::from_fn([2, 1], |index| index as f64 * 10.0);
        let row = Array::from_fn([3], |index| index as f64);
        let sum = &reference(&Binary(Add), &[column, row])[0];
        assert_eq!((sum.kind.clone(), sum.data.as_slice()), (TensorType::f32([2, 3]), &[0.0, 1.0, 2.0, 10.0, 11.0, 12.0][..]));
    }

    #[test]
    fn refuses_shapes_and_types_that_do_not_go_together() {
        let add = Binary(Add);
        let wrong = add.infer(&[TensorType::f32([64, 10]), TensorType::f32([64])]).unwrap_err();
        assert_eq!(wrong.to_string(), "wanted two f32 tensors whose shapes broadcast, got f32[64, 10], f32[64]");
        assert!(add.infer(&[TensorType::f32([2]), TensorType::u32([2])]).is_err());
        assert!(add.infer(&[TensorType::f32([2])]).is_err());
    }

    /// All cases but those where the left input is repeated, or the right one along its last axis.
    #[test]
    fn the_fast_path_takes_equal_shapes_biases_columns_and_scalars() {
        let mut taken = Vec::new();
        for case in Binary(Add).cases() {
            let wanted = reference(&Binary(Add), &case.inputs);
            let inputs: Vec<HostTensor> = case.inputs.iter().map(HostTensor::from_array).collect();
            let mut got = vec![HostTensor::zeros(&wanted[0].kind)];
            if Binary(Add).host(&inputs.iter().collect::<Vec<_>>(), &mut got) {
                assert_eq!(got[0], HostTensor::from_array(&wanted[0]), "{}", case.label);
                taken.push(case.label);
            }
        }
        let sizes = ["1 elements", "255 elements", "257 elements", "rows of 13"];
        let broadcasts = ["bias", "bias, rows of 16", "scalar", "column", "empty"];
        assert_eq!(taken, [sizes.as_slice(), &broadcasts].concat());
    }

    #[test]
    fn gradients_sum_over_repeated_axes() {
        let mut graph = Graph::new();
        let [left, right] = [vec![4, 3], vec![3]].map(|shape| graph.input("x", TensorType::f32(shape)));
        let sum = add(&mut graph, left, right).unwrap();
        let node = graph.node(sum.node).clone();
        let gradients = Binary(Add).gradient(&mut graph, &node, &[Some(sum)]).unwrap();
        assert_eq!(gradients[0], Some(sum));
        assert_eq!(gradients[1].map(|value| graph.kind(value).clone()), Some(TensorType::f32([3])));
        assert_eq!(Binary(Add).gradient(&mut graph, &node, &[None]).unwrap(), [None, None]);
    }
}
