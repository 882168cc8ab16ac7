//! Gradients of one variable with respect to others.

use wgrad_core::autodiff::differentiate;
use wgrad_core::{HostTensor, Value};
use wgrad_shaders as ops;

use crate::tensor::Tensor;
use crate::var::Var;

impl Var {
    /// The gradient of this, a single f32, with respect to `variable`: zeros where it does not depend on it.
    pub fn gradient(&self, variable: &Var) -> Var {
        let gradient = self.gradients(&[variable]).pop();
        gradient.unwrap_or_else(|| Var::new(self.trace.clone(), None))
    }

    /// The gradient of this, a single f32, with respect to each of `variables`: zeros where it does not depend on one.
    pub fn gradients(&self, variables: &[&Var]) -> Vec<Var> {
        let values: Option<Vec<Value>> = variables.iter().map(|variable| self.trace.own(variable)).collect();
        let Some((loss, values)) = self.value.zip(values) else {
            return variables.iter().map(|_| Var::new(self.trace.clone(), None)).collect();
        };
        let found = self.trace.graph(|graph| {
            let upstream = graph.scalar(1.0);
            Ok(differentiate(graph, loss, upstream, &values, ops::accumulate)?)
        });
        let found = found.unwrap_or_else(|error| {
            self.trace.fail(error);
            vec![None; variables.len()]
        });
        found
            .into_iter()
            .zip(variables)
            .map(|(gradient, variable)| gradient.map_or_else(|| zeros(variable), |value| self.trace.var(value)))
            .collect()
    }
}

fn zeros(like: &Var) -> Var {
    like.trace().constant(Tensor::from_host(HostTensor::zeros(&like.kind()).into()))
}
