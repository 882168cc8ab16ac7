//! Adam.

use wgrad_shaders::{AdamInputs, adam};

use crate::error::Error;
use crate::optimizers::{At, Optimizer, Update, check_learning_rate, check_momentum, check_weight_decay};
use crate::var::Var;

/// Adam with bias correction, as PyTorch's [`Adam`](https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html)
/// by default: betas 0.9 and 0.999, epsilon 1e-8, no weight decay. Its states have PyTorch's names, `exp_avg` and `exp_avg_sq`.
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    learning_rate: f64,
    beta1: f64,
    weight_decay: f64,
    attributes: wgrad_shaders::Adam,
}

impl Adam {
    /// Adam with a learning rate of 0 or above.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, beta1: 0.9, weight_decay: 0.0, attributes: wgrad_shaders::Adam::default() }
    }

    /// The same with other decay rates of the means of the gradient and of its square: each at least 0 and below 1.
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
        self.weight_decay = weight_decay;
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
        let wgrad_shaders::Adam { beta2, epsilon, .. } = self.attributes;
        check_momentum("beta1", self.beta1)?;
        if !(0.0..1.0).contains(&beta2) {
            return Err(Error::mismatch("beta2", "at least 0 and below 1", beta2));
        }
        let is_normal = (epsilon as f32).is_normal() && epsilon > 0.0;
        if !is_normal {
            return Err(Error::mismatch("epsilon", "a finite number above 0", epsilon));
        }
        check_weight_decay(self.weight_decay)?;
        check_learning_rate(self.learning_rate)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn own_weight_decay(&self) -> Option<f64> {
        Some(self.weight_decay)
    }

    fn own_momentum(&self) -> Option<f64> {
        Some(self.beta1)
    }

    /// Learning rate, beta1, both bias corrections, and weight decay.
    fn numbers(&self, at: At) -> Vec<f32> {
        // The correction undoes what the kernel does, which knows beta1 as an f32.
        let beta1 = at.momentum as f32;
        let correction = |beta: f64| (1.0 / (1.0 - beta.powf(at.update as f64))) as f32;
        let corrections = [correction(beta1.into()), correction(self.attributes.beta2)];
        vec![at.learning_rate as f32, beta1, corrections[0], corrections[1], at.weight_decay as f32]
    }

    fn update(&self, update: &Update) -> Result<Var, Error> {
        let [first, second] = [update.state("exp_avg"), update.state("exp_avg_sq")];
        let [rate, beta1, correction1, correction2, decay] = [0, 1, 2, 3, 4].map(|index| update.number(index));
        let Update { parameters, gradient, scale, .. } = update;
        let inputs = [parameters, gradient, &first, &second, &rate, &beta1, &correction1, &correction2, &decay, scale];
        let [parameters, next_first, next_second] = parameters.with_several(inputs, |graph, inputs| {
            let [parameter, gradient, first_moment, second_moment, numbers @ .., scale] = inputs;
            let [learning_rate, beta1, correction1, correction2, weight_decay] = numbers;
            let moments = AdamInputs {
                parameter,
                gradient,
                first_moment,
                second_moment,
                learning_rate,
                beta1,
                correction1,
                correction2,
                weight_decay,
                scale,
            };
            adam(graph, moments, self.attributes)
        });
        first.set(&next_first);
        second.set(&next_second);
        Ok(parameters)
    }
}
