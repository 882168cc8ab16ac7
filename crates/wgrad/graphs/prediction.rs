//! A model's outputs for given inputs.

use wgrad_core::Graph;

use crate::error::Error;
use crate::graphs::{Built, Feed, finish};

/// The graph of the model in evaluation mode, with one output, `output`.
pub(crate) fn prediction(built: Built, feed: &Feed) -> Result<Graph, Error> {
    let trace = built.trace();
    let inputs = feed.all(&trace)?;
    trace.output("output", &built.forward(&inputs)?);
    finish(&trace)
}
