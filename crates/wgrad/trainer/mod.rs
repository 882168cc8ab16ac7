//! Training, evaluation and prediction of one model on one device.

mod counts;
mod description;
mod estimate;
mod evaluate;
mod find_learning_rate;
mod fit;
mod log;
mod numbers;
mod optimizer_state;
mod options;
mod parameters;
mod predict;
mod progress;
mod record;
mod save;
mod schedule;
mod show;
mod snapshot;
mod states;
mod step;
mod tasks;
mod timeline;
mod tune;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use wgrad_core::{HostTensor, TensorType};
use wgrad_executor::Statistics;

use crate::backend::{self, Backend};
use crate::dataset::Dataset;
use crate::device::Device;
use crate::error::Error;
use crate::graphs::{Built, Clock, LOSS_SCALE, Objective};
use crate::layers::Layer;
use crate::losses::Loss;
use crate::optimizers::Optimizers;
use crate::parameters::Parameters;
use crate::precision::LossScale;

pub(crate) use evaluate::Pass;
pub use find_learning_rate::{LearningRateCurve, LearningRateFinder};
pub use fit::Control;
pub(crate) use fit::Session;
pub use options::Options;
pub use progress::Progress;
pub(crate) use record::{Left, Recorded};
pub use snapshot::Snapshot;
pub(crate) use states::States;
pub use step::Gradients;
pub use timeline::Timeline;

use counts::Counts;
use numbers::Numbers;
use tasks::Loaded;

/// A model on a device, with the loss that it is trained to make small and the optimizer that does so.
///
/// The model's parameters are made when it first sees data, or by [`Trainer::build`].
pub struct Trainer {
    backend: Box<dyn Backend>,
    network: Box<dyn Layer>,
    objective: Objective,
    options: Options,
    model: Option<Model>,
    loaded: Vec<Loaded>,
    /// The states of all graphs that were ever loaded, as they are before the first step.
    initial_states: States,
    /// The values of states that no loaded graph has yet.
    waiting: States,
    /// The data that have places of their own, each for a purpose.
    kept: Vec<(&'static str, Dataset)>,
    /// What the backend's inputs were last written with.
    resident: HashMap<String, Arc<HostTensor>>,
    numbers: Numbers,
    /// Whether somebody goes on taking steps by the plans that are loaded now.
    has_plans_in_use: bool,
    counts: Counts,
    /// How many examples are evaluated or predicted at once.
    largest_batch: usize,
    /// The passes over data to evaluate them that have begun: they share a clock on the device.
    passes: u64,
    progress: Option<Box<dyn FnMut(Progress) + Send>>,
}

/// A model whose parameters are known.
#[derive(Debug)]
struct Model {
    parameters: Parameters,
    /// What the vectors of all parameters are before the first graph is loaded.
    initial: Vec<Arc<HostTensor>>,
}

impl Trainer {
    /// A trainer of `model`.
    ///
    /// # Errors
    /// Where an option or a number of the optimizer is out of its range.
    pub fn new(
        device: &Device,
        model: impl Layer + 'static,
        loss: impl Loss + 'static,
        optimizers: impl Into<Optimizers>,
        options: Options,
    ) -> Result<Self, Error> {
        options.check()?;
        let optimizers = optimizers.into();
        optimizers.check()?;
        let Options { clip_norm, accumulation, .. } = options;
        Ok(Self {
            backend: backend::new(device, options.checks, options.fuse),
            network: Box::new(model),
            objective: Objective { loss: Box::new(loss), optimizers, clip_norm, accumulation },
            options,
            model: None,
            loaded: Vec::new(),
            initial_states: States::new(),
            waiting: States::new(),
            kept: Vec::new(),
            resident: HashMap::new(),
            numbers: Numbers::default(),
            has_plans_in_use: false,
            counts: Counts::default(),
            largest_batch: evaluate::BATCH,
            passes: 0,
            progress: None,
        })
    }

    /// Makes the model's parameters for inputs of type `input`, without the axis of examples: `&[784]` for floats,
    /// `TensorType::u32([64])` for tokens. Training, evaluation and prediction do so by themselves; it is needed only
    /// where parameters are read or set before.
    ///
    /// # Errors
    /// Where a layer cannot be built or does not take what the one before gives, the model has no parameters, or it was
    /// built for inputs of another type.
    pub fn build(&mut self, input: impl Into<TensorType>) -> Result<(), Error> {
        let input = input.into();
        if let Some(model) = &self.model {
            let wanted = &model.parameters.input;
            return if *wanted == input { Ok(()) } else { Err(Error::mismatch("an example", wanted, input)) };
        }
        let optimizers = &self.objective.optimizers;
        let parameters = Parameters::of(self.network.as_ref(), input, |name| optimizers.of(name))?;
        optimizers.check_names(parameters.trainable())?;
        for arena in &parameters.arenas {
            self.backend.check_room(arena.kind().bytes() as u64)?;
        }
        let initial = parameters.draw(self.options.seed);
        self.model = Some(Model { parameters, initial });
        Ok(())
    }

    /// How many steps have been taken.
    pub fn steps(&self) -> u64 {
        self.counts.steps
    }

    /// How many updates there have been, those included that [`Trainer::set_counts`] or a file of an optimizer's state told of.
    pub fn updates(&self) -> u64 {
        self.counts.updates
    }

    /// How many passes over the data have been completed.
    pub fn epochs(&self) -> u64 {
        self.counts.epochs
    }

    /// What the next step multiplies its loss with, in mixed precision; none in single precision. It waits for the device.
    ///
    /// # Errors
    /// On errors of the device.
    pub fn loss_scale(&mut self) -> Result<Option<f32>, Error> {
        let Some(LossScale { initial, .. }) = self.options.precision.loss_scale() else { return Ok(None) };
        let state = self.state(LOSS_SCALE)?;
        Ok(Some(state.map_or(initial, |state| state.to_array().data[0] as f32)))
    }

    /// What was asked of the device so far: zeros on the CPU.
    pub fn statistics(&self) -> Statistics {
        self.backend.statistics()
    }

    /// Has `report` called during [`Trainer::fit`], some ten times a second, with how far the epoch is.
    ///
    /// Nothing is read back for it: the steps that it counts have been given to the device, which may be a few
    /// submissions behind.
    pub fn on_progress(&mut self, report: impl FnMut(Progress) + Send + 'static) {
        self.progress = Some(Box::new(report));
    }

    /// What the device's clock has to say: how many steps have been taken.
    fn clock(&self) -> Clock {
        let Counts { steps, updates, position, stopped, .. } = self.counts;
        let [step, position, update] = [steps, position, updates].map(|count| count as u32);
        Clock { step, position, update, stop: stopped.is_some() }
    }

    fn model(&self) -> Result<&Model, Error> {
        self.model.as_ref().ok_or(Error::NotBuilt)
    }

    pub(crate) fn built(&self) -> Result<Built<'_>, Error> {
        let Model { parameters, initial } = self.model()?;
        Ok(Built {
            model: self.network.as_ref(),
            seed: self.options.seed,
            precision: self.options.precision,
            parameters,
            initial,
        })
    }
}

impl fmt::Debug for Trainer {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let mut fields = formatter.debug_struct("Trainer");
        fields
            .field("network", &self.network)
            .field("objective", &self.objective)
            .field("options", &self.options)
            .field("counts", &self.counts);
        fields.finish_non_exhaustive()
    }
}
