//! Mistakes that checks have to find.

use wgrad::core::Shape;
use wgrad::losses::Losses;
use wgrad::{Error, Loss, Tensor, Var};

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

    fn forward(&self, output: &Var, targets: &Var) -> Result<Losses, Error> {
        let Losses { losses, hits } = self.inner.forward(output, targets)?;
        Ok(Losses { losses: losses * self.factor, hits })
    }
}

/// What a check said that had to fail.
pub fn error_of(result: anyhow::Result<()>) -> String {
    result.expect_err("the mistake was not found").to_string()
}
