//! A network that learns in the frames of the window, and what is drawn of it.

use std::collections::VecDeque;
use std::time::Duration;

use wgrad::prelude::{BCEWithLogitsLoss, Error, Options, Tensor};
use wgrad::{CopyFrom, CopyTo, Engine, PredictOptions, Predictor, TensorBuffer, Training, wgpu};
use wgrad::{Reading, Ticket};

use crate::curve::{Curve, Sample};
use crate::evaluation::Evaluation;
use crate::points::{COUNT, Point, Points, REACH};
use crate::settings::{Activation, Names, Settings};
use crate::surface::{Picture, Scale, SurfacePipeline};

/// The side of the grid of points that the network's outputs are drawn from.
pub const SIDE: usize = 100;
/// The examples of a step.
pub const BATCH_SIZE: usize = 16;

/// How many steps a frame takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Work {
    /// None: the network stays as it is.
    Rest,
    /// So many.
    Steps(u32),
    /// As many as the device takes in so long.
    Within(Duration),
}

/// A network that learns.
#[derive(Debug)]
pub struct Network {
    training: Training,
    /// The outputs of all units on the grid.
    surface: Predictor,
    /// The outputs for all points, those that are learned and then the others.
    evaluator: Predictor,
    settings: Settings,
    points: Points,
    pictures: Vec<Picture>,
    weights: Vec<TensorBuffer>,
    landed_weights: Vec<Tensor>,
    pending: VecDeque<Pending>,
    curve: Curve,
    is_drawn: bool,
    failure: Option<Error>,
}

/// A frame whose results have not landed.
#[derive(Debug)]
struct Pending {
    steps: u64,
    ticket: Option<Ticket>,
    reading: Reading,
}

impl Network {
    /// Makes all that a network needs on a device, which takes longer than a frame.
    ///
    /// # Errors
    /// Where a setting is out of its range; on errors of the device.
    pub async fn make(engine: &Engine, settings: Settings, pipeline: &SurfacePipeline) -> Result<Self, Error> {
        let points = Points::of(&settings)?;
        let (model, names) = settings.model();
        let engine = engine.with_options(Options { batch_size: BATCH_SIZE, seed: settings.seed, ..Options::default() });
        let mut training = engine.training(model, BCEWithLogitsLoss, settings.optimizer(), &points.dataset()?).await?;

        let rows = SIDE * SIDE;
        let surface = training.predictor(PredictOptions { rows, activations: true, ..PredictOptions::default() }).await?;
        training.write(surface.input(), &Tensor::f32([rows, 2], grid())?)?;
        let evaluator = training.predictor(PredictOptions { rows: 2 * COUNT, ..PredictOptions::default() }).await?;
        let places = points.train.iter().chain(&points.test).flat_map(|point| point.place).collect();
        training.write(evaluator.input(), &Tensor::f32([2 * COUNT, 2], places)?)?;

        let pictures = pictures(&surface, &settings, &names, pipeline);
        let weights = names.weights.iter().map(|name| training.parameter(name)).collect::<Result<_, _>>()?;
        Ok(Self {
            training,
            surface,
            evaluator,
            settings,
            points,
            pictures,
            weights,
            landed_weights: Vec::new(),
            pending: VecDeque::new(),
            curve: Curve::default(),
            is_drawn: false,
            failure: None,
        })
    }

    /// Records the work of a frame: steps, then what is drawn of the network, then what is read of it. Once there is a
    /// failure nothing is recorded any more.
    pub fn record(&mut self, encoder: &mut wgpu::CommandEncoder, work: Work) {
        if self.failure.is_none()
            && let Err(error) = self.try_record(encoder, work)
        {
            self.failure = Some(error);
        }
    }

    fn try_record(&mut self, encoder: &mut wgpu::CommandEncoder, work: Work) -> Result<(), Error> {
        let ticket = match work {
            Work::Rest if self.is_drawn => return Ok(()),
            Work::Rest => None,
            Work::Steps(steps) => Some(self.training.record_steps(encoder, steps)?),
            Work::Within(budget) => Some(self.training.record_within(encoder, budget)?),
        };
        self.surface.record_predict(encoder, CopyFrom::Here, CopyTo::Here)?;
        self.evaluator.record_predict(encoder, CopyFrom::Here, CopyTo::Here)?;
        let read: Vec<TensorBuffer> = [self.evaluator.output()].into_iter().chain(&self.weights).cloned().collect();
        let reading = self.training.record_read(encoder, &read)?;
        self.pending.push_back(Pending { steps: self.training.steps(), ticket, reading });
        self.is_drawn = true;
        Ok(())
    }

