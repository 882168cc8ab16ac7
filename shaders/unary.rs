//! Operations on each element of one tensor.

use std::fmt::Debug;
use std::sync::Arc;

use wgrad_core::{
    Array, Case, Function, Graph, GraphError, HostTensor, Literal, Lowering, Node, Op, Shape, ShapeError, TensorType, Tolerance,
    Value,
};

use crate::cases::{case, noise};
use crate::elementwise::{flops_of_each, map_host, map_reference, shared_type, zip_host, zip_reference};

/// A function of one number and its derivative: all that an operation on each element of an f32 tensor consists of.
///
/// [`Unary`] makes an operation of it, and [`UnaryGradient`] that operation's gradient. One file of WGSL has both: the
/// first function takes `x`, the second the upstream gradient and what [`Reads`] says, all as `vec4f` of four elements;
/// the constants follow as `f32`.
///
/// ```
/// use wgrad_shaders::{Reads, UnaryFunction};
///
/// /// `1 / (1 + x^2)`, whose derivative is `-2 x / (1 + x^2)^2`.
/// #[derive(Clone, Copy, Debug)]
/// struct Bump;
///
/// impl UnaryFunction for Bump {
///     const NAME: &'static str = "bump";
///     const GRADIENT: &'static str = "bump_gradient";
///     const SOURCE: &'static str = "
///         fn bump(x: vec4f) -> vec4f { return 1.0 / (1.0 + x * x); }
///         fn bump_gradient(upstream: vec4f, x: vec4f) -> vec4f {
///             let y = bump(x);
///             return -2.0 * upstream * x * y * y;
///         }";
///     const READS: Reads = Reads::Input;
///     const FLOPS: [u64; 2] = [3, 8];
///
///     fn value(&self, x: f64) -> f64 {
///         1.0 / (1.0 + x * x)
///     }
///
///     fn gradient(&self, upstream: f64, x: f64) -> f64 {
///         -2.0 * upstream * x * self.value(x).powi(2)
///     }
/// }
/// ```
pub trait UnaryFunction: Copy + Debug + Send + Sync + 'static {
    /// The operation's name, with which all names in the WGSL file begin.
    const NAME: &'static str;

    /// The name of the gradient's operation and WGSL function.
    const GRADIENT: &'static str;

    /// The WGSL function: another name than the operation's where WGSL has a function of that name itself.
    const FUNCTION: &'static str = Self::NAME;

    /// The WGSL file.
    const SOURCE: &'static str;

    /// What the gradient is computed from.
    const READS: Reads;

    /// Floating-point operations that an element takes, and its gradient.
    const FLOPS: [u64; 2];

    /// Fails where an attribute is out of its range.
    ///
    /// # Errors
    /// What was wanted, and what was got.
    fn check(&self) -> Result<(), ShapeError> {
        Ok(())
    }

    /// The last arguments of both WGSL functions.
    fn constants(&self) -> Vec<f32> {
        Vec::new()
    }

    /// The function.
    fn value(&self, x: f64) -> f64;

    /// The upstream gradient times the derivative, at the input or output.
    fn gradient(&self, upstream: f64, at: f64) -> f64;

    /// The function on the CPU, for where double precision is slow.
    fn host(&self, x: f32) -> f32 {
        self.value(x.into()) as f32
    }

    /// An argument to test with, for a number from -1 to 1 that is not near 0.
    fn argument(&self, noise: f64) -> f64 {
        noise
    }

    /// Arguments to test with that are awkward: by default zero, and such as come near the limits of f32.
    fn extremes(&self) -> Vec<f64> {
        let magnitudes = [0.0, 1e-30, 1e-4, 0.999, 1.0, 1.001, 10.0, 20.0, 88.0, 100.0, 1e30];
        magnitudes.into_iter().flat_map(|magnitude| [magnitude, -magnitude]).collect()
    }

    /// How far the WGSL of both functions may stray. By default four units in the last place of f32, and an absolute
    /// 1e-9 for what adapters may flush to zero: relative precision down to small values.
    fn tolerance(&self) -> Tolerance {
        Tolerance { absolute: 1e-9, relative: 4.0 * f64::from(f32::EPSILON) }
    }
}

/// What a gradient is computed from, besides the upstream gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// From that alone.
    Nothing,
    /// The function's input.
    Input,
    /// The function's output, so that the input need not be kept.
    Output,
}

/// A function of each element of an f32 tensor of any shape.
#[derive(Clone, Copy, Debug)]
pub struct Unary<F>(
    /// The function.
    pub F,
);

/// The gradient of [`Unary`], which has no gradient of its own.
#[derive(Clone, Copy, Debug)]
pub struct UnaryGradient<F>(
    /// The function whose gradient it is.
    pub F,
);

impl<F: UnaryFunction> Op for Unary<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        self.0.check()?;
        Ok(vec![shared_type(inputs, &["input"], &[])?])
    }

    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[Some(upstream)], &[input]) = (upstream, at.inputs.as_slice()) else { return Ok(vec![None]) };
        let gradient = UnaryGradient(self.0);
        let gradient = match F::READS {
            Reads::Nothing => graph.apply_one(gradient, &[upstream]),
            Reads::Input => graph.apply_one(gradient, &[upstream, input]),
            Reads::Output => graph.apply_one(gradient, &[upstream, at.output(0)]),
        };
        Ok(vec![Some(gradient?)])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        pointwise(&self.0, F::FUNCTION)
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, F::FLOPS[0])
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        map_reference(inputs, outputs, |x| self.0.value(x));
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        map_host(inputs, outputs, |x| self.0.host(x))
    }

    fn tolerance(&self, _: &[TensorType]) -> Tolerance {
        self.0.tolerance()
    }

    fn cases(&self) -> Vec<Case> {
        let arguments = |seed, shape: Shape| Array::from_fn(shape, |index| self.0.argument(noise(seed, index)));
        let sizes = (1..).zip(sizes());
        let mut cases: Vec<Case> = sizes.map(|(seed, shape)| case(shape.to_string(), [arguments(seed, shape)])).collect();
        let extremes = self.0.extremes();
        let extremes = Array::from_fn([extremes.len()], |index| extremes[index]);
        cases.push(Case { differentiable: false, ..case("extremes", [extremes]) });
        cases
    }
}

