//! What counts the steps of a training, on the device.

use wgrad_core::{DType, HostTensor, TensorType};
use wgrad_shaders::{Advance, slice, tick};

use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::var::Var;

/// The state that holds the clock of training.
pub(crate) const CLOCK: &str = "clock";
/// The state that holds the clock of evaluation.
pub(crate) const EVALUATION_CLOCK: &str = "evaluation.clock";

/// What the clock says before a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clock {
    /// The steps since the trainer was made: what dropout depends on.
    pub step: u32,
    /// The steps since the first epoch of these data began: which examples are next.
    pub position: u32,
    /// The updates of the parameters: which numbers of the schedule are next.
    pub update: u32,
    /// Whether a loss was not finite, so that nothing changes any more.
    pub stop: bool,
}

impl Clock {
    /// The clock's state.
    pub fn to_host(self) -> HostTensor {
        HostTensor::U32([4].into(), vec![self.step, self.position, self.update, self.stop.into()])
    }

    /// What a state says.
    pub fn from_host(state: &HostTensor) -> Self {
        match state {
            HostTensor::U32(_, words) if words.len() == 4 => {
                Self { step: words[0], position: words[1], update: words[2], stop: words[3] != 0 }
            }
            _ => Self::default(),
        }
    }
}

/// The clock in a graph.
#[derive(Clone, Debug)]
pub(crate) struct Hands {
    clock: Var,
    pub step: Var,
    pub position: Var,
    pub update: Var,
    pub stop: Var,
}

impl Hands {
    /// Adds the clock that `state` holds to a graph.
    pub fn of(trace: &Trace, state: &str) -> Self {
        let clock = trace.state(state, Tensor::from_host(HostTensor::zeros(&TensorType::new(DType::U32, [4])).into()));
        let hand = |index| clock.map(|graph, clock| slice(graph, clock, index, []));
        let [step, position, update, stop] = [0, 1, 2, 3].map(hand);
        Self { clock, step, position, update, stop }
    }

    /// Counts a step where `scale` is positive; else nothing moves any more.
    pub fn tick(&self, scale: &Var, advance: Advance) {
        let next = self.clock.zip(scale, |graph, clock, scale| tick(graph, clock, scale, advance));
        self.clock.set(&next);
    }
}
