//! The reciprocal of a standard deviation, `1 / sqrt(variance + epsilon)`.

use wgrad_core::{
    Array, Case, Function, Graph, GraphError, HostTensor, Literal, Lowering, Node, Op, ShapeError, TensorType, Tolerance, Value,
};

use super::POINTWISE;
use crate::cases::{case, floats};
use crate::elementwise::{flops_of_each, map_host, map_reference, shared_type, zip_host, zip_reference};

/// `1 / sqrt(variance + epsilon)` for f32 variances, of any shape, that are not below 0.
#[derive(Clone, Copy, Debug)]
pub struct ReciprocalDeviation {
    /// What is added to the variance.
    pub epsilon: f32,
}

/// The gradient of [`ReciprocalDeviation`], from its output `r`: `-r^3 / 2` times the upstream gradient.
#[derive(Clone, Copy, Debug)]
pub struct ReciprocalDeviationGradient;

impl Op for ReciprocalDeviation {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return Err(ShapeError { wanted: "a finite epsilon above 0".to_owned(), got: self.epsilon.to_string() });
        }
        Ok(vec![shared_type(inputs, &["variance"], &[])?])
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let &[Some(upstream)] = upstream else { return Ok(vec![None]) };
        Ok(vec![Some(graph.apply_one(ReciprocalDeviationGradient, &[upstream, at.output(0)])?)])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        let function = Function::new(POINTWISE, "batch_norm_deviation");
        Lowering::Pointwise(function.with_constants([Literal::F32(self.epsilon)]))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 3)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        map_reference(inputs, outputs, |variance| 1.0 / (variance + f64::from(self.epsilon)).sqrt());
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        map_host(inputs, outputs, |variance| 1.0 / (variance + self.epsilon).sqrt())
    }

    fn tolerance(&self, _inputs: &[TensorType]) -> Tolerance {
        Tolerance { absolute: 1e-6, relative: 4e-6 }
    }

    fn cases(&self) -> Vec<Case> {
        let positive = |shape: Vec<usize>| {
            let mut variances = floats(1, shape);
            variances.data.iter_mut().for_each(|variance| *variance = variance.abs());
            variances
        };
        let sizes = [vec![1], vec![255], vec![7, 13], vec![0]];
        let cases = sizes.map(|shape| case(format!("shape {shape:?}"), [positive(shape)]));
        let extremes = case("extremes", [Array::from_fn([4], |index| [0.0, 1e-30, 1e10, 1e30][index])]);
        cases.into_iter().chain([Case { differentiable: false, ..extremes }]).collect()
    }
}

impl Op for ReciprocalDeviationGradient {
    fn name(&self) -> &'static str {
        "batch_norm_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        Ok(vec![shared_type(inputs, &["upstream", "output"], &[])?])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::Pointwise(Function::new(POINTWISE, "batch_norm_deviation_gradient"))
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, 4)
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        zip_reference(inputs, outputs, |upstream, r| -0.5 * upstream * r.powi(3));
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        zip_host(inputs, outputs, |upstream, r| -0.5 * upstream * r * r * r)
    }

    fn cases(&self) -> Vec<Case> {
        let sizes = [vec![1], vec![257], vec![7, 13], vec![0]];
        let cases = sizes.map(|shape| case(format!("shape {shape:?}"), [floats(2, shape.clone()), floats(3, shape)]));
        cases.map(|case| Case { differentiable: false, ..case }).to_vec()
    }
}
