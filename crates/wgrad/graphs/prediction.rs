//! A model's outputs for given inputs.

use wgrad_core::Graph;

use crate::error::Error;
use crate::graphs::{Built, Feed, counter};
use crate::trace::Mode;

/// The graph of the model in evaluation mode, with one output, `output`.
pub(crate) fn prediction(built: Built, feed: &Feed) -> Result<Graph, Error> {
    let mut graph = Graph::new();
    let position = graph.constant(counter())?;
    let (inputs, _) = feed.examples(&mut graph, position, built.network.seed)?;
    let (output, ..) = built.forward(&mut graph, Mode::Evaluation, inputs)?;
    graph.set_output("output", output);
    Ok(graph)
}
