//! A step of training: forward, backward and update, with the clock that counts it and the log that it is kept in.

use wgrad_core::{Graph, HostTensor, TensorType};
use wgrad_shaders::{Advance, lookup, pack, slice};

use crate::arena::Arena;
use crate::error::Error;
use crate::graphs::clock::{CLOCK, Hands};
use crate::graphs::scaling::Scaling;
use crate::graphs::{Built, Feed, Logged, Objective, finish, log, record};
use crate::losses::Losses;
use crate::optimizers::Update;
use crate::parameters::BUFFERS;
use crate::tensor::Tensor;
use crate::trace::{Mode, Trace};
use crate::var::Var;

/// The input that the numbers of the updates are written to: a ring of rows, one for each.
pub(crate) const NUMBERS: &str = "numbers";

/// What a step does with its gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It adds them to those of the steps before.
    Gather,
    /// It updates the parameters, by the mean over its own and those that were gathered.
    Update {
        /// Whether a schedule moves the momentum of optimizers that were made without one.
        moves_momentum: bool,
    },
}

/// What every graph that goes backward has in common.
struct Backward {
    clock: Hands,
    output: Var,
    losses: Losses,
    mean: Var,
    /// What the mean loss is multiplied with before it is differentiated; none where it is not.
    scaling: Option<Scaling>,
    /// For each vector that an optimizer changes, the gradient of the mean loss, scaled, laid out as it is.
    gradients: Vec<(usize, Var)>,
}

/// The graph of a step. Its states are those of parameters, buffers and optimizers, the clock, and the log, named by
/// [`log_name`](super::log_name).
pub(crate) fn training(built: Built, objective: &Objective, feed: &Feed, phase: Phase) -> Result<Logged, Error> {
    let trace = built.trace();
    let backward = backward(&trace, built, objective, feed)?;
    let Backward { clock, losses, .. } = &backward;
    let scale = record(&log(&trace, "train", feed.steps()), &clock.position, &clock.stop, losses);
    match phase {
        Phase::Gather => gather(&backward),
        Phase::Update { moves_momentum } => {
            trace.scoped("update", || update(&trace, built, objective, &backward, &scale, moves_momentum))?;
        }
    }
    let advance = Advance { step: true, position: feed.moves(), update: phase != Phase::Gather };
    trace.scoped("buffers", || buffers(&trace, built, &scale));
    trace.scoped("clock", || clock.tick(&scale, advance));
    Ok((finish(&trace)?, losses.hits.is_some()))
}

/// The graph of a step that changes nothing, but gives `output`, `loss`, the `norm` of all gradients, and for each vector that
/// an optimizer changes `gradient` with its place.
pub(crate) fn gradients(built: Built, objective: &Objective, feed: &Feed) -> Result<Graph, Error> {
    let trace = built.trace();
    let backward = backward(&trace, built, objective, feed)?;
    trace.output("output", &backward.output);
    trace.output("loss", &backward.mean);
    let unscaled = |gradient: &Var| backward.scaling.as_ref().map_or(gradient.clone(), |scaling| scaling.unscaled(gradient));
    let gradients: Vec<Var> = backward.gradients.iter().map(|(_, gradient)| unscaled(gradient)).collect();
    trace.output("norm", &norm(&trace, &gradients));
    for ((arena, _), gradient) in backward.gradients.iter().zip(&gradients) {
        trace.output(&gradient_name(*arena), gradient);
    }
    finish(&trace)
}

/// The name of the gradient of a vector, by its place.
pub(crate) fn gradient_name(arena: usize) -> String {
    format!("gradient {arena}")
}

fn backward(trace: &Trace, built: Built, objective: &Objective, feed: &Feed) -> Result<Backward, Error> {
    let clock = Hands::of(trace, CLOCK);
    let (inputs, targets) = feed.examples(trace, &clock.position)?;
    let targets = targets.ok_or_else(|| Error::mismatch("training data", "targets", "inputs alone"))?;
    trace.set_mode(Mode::Training(clock.step.value().ok_or(Error::NotBuilt)?));
    let output = built.forward(&inputs)?;
    let losses = objective.losses(&output, &targets)?;
    let mean = losses.losses.mean();
    let scaling = built.precision.loss_scale().map(|options| Scaling::of(trace, options));
    let scaled = scaling.as_ref().map_or(mean.clone(), |scaling| scaling.scaled(&mean));
    let gradients = packed_gradients(trace, built, &scaled);
    Ok(Backward { clock, output, losses, mean, scaling, gradients })
}

