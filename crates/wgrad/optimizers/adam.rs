//! Adam.

use wgrad_shaders::{AdamInputs, adam};

use crate::error::Error;
use crate::optimizers::{At, Optimizer, Update, check_learning_rate};
use crate::var::Var;

/// Adam with bias correction, as PyTorch's [`Adam`](https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html)
/// by default: betas 0.9 and 0.999, epsilon 1e-8.
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    learning_rate: f64,
    attributes: wgrad_shaders::Adam,
}

impl Adam {
    /// Adam with a learning rate of 0 or above.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, attributes: wgrad_shaders::Adam::default() }
    }

    /// The same with other decay rates of the means of the gradient and of its square: each at least 0 and below 1.
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Self {
        (self.attributes.beta1, self.attributes.beta2) = (beta1, beta2);
        self
    }

    /// The same with another number added to the divisor: finite and positive.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.attributes.epsilon = epsilon;
        self
    }
}

impl Optimizer for Adam {
    fn check(&self) -> Result<(), Error> {
        let wgrad_shaders::Adam { beta1, beta2, epsilon } = self.attributes;
        for (name, beta) in [("beta1", beta1), ("beta2", beta2)] {
            if !(0.0..1.0).contains(&beta) {
                return Err(Error::mismatch(name, "at least 0 and below 1", beta));
            }
        }
        let is_normal = (epsilon as f32).is_normal() && epsilon > 0.0;
        if !is_normal {
            return Err(Error::mismatch("epsilon", "a finite number above 0", epsilon));
        }
        check_learning_rate(self.learning_rate)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    /// Learning rate and both bias corrections.
    fn numbers(&self, at: At) -> Vec<f32> {
        let wgrad_shaders::Adam { beta1, beta2, .. } = self.attributes;
        let correction = |beta: f64| (1.0 / (1.0 - beta.powf(at.update as f64))) as f32;
        vec![at.learning_rate as f32, correction(beta1), correction(beta2)]
    }

    fn update(&self, update: &Update) -> Result<Var, Error> {
        let moments = [update.state("first_moment"), update.state("second_moment")];
        let numbers = [0, 1, 2].map(|index| update.number(index));
        let Update { parameters, gradient, scale, .. } = update;
        let inputs = [parameters, gradient, &moments[0], &moments[1], &numbers[0], &numbers[1], &numbers[2], scale];
        let [next, first, second] = parameters.with_several(inputs, |graph, inputs| {
            let [parameter, gradient, first_moment, second_moment, learning_rate, correction1, correction2, scale] = inputs;
            let inputs =
                AdamInputs { parameter, gradient, first_moment, second_moment, learning_rate, correction1, correction2, scale };
            adam(graph, inputs, self.attributes)
        });
        moments[0].set(&first);
        moments[1].set(&second);
        Ok(next)
    }
}