    /// Takes in what has landed of earlier frames. It does not wait.
    pub fn land(&mut self) {
        if self.failure.is_none()
            && let Err(error) = self.try_land()
        {
            self.failure = Some(error);
        }
    }

    fn try_land(&mut self) -> Result<(), Error> {
        while let Some(Pending { steps, ticket, reading }) = self.pending.front() {
            // Fails where the loss was not finite.
            if let Some(ticket) = ticket
                && self.training.try_loss(ticket)?.is_none()
            {
                break;
            }
            let Some(tensors) = self.training.try_read(reading)? else { break };
            let steps = *steps;
            self.pending.pop_front();
            self.take_in(steps, tensors);
        }
        Ok(())
    }

    fn take_in(&mut self, steps: u64, tensors: Vec<Tensor>) {
        let mut tensors = tensors.into_iter();
        let Some(logits) = tensors.next().map(|logits| logits.to_vec()) else { return };
        let (train, test) = logits.split_at(logits.len().min(self.points.train.len()));
        let evaluated = |logits: &[f32], points: &[Point]| Evaluation::of(logits, points);
        let (train, test) = (evaluated(train, &self.points.train), evaluated(test, &self.points.test));
        self.curve.push(Sample { steps, train, test });
        self.landed_weights = tensors.collect();
    }

    /// Gives the next steps another learning rate.
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        if learning_rate == self.settings.learning_rate {
            return;
        }
        self.settings.learning_rate = learning_rate;
        if let Err(error) = self.training.set_learning_rate(learning_rate) {
            self.failure = Some(error);
        }
    }

    /// What it was made of.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What it learns.
    pub fn points(&self) -> &Points {
        &self.points
    }

    /// The steps that were recorded so far.
    pub fn steps(&self) -> u64 {
        self.training.steps()
    }

    /// The passes over the data that were recorded so far.
    pub fn epochs(&self) -> u64 {
        self.training.epochs()
    }

    /// How good it was over time.
    pub fn curve(&self) -> &Curve {
        &self.curve
    }

    /// The weights into each layer, `[units, inputs]`, as they have landed last: none before the first have.
    pub fn weights(&self) -> &[Tensor] {
        &self.landed_weights
    }

    /// What is drawn of each layer: of the inputs, the hidden layers, and the output.
    pub fn pictures(&self) -> &[Picture] {
        &self.pictures
    }

    /// Whether something is on its way that has not landed.
    pub fn is_waiting(&self) -> bool {
        self.failure.is_none() && !self.pending.is_empty()
    }

    /// Why it does not learn any more.
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }
}

/// The points of the plane that pictures are drawn from, row by row from the top left.
fn grid() -> Vec<f32> {
    let place = |index: usize| REACH * (2.0 * index as f32 / (SIDE - 1) as f32 - 1.0);
    (0..SIDE * SIDE).flat_map(|index| [place(index % SIDE), -place(index / SIDE)]).collect()
}

fn pictures(surface: &Predictor, settings: &Settings, names: &Names, pipeline: &SurfacePipeline) -> Vec<Picture> {
    let scale = match settings.activation {
        Activation::Tanh => Scale::Signed,
        Activation::Sigmoid => Scale::Share,
        Activation::Relu | Activation::Silu => Scale::Unbounded,
    };
    let hidden = names.hidden.iter().filter_map(|name| surface.activation(name)).map(|tensor| (tensor, scale));
    let all = [(surface.input(), Scale::Place)].into_iter().chain(hidden).chain([(surface.output(), Scale::Logit)]);
    all.map(|(tensor, scale)| pipeline.picture(tensor, scale)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_begins_at_the_top_left() {
        let grid = grid();
        assert_eq!(grid[..2], [-REACH, REACH]);
        assert_eq!(grid[2 * (SIDE - 1)..2 * SIDE], [REACH, REACH]);
        assert_eq!(grid[grid.len() - 2..], [REACH, -REACH]);
    }
}