fn packed_gradients(trace: &Trace, built: Built, loss: &Var) -> Vec<(usize, Var)> {
    let arenas: Vec<(usize, &Arena)> =
        built.parameters.arenas.iter().enumerate().filter(|(_, arena)| arena.optimizer.is_some()).collect();
    let used = |name: &str| trace.used_entry(name).map(|value| trace.var(value));
    let entries: Vec<_> = arenas.iter().flat_map(|(_, arena)| &arena.entries).collect();
    let variables: Vec<Option<Var>> = entries.iter().map(|entry| used(&entry.name)).collect();
    let known: Vec<&Var> = variables.iter().flatten().collect();
    let mut found = loss.gradients(&known).into_iter();
    let mut all = entries.iter().zip(&variables).map(|(entry, variable)| {
        let zeros = || trace.constant(Tensor::from_host(HostTensor::zeros(&TensorType::f32(entry.shape.clone())).into()));
        variable.as_ref().and_then(|_| found.next()).unwrap_or_else(zeros)
    });
    let packed = arenas.iter().map(|&(index, arena)| {
        let parts: Vec<Var> = all.by_ref().take(arena.entries.len()).collect();
        (index, packed(trace, &parts))
    });
    packed.collect()
}

fn packed(trace: &Trace, parts: &[Var]) -> Var {
    let values: Option<Vec<_>> = parts.iter().map(|part| trace.own(part)).collect();
    match values {
        Some(values) => trace.build(|graph| pack(graph, &values)),
        None => trace.scalar(0.0),
    }
}

fn gathered(gradient: &Var, arena: usize) -> Var {
    let zeros = HostTensor::zeros(&gradient.kind());
    gradient.trace().state(&format!("gathered.{arena}"), Tensor::from_host(zeros.into()))
}

fn gather(backward: &Backward) {
    for (arena, gradient) in &backward.gradients {
        let sum = gathered(gradient, *arena);
        sum.set(&(&sum + gradient));
    }
}

/// The mean over this step's gradient and those that were gathered, which are none from then on.
fn mean_gradient(gradient: &Var, arena: usize, steps: u32) -> Var {
    if steps == 1 {
        return gradient.clone();
    }
    let sum = gathered(gradient, arena);
    sum.set(&gradient.trace().constant(Tensor::from_host(HostTensor::zeros(&gradient.kind()).into())));
    (sum + gradient) * (1.0 / steps as f32)
}

fn update(
    trace: &Trace,
    built: Built,
    objective: &Objective,
    backward: &Backward,
    gate: &Var,
    moves_momentum: bool,
) -> Result<(), Error> {
    let numbers = trace.input(NUMBERS, objective.table_kind());
    let numbers = numbers.zip(&backward.clock.update, lookup);
    let steps = objective.accumulation;
    let gradients: Vec<Var> = backward.gradients.iter().map(|(arena, gradient)| mean_gradient(gradient, *arena, steps)).collect();
    let width = objective.optimizers.width();
    let largest = objective.clip_norm.map(|_| numbers.map(|graph, numbers| slice(graph, numbers, width, [])));
    let scale = gradient_scale(trace, backward.scaling.as_ref(), &gradients, gate, largest);
    for ((arena, _), gradient) in backward.gradients.iter().zip(gradients) {
        let arena = &built.parameters.arenas[*arena];
        follow(trace, objective, arena, Gradient { gradient, scale: scale.clone(), numbers: numbers.clone(), moves_momentum })?;
    }
    Ok(())
}

/// What the optimizer of a vector is given, apart from the vector.
struct Gradient {
    gradient: Var,
    scale: Var,
    numbers: Var,
    moves_momentum: bool,
}

