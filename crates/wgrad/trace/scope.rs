//! Layers within layers.

use crate::error::Error;
use crate::layers::Layer;
use crate::summary::Row;
use crate::trace::Trace;
use crate::var::Var;

impl Trace {
    /// Runs a whole model; what is wrong in it gets its kind, unless it has the name of a layer already.
    pub(crate) fn model(&self, model: &dyn Layer, input: &Var) -> Result<Var, Error> {
        self.checked(model.forward(input)).map_err(|reason| match reason {
            Error::Layer { .. } => reason,
            _ => Error::Model { kind: model.name().to_owned(), reason: Box::new(reason) },
        })
    }

    /// Runs `layer` under a name of its own; what is wrong in it gets its name.
    pub(crate) fn layer(&self, name: &str, layer: &dyn Layer, input: &Var) -> Result<Var, Error> {
        let (row, found) = self.enter(name, layer.name());
        let output = self.checked(layer.forward(input)).and_then(|output| self.used(output));
        if let Ok(output) = &output {
            self.keep(output);
        }
        self.0.borrow_mut().scope.pop();
        let output =
            output.map_err(|reason| Error::Layer { layer: format!("{name} ({})", layer.name()), reason: Box::new(reason) })?;
        let shape = output.shape();
        let mut tracing = self.0.borrow_mut();
        let parameters = tracing.registry.elements_since(found);
        tracing.rows[row].finish(shape, parameters);
        Ok(output)
    }

    /// Has the graph give the outputs of all layers from now on, under their full names.
    pub(crate) fn keep_layers(&self) {
        self.0.borrow_mut().kept = Some(Vec::new());
    }

    /// The names of the layers whose outputs the graph gives.
    pub(crate) fn kept_layers(&self) -> Vec<String> {
        self.0.borrow().kept.clone().unwrap_or_default()
    }

    fn keep(&self, output: &Var) {
        let name = self.0.borrow().scope.join(".");
        if self.0.borrow().kept.is_some() {
            self.output(&name, output);
        }
        if let Some(kept) = &mut self.0.borrow_mut().kept {
            kept.push(name);
        }
    }

    /// Runs `build` as the part `name` of the layer that is being run, as [`Var::layer`] runs a layer: what it asks for is named
    /// after it, and what is wrong gets its name. For parts that take more than one input, such as attention to another
    /// sequence.
    ///
    /// ```
    /// # use wgrad::prelude::*;
    /// #[derive(Debug)]
    /// struct Decoder { self_attn: MultiheadAttention, multihead_attn: MultiheadAttention }
    ///
    /// impl Layer for Decoder {
    ///     fn forward(&self, x: &Var) -> Result<Var, Error> {
    ///         let (trace, memory) = (x.trace(), x.relu());
    ///         let x = x + trace.part("self_attn", || self.self_attn.attend(x, x, x, None))?;
    ///         Ok(&x + trace.part("multihead_attn", || self.multihead_attn.attend(&x, &memory, &memory, None))?)
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// Those of `build`, with the part's name.
    pub fn part<T>(&self, name: &str, build: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let result = self.scoped(name, || self.checked(build()));
        result.map_err(|reason| Error::Layer { layer: name.to_owned(), reason: Box::new(reason) })
    }

    /// Runs `build` with `name` as a part of the scope of what it adds.
    pub(crate) fn scoped<T>(&self, name: &str, build: impl FnOnce() -> T) -> T {
        self.0.borrow_mut().scope.push(name.to_owned());
        let result = build();
        self.0.borrow_mut().scope.pop();
        result
    }

    /// The lines of the model's table.
    pub(crate) fn rows(&self) -> Vec<Row> {
        self.0.borrow().rows.clone()
    }

    /// Begins a layer; returns its line in the table, and how many parameters there were before.
    fn enter(&self, name: &str, kind: &str) -> (usize, usize) {
        let mut tracing = self.0.borrow_mut();
        tracing.scope.push(name.to_owned());
        let row = Row::new(&tracing.scope, kind);
        tracing.rows.push(row);
        (tracing.rows.len() - 1, tracing.registry.found().len())
    }

    /// A layer's output, which has to stand for something in this graph.
    fn used(&self, output: Var) -> Result<Var, Error> {
        let is_own = self.own(&output).is_some();
        self.checked(Ok(output)).and_then(|output| match is_own {
            true => Ok(output),
            false => Err(Error::mismatch("output", "a variable of this graph", "one that an error left without value")),
        })
    }

    pub(crate) fn full_name(&self, name: &str) -> String {
        self.0.borrow().scope.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(".")
    }
}
