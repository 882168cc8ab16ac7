//! What scales the loss of mixed precision, on the device.

use wgrad_core::HostTensor;
use wgrad_shaders::{RescaleInputs, RescaleOutputs, rescale};

use crate::precision::LossScale;
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::var::Var;

/// The state that holds what the loss is multiplied with.
pub(crate) const LOSS_SCALE: &str = "loss_scale";
/// The state that counts the updates in a row that were not skipped.
const GOOD_STEPS: &str = "loss_scale.good_steps";

/// The loss scale in a graph.
#[derive(Clone, Debug)]
pub(super) struct Scaling {
    scale: Var,
    growth_interval: u32,
}

impl Scaling {
    /// Adds the scale to a graph.
    pub fn of(trace: &Trace, LossScale { initial, growth_interval }: LossScale) -> Self {
        let scale = trace.state(LOSS_SCALE, Tensor::from_host(HostTensor::scalar(initial).into()));
        Self { scale, growth_interval }
    }

    /// What is differentiated in the place of the loss.
    pub fn scaled(&self, loss: &Var) -> Var {
        loss * &self.scale
    }

    /// A gradient of the loss, given that of the scaled loss.
    pub fn unscaled(&self, gradient: &Var) -> Var {
        gradient / &self.scale
    }

    /// Gives the scale its next value, by the norm of all scaled gradients. Returns what the update multiplies them with, 0
    /// where it is skipped or `gate` is 0, and their norm without the scale.
    pub fn settle(&self, norm: &Var, gate: &Var) -> [Var; 2] {
        let good_steps = norm.trace().counter(GOOD_STEPS);
        let inputs = [&self.scale, &good_steps, norm, gate];
        let [scale, next_good_steps, factor, norm] = norm.with_several(inputs, |graph, [scale, good_steps, norm, gate]| {
            let inputs = RescaleInputs { scale, good_steps, norm, gate };
            let RescaleOutputs { scale, good_steps, factor, norm } = rescale(graph, inputs, self.growth_interval)?;
            Ok([scale, good_steps, factor, norm])
        });
        self.scale.set(&scale);
        good_steps.set(&next_good_steps);
        [factor, norm]
    }
}
