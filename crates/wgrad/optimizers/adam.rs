//! Adam.

use wgrad_core::Value;
use wgrad_shaders::{AdamInputs, adam};

use crate::error::Error;
use crate::optimizers::{Optimizer, Update, check_learning_rate, check_weight_decay};
use crate::tensor::Tensor;

/// Adam with bias correction, as PyTorch's [`Adam`](https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html)
/// by default: betas 0.9 and 0.999, epsilon 1e-8, no weight decay.
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    learning_rate: f64,
    beta1: f64,
    attributes: wgrad_shaders::Adam,
}

/// The largest beta: beyond it the table of corrections would have millions of rows.
const LARGEST_BETA: f64 = 0.99999;

impl Adam {
    /// Adam with a learning rate of 0 or above.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, beta1: 0.9, attributes: wgrad_shaders::Adam::default() }
    }

    /// The same with other decay rates of the means of the gradient and of its square: each from 0 to 0.99999.
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Self {
        (self.beta1, self.attributes.beta2) = (beta1, beta2);
        self
    }

    /// The same with another number added to the divisor: finite and positive.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.attributes.epsilon = epsilon;
        self
    }

    /// The same with `weight_decay * w` added to the gradient; 0 or above. [`AdamW`](crate::optimizers::AdamW) lets
    /// parameters decay by themselves.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.attributes.weight_decay = weight_decay;
        self
    }

    /// The same with a weight decay that does not go through the gradient.
    pub(super) fn decoupled(mut self) -> Self {
        self.attributes.decoupled = true;
        self
    }
}

impl Optimizer for Adam {
    fn check(&self) -> Result<(), Error> {
        let wgrad_shaders::Adam { beta2, epsilon, weight_decay, .. } = self.attributes;
        for (name, beta) in [("beta1", self.beta1), ("beta2", beta2)] {
            if !(0.0..=LARGEST_BETA).contains(&beta) {
                return Err(Error::mismatch(name, format!("0 to {LARGEST_BETA}"), beta));
            }
        }
        let is_normal = (epsilon as f32).is_normal() && epsilon > 0.0;
        if !is_normal {
            return Err(Error::mismatch("epsilon", "a finite number above 0", epsilon));
        }
        check_weight_decay(weight_decay)?;
        check_learning_rate(self.learning_rate)
    }

    /// Learning rate, beta1 and both bias corrections of each step, until the corrections are 1.
    fn schedule(&self) -> Result<Tensor, Error> {
        // The correction undoes what the kernel does, which knows beta1 as an f32.
        let betas = [f64::from(self.beta1 as f32), self.attributes.beta2];
        let mut rows = Vec::new();
        for step in 1.. {
            let corrections = betas.map(|beta| (1.0 / (1.0 - beta.powi(step))) as f32);
            rows.extend([self.learning_rate as f32, self.beta1 as f32, corrections[0], corrections[1]]);
            if corrections == [1.0, 1.0] {
                break;
            }
        }
        Tensor::f32([rows.len() / 4, 4], rows)
    }

    fn update(&self, update: &mut Update) -> Result<Value, Error> {
        let [first_moment, second_moment] = [update.state("first_moment")?, update.state("second_moment")?];
        let inputs = AdamInputs {
            parameter: update.parameters,
            gradient: update.gradient,
            first_moment,
            second_moment,
            learning_rate: update.scheduled(0)?,
            beta1: update.scheduled(1)?,
            correction1: update.scheduled(2)?,
            correction2: update.scheduled(3)?,
            scale: update.scale,
        };
        let [parameters, first, second] = adam(update.graph, inputs, self.attributes)?;
        update.graph.set_next(first_moment, first)?;
        update.graph.set_next(second_moment, second)?;
        Ok(parameters)
    }
}
