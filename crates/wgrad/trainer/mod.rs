//! Training, evaluation and prediction of one model on one device.

mod evaluate;
mod fit;
mod log;
mod options;
mod parameters;
mod predict;
mod progress;
mod show;
mod step;
mod tasks;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use wgrad_core::{HostTensor, TensorType};
use wgrad_executor::Statistics;

use crate::backend::{self, Backend};
use crate::device::Device;
use crate::error::Error;
use crate::graphs::{Built, Network};
use crate::layers::Layer;
use crate::losses::Loss;
use crate::optimizers::Optimizer;
use crate::parameters::Parameters;

pub use fit::Control;
pub use options::Options;
pub use progress::Progress;
pub use step::Gradients;

use tasks::Loaded;

/// A model on a device, with the loss that it is trained to make small and the optimizer that does so.
///
/// The model's parameters are made when it first sees data, or by [`Trainer::build`].
pub struct Trainer {
    backend: Box<dyn Backend>,
    network: Network,
    options: Options,
    model: Option<Model>,
    loaded: Vec<Loaded>,
    /// What the backend's inputs were last written with.
    resident: HashMap<String, Arc<HostTensor>>,
    /// The steps taken so far.
    steps: u64,
    /// The step and epoch in which the loss was no longer finite.
    stopped: Option<(u64, Option<usize>)>,
    progress: Option<Box<dyn FnMut(Progress)>>,
}

/// A model whose parameters are known.
#[derive(Debug)]
struct Model {
    parameters: Parameters,
    /// What the parameters are before the first graph is loaded.
    initial: Arc<HostTensor>,
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
        optimizer: impl Optimizer + 'static,
        options: Options,
    ) -> Result<Self, Error> {
        options.check()?;
        optimizer.check()?;
        let schedule = optimizer.schedule()?;
        let (model, loss, optimizer) = (Box::new(model), Box::new(loss), Box::new(optimizer));
        Ok(Self {
            backend: backend::new(device, options.checks, options.fuse),
            network: Network { model, loss, optimizer, schedule, seed: options.seed },
            options,
            model: None,
            loaded: Vec::new(),
            resident: HashMap::new(),
            steps: 0,
            stopped: None,
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
        let parameters = Parameters::of(self.network.model.as_ref(), input)?;
        self.backend.check_room(parameters.kind().bytes() as u64)?;
        let initial = Arc::new(parameters.draw(self.options.seed));
        self.model = Some(Model { parameters, initial });
        Ok(())
    }

    /// How many steps have changed the parameters.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What was asked of the device so far: zeros on the CPU.
    pub fn statistics(&self) -> Statistics {
        self.backend.statistics()
    }

    /// Has `report` called during [`Trainer::fit`], some ten times a second, with how far the epoch is.
    ///
    /// Nothing is read back for it: the steps that it counts have been given to the device, which may be a few
    /// submissions behind.
    pub fn on_progress(&mut self, report: impl FnMut(Progress) + 'static) {
        self.progress = Some(Box::new(report));
    }

    fn model(&self) -> Result<&Model, Error> {
        self.model.as_ref().ok_or(Error::NotBuilt)
    }

    fn built(&self) -> Result<Built<'_>, Error> {
        let Model { parameters, initial } = self.model()?;
        Ok(Built { network: &self.network, parameters, initial })
    }
}

impl fmt::Debug for Trainer {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let mut fields = formatter.debug_struct("Trainer");
        fields.field("network", &self.network).field("options", &self.options).field("steps", &self.steps);
        fields.finish_non_exhaustive()
    }
}
