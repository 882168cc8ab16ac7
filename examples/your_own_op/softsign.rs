//! Softsign, `x / (1 + |x|)`, as an operation and as a layer.

use wgrad::core::{Array, Case, DType, Function, Graph, GraphError, Lowering, Node, Op, ShapeError, TensorType, Value};
use wgrad::{Error, Layer, Var};

/// Both operations, one file of WGSL.
const SOURCE: &str = include_str!("softsign.wgsl");

/// `x / (1 + |x|)` of each element.
#[derive(Debug)]
pub struct Softsign;

/// `upstream * (1 - |y|)^2` for the output `y` of [`Softsign`].
#[derive(Debug)]
pub struct SoftsignGradient;

impl Op for Softsign {
    fn name(&self) -> &'static str {
        "softsign"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        one_shape(inputs, 1)
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let &[Some(upstream)] = upstream else { return Ok(vec![None]) };
        Ok(vec![Some(graph.apply_one(SoftsignGradient, &[upstream, at.output(0)])?)])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(SOURCE, "softsign"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        3 * inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        outputs[0].data = inputs[0].data.iter().map(|x| x / (1.0 + x.abs())).collect();
    }

    fn cases(&self) -> Vec<Case> {
        let steps = Array::from_fn([7, 5], |index| (index as f64 - 16.5) / 4.0);
        vec![Case { label: "negative and positive".into(), inputs: vec![steps], differentiable: true }]
    }
}

impl Op for SoftsignGradient {
    fn name(&self) -> &'static str {
        "softsign_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        one_shape(inputs, 2)
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(SOURCE, "softsign_gradient"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        4 * inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let elements = inputs[0].data.iter().zip(&inputs[1].data);
        outputs[0].data = elements.map(|(upstream, y)| upstream * (1.0 - y.abs()).powi(2)).collect();
    }

    fn cases(&self) -> Vec<Case> {
        let upstream = Array::from_fn([7, 5], |index| index as f64 - 10.0);
        let output = Array::from_fn([7, 5], |index| (index as f64 - 16.5) / 17.0);
        vec![Case { label: "all slopes".into(), inputs: vec![upstream, output], differentiable: false }]
    }
}

/// So many floats of one shape, which is the output's too.
fn one_shape(inputs: &[TensorType], count: usize) -> Result<Vec<TensorType>, ShapeError> {
    match inputs {
        [first, ..] if inputs.len() == count && first.dtype == DType::F32 && inputs.iter().all(|kind| kind == first) => {
            Ok(vec![first.clone()])
        }
        _ => Err(ShapeError::new(format!("{count} of f32 and of one shape"), inputs)),
    }
}

impl Layer for Softsign {
    fn name(&self) -> &str {
        "Softsign"
    }

    fn forward(&self, input: &Var) -> Result<Var, Error> {
        Ok(input.apply(Softsign, []))
    }
}
