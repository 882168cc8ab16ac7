//! Inference in the frames of an application.

use std::collections::BTreeMap;

use wgrad_core::{Graph, TensorType};
use wgrad_executor::{CopyFrom, CopyTo, Exchange, LoadedPlan, TensorBuffer, wgpu};

use crate::backend::Gpu;
use crate::error::Error;
use crate::graphs::{Built, Feed, OUTPUT, prediction};
use crate::inputs::Normalization;
use crate::layers::Layer;
use crate::parameters::Parameters;
use crate::precision::Precision;
use crate::weights::Weights;

/// What to predict: `PredictOptions { rows: 16, ..PredictOptions::default() }`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PredictOptions {
    /// How many examples are predicted at once: at least 1, which is the default.
    pub rows: usize,
    /// How inputs are scaled on their way into the model: not by default. Texels come from 0 to 1, where data of bytes that
    /// a model was trained on came from 0 to 255.
    pub normalization: Option<Normalization>,
    /// Whether the outputs of all layers can be borrowed too, for [`Predictor::activation`]. By default what is between the
    /// input and the output is not kept.
    pub activations: bool,
}

impl Default for PredictOptions {
    fn default() -> Self {
        Self { rows: 1, normalization: None, activations: false }
    }
}

/// A model's outputs, computed in the frames of an application. Made by [`Engine::predictor`](crate::Engine::predictor), or by
/// [`Training::predictor`](crate::Training::predictor) with the parameters that are being trained.
#[derive(Debug)]
pub struct Predictor {
    plan: LoadedPlan,
    exchange: Exchange,
    input: TensorBuffer,
    output: TensorBuffer,
    activations: BTreeMap<String, TensorBuffer>,
}

/// A graph that is ready to be loaded.
pub(super) struct Prepared {
    name: String,
    graph: Graph,
    input: String,
    layers: Vec<String>,
}

impl Prepared {
    /// The prediction of a model whose parameters are in states of their own, or of a training.
    pub fn new(built: Built, name: String, options: PredictOptions) -> Result<Self, Error> {
        let PredictOptions { rows, normalization, activations } = options;
        if rows == 0 {
            return Err(Error::mismatch("rows of a predictor", "1 at least", 0));
        }
        let TensorType { dtype, shape } = &built.parameters.input;
        let kind = TensorType::new(*dtype, [&[rows], shape.dims()].concat());
        let feed = Feed::of_kind(name.clone(), kind, normalization);
        let (graph, layers) = prediction(built, &feed, activations)?;
        Ok(Self { name, graph, input: feed.inputs_name(), layers })
    }

    /// The prediction of a model with weights of its own.
    pub fn with_weights(
        model: &dyn Layer,
        weights: &Weights,
        input: TensorType,
        precision: Precision,
        options: PredictOptions,
    ) -> Result<Self, Error> {
        let parameters = Parameters::of(model, input, |_| None)?;
        let initial = parameters.pack(weights.named(), &parameters.zeros(), |_| false)?;
        let built = Built { model, seed: 0, precision, parameters: &parameters, initial: &initial };
        Self::new(built, "predictor".to_owned(), options)
    }
}

impl Predictor {
    pub(super) async fn load(gpu: &mut Gpu, prepared: Prepared) -> Result<Self, Error> {
        let Prepared { name, graph, input, layers } = prepared;
        let (_, plan) = gpu.load_apart(&name, &graph).await?;
        let exchange = Exchange::new(gpu.device()).await?;
        let input = gpu.buffer(&input)?;
        let output = plan.output(OUTPUT).ok_or_else(|| Error::mismatch("output", "one of the plan", OUTPUT))?;
        let activations = layers.into_iter().filter_map(|layer| plan.output(&layer).map(|buffer| (layer, buffer))).collect();
        Ok(Self { plan, exchange, input, output, activations })
    }

    /// Records that the outputs for `input` are computed and copied to `output`: buffers or textures of the application's,
    /// which its device copies. With `CopyFrom::Here` and `CopyTo::Here` nothing is copied: it computes from what the
    /// application has left in [`Predictor::input`], to [`Predictor::output`].
    ///
    /// It does not submit, poll or wait, and sets no callback on the device.
    ///
    /// # Errors
    /// Where one of them is too small, of another shape, or lacks a usage; where the device is known to be lost. Then nothing of
    /// the application's is written.
    pub fn record_predict<'a>(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        input: impl Into<CopyFrom<'a>>,
        output: impl Into<CopyTo<'a>>,
    ) -> Result<(), Error> {
        self.exchange.check()?;
        self.exchange.read(encoder, input.into(), &self.input)?;
        self.plan.record(encoder, 1);
        Ok(self.exchange.write(encoder, &self.output, output.into())?)
    }

    /// The memory of the inputs, `[rows, ...]`. It keeps what was last written.
    pub fn input(&self) -> &TensorBuffer {
        &self.input
    }

    /// The memory of the outputs, `[rows, ...]`, which each prediction overwrites.
    pub fn output(&self) -> &TensorBuffer {
        &self.output
    }

    /// The memory of a layer's outputs, `[rows, ...]`, by its name in PyTorch's `state_dict`, such as `0` or
    /// `encoder.layers.0`. None where there is no such layer, or [`PredictOptions::activations`] was not set.
    pub fn activation(&self, layer: &str) -> Option<&TensorBuffer> {
        self.activations.get(layer)
    }

    /// The names of the layers whose outputs can be borrowed.
    pub fn layers(&self) -> impl Iterator<Item = &str> {
        self.activations.keys().map(String::as_str)
    }
}
