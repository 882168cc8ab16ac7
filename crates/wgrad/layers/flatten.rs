//! Examples as vectors.

use wgrad_core::Value;
use wgrad_shaders::reshape;

use crate::error::Error;
use crate::layers::Layer;
use crate::trace::Trace;

/// All axes but the first as one: `[batch, 28, 28]` becomes `[batch, 784]`.
#[derive(Clone, Copy, Debug)]
pub struct Flatten;

impl Layer for Flatten {
    fn name(&self) -> &str {
        "Flatten"
    }

    fn forward(&self, trace: &mut Trace, input: Value) -> Result<Value, Error> {
        let (batch, columns) = match trace.graph.kind(input).shape.dims() {
            [batch, columns @ ..] => (*batch, columns.iter().product()),
            [] => return Err(Error::mismatch("input", "[batch, ...]", "a scalar")),
        };
        Ok(reshape(trace.graph, input, [batch, columns])?)
    }
}
