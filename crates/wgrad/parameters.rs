//! A model's parameters: what they are called, how they start, and where they lie.

use wgrad_core::{DType, Graph, HostTensor, Shape, TensorType};
use wgrad_shaders::{PackLayout, pack_layout};

use crate::error::{Error, ParameterMismatch};
use crate::initial::Initial;
use crate::layers::Layer;
use crate::tensor::Tensor;
use crate::trace::{Context, Mode, Trace};

/// A trainable tensor.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    /// As in PyTorch's `state_dict`.
    pub name: String,
    pub shape: Shape,
    pub initial: Initial,
}

/// All trainable tensors of a model, in the order in which it asks for them, and what its ends are.
#[derive(Clone, Debug)]
pub(crate) struct Parameters {
    list: Vec<Parameter>,
    layout: PackLayout,
    /// The type of one input.
    pub input: TensorType,
    /// The shape of one output.
    pub output: Shape,
}

/// Traces a model on one example of type `input`, only to see what it asks for; returns its output's shape too.
pub(crate) fn collect(model: &dyn Layer, input: &TensorType) -> Result<(Context, Shape), Error> {
    let mut graph = Graph::new();
    let step = graph.input("step", TensorType::new(DType::U32, Shape::default()));
    let example = graph.input("input", TensorType::new(input.dtype, [&[1], input.shape.dims()].concat()));
    let mut context = Context::collecting(Mode::Training { step });
    let output = model.forward(&mut Trace::new(&mut graph, &mut context), example)?;
    let shape = graph.kind(output).shape.clone();
    Ok((context, shape))
}

impl Parameters {
    /// Those of a model whose input is of type `input`, without the axis of examples.
    pub fn of(model: &dyn Layer, input: TensorType) -> Result<Self, Error> {
        let (Context { found: list, .. }, output) = collect(model, &input)?;
        if list.is_empty() {
            return Err(Error::NoParameters);
        }
        let shapes: Vec<Shape> = list.iter().map(|parameter| parameter.shape.clone()).collect();
        let output = output.dims().get(1..).unwrap_or_default().to_vec().into();
        Ok(Self { layout: pack_layout(&shapes), list, input, output })
    }

    /// Each with the element of the packed vector at which it begins.
    pub fn places(&self) -> impl Iterator<Item = (&Parameter, usize)> {
        self.list.iter().zip(self.layout.offsets.iter().copied())
    }

    /// The type of the packed vector.
    pub fn kind(&self) -> TensorType {
        TensorType::f32([self.layout.length])
    }

    /// The packed vector before the first step.
    pub fn draw(&self, seed: u32) -> HostTensor {
        let draw = |(stream, parameter): (u64, &Parameter)| parameter.initial.draw(parameter.shape.elements(), seed, stream);
        self.fill((0..).zip(&self.list).map(draw))
    }

    /// The packed vector of named tensors.
    ///
    /// # Errors
    /// Lists all that are missing, unknown or of another shape.
    pub fn pack(&self, named: &[(String, Tensor)]) -> Result<HostTensor, Error> {
        let given = |name: &str| named.iter().find(|(known, _)| known == name).map(|(_, tensor)| tensor);
        let wrong = self.list.iter().filter_map(|parameter| {
            let got = given(&parameter.name).map(|tensor| tensor.shape().clone());
            let fits = got.as_ref() == Some(&parameter.shape);
            (!fits).then(|| ParameterMismatch { name: parameter.name.clone(), wanted: Some(parameter.shape.clone()), got })
        });
        let is_unknown = |name: &str| self.list.iter().all(|parameter| parameter.name != name);
        let unknown = named.iter().filter(|(name, _)| is_unknown(name)).map(|(name, tensor)| ParameterMismatch {
            name: name.clone(),
            wanted: None,
            got: Some(tensor.shape().clone()),
        });
        let mismatches: Vec<ParameterMismatch> = wrong.chain(unknown).collect();
        if !mismatches.is_empty() {
            return Err(Error::Parameters(mismatches));
        }
        Ok(self.fill(self.list.iter().map(|parameter| given(&parameter.name).map(Tensor::to_vec).unwrap_or_default())))
    }

    /// The named tensors of a packed vector.
    pub fn unpack(&self, packed: &HostTensor) -> Vec<(String, Tensor)> {
        let HostTensor::F32(_, elements) = packed else { return Vec::new() };
        let named = self.places().filter_map(|(parameter, offset)| {
            let part = elements.get(offset..offset + parameter.shape.elements())?;
            Some((parameter.name.clone(), Tensor::f32(parameter.shape.clone(), part.to_vec()).ok()?))
        });
        named.collect()
    }

    fn fill(&self, parts: impl Iterator<Item = Vec<f32>>) -> HostTensor {
        let mut packed = vec![0.0; self.layout.length];
        for (part, &offset) in parts.zip(&self.layout.offsets) {
            packed[offset..offset + part.len()].copy_from_slice(&part);
        }
        HostTensor::F32(self.kind().shape, packed)
    }
}
