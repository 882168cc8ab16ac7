//! Mistakes that checks have to find.

use wgrad::core::{Graph, Shape, Value};
use wgrad::losses::Losses;
use wgrad::{Error, Loss, Tensor, ops};

/// A loss that is too large by a factor.
#[derive(Debug)]
pub struct ScaledLoss {
    pub inner: Box<dyn Loss>,
    pub factor: f32,
}

impl Loss for ScaledLoss {
    fn check(&self, output: &Shape, targets: &Tensor) -> Result<(), Error> {
        self.inner.check(output, targets)
    }

    fn forward(&self, graph: &mut Graph, output: Value, targets: Value) -> Result<Losses, Error> {
        let Losses { losses, hits } = self.inner.forward(graph, output, targets)?;
        let factor = graph.scalar(self.factor);
        Ok(Losses { losses: ops::mul(graph, losses, factor)?, hits })
    }
}

/// What a check said that had to fail.
pub fn error_of(result: anyhow::Result<()>) -> String {
    result.expect_err("the mistake was not found").to_string()
}