/// Has a vector follow its gradient, by its optimizer.
fn follow(trace: &Trace, objective: &Objective, arena: &Arena, given: Gradient) -> Result<(), Error> {
    let Some(index) = arena.optimizer else { return Ok(()) };
    let Gradient { gradient, scale, numbers, moves_momentum } = given;
    let update = Update {
        parameters: trace.named(&arena.state),
        gradient,
        scale,
        moves_momentum,
        numbers,
        first: objective.optimizers.first_number(index),
        prefix: optimizer_name(index),
        transforms: 0,
    };
    let next = trace.checked(objective.optimizers.get(index).update(&update))?;
    update.parameters.set(&next);
    Ok(())
}

/// What the names of an optimizer's states begin with, before a point.
fn optimizer_name(index: usize) -> String {
    format!("optimizer.{index}")
}

/// The vectors that the optimizers keep beside those that they change: their entries are called `parameter.state`.
pub(crate) fn optimizer_states(built: Built, objective: &Objective, moves_momentum: bool) -> Result<Vec<Arena>, Error> {
    let trace = built.trace();
    let step = trace.counter("step");
    trace.set_mode(Mode::Training(step.value().ok_or(Error::NotBuilt)?));
    let numbers = HostTensor::zeros(&TensorType::f32([objective.optimizers.width().max(1)]));
    let numbers = trace.constant(Tensor::from_host(numbers.into()));
    let mut states = Vec::new();
    for arena in built.parameters.arenas.iter().filter(|arena| arena.optimizer.is_some()) {
        let gradient = trace.named(&arena.state);
        follow(
            &trace,
            objective,
            arena,
            Gradient { gradient, scale: trace.scalar(1.0), numbers: numbers.clone(), moves_momentum },
        )?;
        let prefix = arena.optimizer.map(|index| format!("{}.", optimizer_name(index))).unwrap_or_default();
        let graph = trace.as_graph();
        let own = graph.states().filter_map(|(state, _)| Some((state, state.strip_prefix(&prefix)?)));
        states.extend(own.map(|(state, suffix)| arena.beside(state.to_owned(), suffix)));
    }
    Ok(states)
}

/// What gradients are multiplied with: 0 where the step does not count, or is skipped because they are not finite. Their norm
/// is not above the largest then, if there is one.
fn gradient_scale(trace: &Trace, scaling: Option<&Scaling>, gradients: &[Var], gate: &Var, largest: Option<Var>) -> Var {
    if scaling.is_none() && largest.is_none() {
        return gate.clone();
    }
    let norm = norm(trace, gradients);
    let [scale, norm] = scaling.map_or_else(|| [gate.clone(), norm.clone()], |scaling| scaling.settle(&norm, gate));
    let zero = trace.scalar(0.0);
    largest.map_or(scale.clone(), |largest| scale.select(&(&scale * clip(&norm, &largest)), &zero))
}

/// The norm of all gradients together: 0 where all is frozen.
fn norm(trace: &Trace, gradients: &[Var]) -> Var {
    let squares = gradients.iter().map(|gradient| gradient.square().sum());
    squares.reduce(|total, square| total + square).unwrap_or_else(|| trace.scalar(0.0)).sqrt()
}

/// What gradients of a norm are multiplied with, so that it is not above the largest: PyTorch's `clip_grad_norm_`. It is never
/// 0, which would stand for a step that does not count: where a gradient is infinite, so are the parameters, and the next loss
/// ends the training.
fn clip(norm: &Var, largest: &Var) -> Var {
    (largest / (norm + 1e-6)).clamp(f32::MIN_POSITIVE, 1.0)
}

/// Gives buffers the values that the model has set, unless the step does not count.
fn buffers(trace: &Trace, built: Built, scale: &Var) {
    let Some(arena) = built.parameters.arenas.iter().find(|arena| arena.state == BUFFERS) else { return };
    let parts: Vec<Var> = arena
        .entries
        .iter()
        .filter_map(|entry| trace.next_buffer(&entry.name).or_else(|| trace.used_entry(&entry.name)))
        .map(|value| trace.var(value))
        .collect();
    if parts.len() == arena.entries.len() {
        let state = trace.named(BUFFERS);
        state.set(&scale.select(&packed(trace, &parts), &state));
    }
}
