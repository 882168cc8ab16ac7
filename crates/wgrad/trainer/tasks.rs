//! The graphs that a trainer has loaded, and the data that are resident for them.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use wgrad_core::{Graph, HostTensor, TensorType};

use crate::backend::{self, Program};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::graphs::{self, Feed, Phase};
use crate::inputs::Inputs;
use crate::trainer::Trainer;

/// What a graph computes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Task {
    Train(Feed, Phase),
    Gradients(Feed),
    Evaluate(Feed),
    Predict(Feed),
}

/// A graph that the backend is ready to run.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub task: Task,
    pub graph: Arc<Graph>,
    pub program: Program,
    /// Whether the log's second column means anything.
    pub has_accuracy: bool,
}

impl Task {
    pub(super) fn feed(&self) -> &Feed {
        match self {
            Self::Train(feed, _) | Self::Gradients(feed) | Self::Evaluate(feed) | Self::Predict(feed) => feed,
        }
    }
}

impl Loaded {
    /// The examples in a step.
    pub fn count(&self) -> usize {
        self.task.feed().count()
    }
}

impl fmt::Display for Task {
    /// Such as `train 64`, where 64 is the number of examples in a step.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let verb = match self {
            Self::Train(_, Phase::Update { .. }) => "train",
            Self::Train(_, Phase::Gather) => "gather",
            Self::Gradients(_) => "gradients",
            Self::Evaluate(_) => "evaluate",
            Self::Predict(_) => "predict",
        };
        write!(formatter, "{verb} {}", self.feed().count())
    }
}

impl Trainer {
    /// The graph of a task, loaded now unless it is already.
    pub(super) fn load_task(&mut self, task: Task) -> Result<Loaded, Error> {
        backend::at_once(self.loaded(task))
    }

    /// As [`Trainer::load_task`], where the device may take its time.
    pub(super) async fn loaded(&mut self, task: Task) -> Result<Loaded, Error> {
        if let Some(known) = self.loaded.iter().find(|known| known.task == task) {
            return Ok(known.clone());
        }
        let built = self.built()?;
        let (graph, has_accuracy) = match &task {
            Task::Train(feed, phase) => graphs::training(built, &self.objective, feed, *phase)?,
            Task::Gradients(feed) => (graphs::gradients(built, &self.objective, feed)?, false),
            Task::Evaluate(feed) => graphs::evaluation(built, &self.objective, feed)?,
            Task::Predict(feed) => (graphs::prediction(built, feed, false)?.0, false),
        };
        let program = self.backend.load(&task.to_string(), &graph).await?;
        self.initial_states.extend(graph.states().map(|(name, initial)| (name.to_owned(), initial.clone())));
        self.settle(&graph)?;
        let loaded = Loaded { task, graph: Arc::new(graph), program, has_accuracy };
        self.loaded.push(loaded.clone());
        Ok(loaded)
    }

    /// Checks a data set for this model and loss, and makes the parameters where it is the first.
    pub(super) fn accept(&mut self, data: &Dataset) -> Result<(), Error> {
        self.accept_inputs(data.inputs())?;
        let (loss, output) = (&self.objective.loss, &self.model()?.parameters.output);
        data.check_targets(|targets| loss.check(output, targets))
    }

    /// As [`Trainer::accept`], for inputs alone.
    pub(super) fn accept_inputs(&mut self, inputs: &Inputs) -> Result<(), Error> {
        match inputs.tensor().shape().dims() {
            [rows, example @ ..] if *rows > 0 => self.build(TensorType::new(inputs.dtype(), example.to_vec()))?,
            _ => return Err(Error::mismatch("inputs", "one example at least", inputs.tensor().kind())),
        }
        match self.model()?.parameters.tokens {
            Some(below) => inputs.check_tokens(below),
            None => Ok(()),
        }
    }

    /// What the names of the inputs begin with that hold some data for a purpose: the purpose itself, whose last data they are,
    /// or a place of their own, where they are kept.
    pub(super) fn place(&self, purpose: &'static str, data: &Dataset) -> Cow<'static, str> {
        let mut kept = self.kept.iter();
        match kept.position(|(known, kept)| *known == purpose && kept.is_same(data)) {
            Some(number) => format!("{purpose} {number}").into(),
            None => purpose.into(),
        }
    }

    /// Gives data a place of their own for a purpose, since somebody goes on taking steps that read them.
    pub(super) fn keep(&mut self, purpose: &'static str, data: &Dataset) {
        if self.place(purpose, data) == purpose {
            self.kept.push((purpose, data.clone()));
        }
    }

    /// Writes what a loaded feed reads, unless it is there already.
    pub(super) fn write_data(&mut self, feed: &Feed, data: &Dataset) -> Result<(), Error> {
        self.write(&feed.inputs_name(), data.inputs().tensor().host())?;
        match feed.targets_name() {
            Some(name) => self.write(&name, data.targets().host()),
            None => Ok(()),
        }
    }

    /// Writes an input, unless it was last written with the same tensor.
    pub(super) fn write(&mut self, name: &str, tensor: &Arc<HostTensor>) -> Result<(), Error> {
        if self.resident.get(name).is_some_and(|known| Arc::ptr_eq(known, tensor)) {
            return Ok(());
        }
        if self.backend.write_input(name, tensor)? {
            self.resident.insert(name.to_owned(), tensor.clone());
        }
        Ok(())
    }
}