impl<F: UnaryFunction> Op for UnaryGradient<F> {
    fn name(&self) -> &'static str {
        F::GRADIENT
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        self.0.check()?;
        let names: &[&str] = match F::READS {
            Reads::Nothing => &["upstream"],
            Reads::Input => &["upstream", "input"],
            Reads::Output => &["upstream", "output"],
        };
        Ok(vec![shared_type(inputs, names, &[])?])
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        pointwise(&self.0, F::GRADIENT)
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        flops_of_each(inputs, F::FLOPS[1])
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        match F::READS {
            Reads::Nothing => map_reference(inputs, outputs, |upstream| self.0.gradient(upstream, 0.0)),
            Reads::Input | Reads::Output => zip_reference(inputs, outputs, |upstream, at| self.0.gradient(upstream, at)),
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let gradient = |upstream: f32, at: f32| self.0.gradient(upstream.into(), at.into()) as f32;
        match F::READS {
            Reads::Nothing => map_host(inputs, outputs, |upstream| gradient(upstream, 0.0)),
            Reads::Input | Reads::Output => zip_host(inputs, outputs, gradient),
        }
    }

    fn tolerance(&self, _: &[TensorType]) -> Tolerance {
        self.0.tolerance()
    }

    /// Those of the function, each with an upstream gradient.
    fn cases(&self) -> Vec<Case> {
        let with_upstream = |case: Case| {
            let input = &case.inputs[0];
            let upstream = Array::from_fn(input.kind.shape.clone(), |index| noise(9, index));
            let inputs = match F::READS {
                Reads::Nothing => vec![upstream],
                Reads::Input => vec![upstream, input.clone()],
                Reads::Output => {
                    let output = Array::from_fn(input.kind.shape.clone(), |index| self.0.value(input.data[index]));
                    vec![upstream, output]
                }
            };
            Case { inputs, differentiable: false, ..case }
        };
        Unary(self.0).cases().into_iter().map(with_upstream).collect()
    }
}

fn pointwise<F: UnaryFunction>(function: &F, name: &'static str) -> Lowering {
    let constants: Vec<Literal> = function.constants().into_iter().map(Literal::F32).collect();
    Lowering::Pointwise(Function::new(F::SOURCE, name).with_constants(constants))
}

/// Sizes that are awkward.
fn sizes() -> [Shape; 5] {
    [[1].into(), [255].into(), [257].into(), [7, 13].into(), [0].into()]
}

/// A function as an operation, and its gradient.
pub(crate) fn unary_examples(function: impl UnaryFunction) -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Unary(function)), Arc::new(UnaryGradient(function))]
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{Relu, relu};

    /// A function's value and slope at each of these arguments.
    pub(crate) fn values_and_slopes<F: UnaryFunction>(function: F, arguments: &[f64]) -> Vec<(f64, f64)> {
        let slope = |x: f64, y: f64| function.gradient(1.0, if F::READS == Reads::Output { y } else { x });
        arguments.iter().map(|&x| (function.value(x), slope(x, function.value(x)))).collect()
    }

    /// Fails where a value or slope is further from the one that is wanted than 1e-14 times that.
    pub(crate) fn assert_known(function: impl UnaryFunction, known: &[(f64, f64, f64)]) {
        let arguments: Vec<f64> = known.iter().map(|&(x, ..)| x).collect();
        for (&(x, value, slope), got) in known.iter().zip(values_and_slopes(function, &arguments)) {
            for (got, wanted) in [(got.0, value), (got.1, slope)] {
                assert!((got - wanted).abs() <= 1e-14 * wanted.abs(), "{function:?} at {x}: {got}, not {wanted}");
            }
        }
    }

    #[test]
    fn the_gradient_reads_what_the_function_says() {
        let mut graph = Graph::new();
        let [input, upstream] = [0, 1].map(|_| graph.input("x", TensorType::f32([5])));
        let output = relu(&mut graph, input).unwrap();
        let node = graph.node(output.node).clone();
        let gradients = Unary(Relu).gradient(&mut graph, &node, &[Some(upstream)]).unwrap();
        assert_eq!(graph.node(gradients[0].unwrap().node).inputs, [upstream, output]);
        assert_eq!(Unary(Relu).gradient(&mut graph, &node, &[None]).unwrap(), [None]);
    }

    #[test]
    fn errors_name_the_inputs() {
        let error = UnaryGradient(Relu).infer(&[TensorType::f32([2]), TensorType::f32([3])]).unwrap_err();
        assert_eq!(error.to_string(), "wanted f32 of one shape (upstream, output), got f32[2], f32[3]");
        assert!(Unary(Relu).infer(&[TensorType::u32([2])]).is_err());
        assert!(Unary(Relu).infer(&[]).is_err());
    }
}
