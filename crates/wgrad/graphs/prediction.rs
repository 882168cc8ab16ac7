//! A model's outputs for given inputs.

use wgrad_core::Graph;

use crate::error::Error;
use crate::graphs::{Built, Feed, finish};

/// The name of the model's output in its graph.
pub(crate) const OUTPUT: &str = "output";

/// The graph of the model in evaluation mode, with one output, [`OUTPUT`]. Where `has_layers`, it has the output of each
/// layer too, whose names are returned.
pub(crate) fn prediction(built: Built, feed: &Feed, has_layers: bool) -> Result<(Graph, Vec<String>), Error> {
    let trace = built.trace();
    let inputs = feed.all(&trace)?;
    if has_layers {
        trace.keep_layers();
    }
    trace.output(OUTPUT, &built.forward(&inputs)?);
    let layers = trace.kept_layers();
    Ok((finish(&trace)?, layers))
}
