//! A model as a table.

use std::fmt;

use wgrad_core::{Shape, TensorType};

use crate::arena::Role;
use crate::error::Error;
use crate::layers::Layer;
use crate::parameters::{Collected, collect};

/// A model's layers with the shapes of their outputs and their numbers of parameters; printed as a table.
#[derive(Clone, Debug)]
pub struct Summary {
    rows: Vec<Row>,
    /// The number of trainable numbers of all layers.
    pub parameters: usize,
}

/// A layer's line.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    label: String,
    output: Shape,
    parameters: usize,
}

impl Row {
    /// A layer's line, of which the ends are not yet known. Layers within layers are indented.
    pub(crate) fn new(scope: &[String], kind: &str) -> Self {
        let indent = "  ".repeat(scope.len().saturating_sub(1));
        Self { label: format!("{indent}{} {kind}", scope.join(".")), output: Shape::default(), parameters: 0 }
    }

    pub(crate) fn finish(&mut self, output: Shape, parameters: usize) {
        (self.output, self.parameters) = (output, parameters);
    }
}

/// Describes a model for an input of type `input`, without the axis of examples: `&[784]` for floats,
/// `TensorType::u32([64])` for tokens.
///
/// # Errors
/// Where a layer cannot be built or does not take what the one before gives.
pub fn summary(model: &dyn Layer, input: impl Into<TensorType>) -> Result<Summary, Error> {
    let Collected { entries, rows, .. } = collect(model, &input.into())?;
    let trainable = entries.iter().filter(|entry| entry.role == Role::Trainable);
    Ok(Summary { rows, parameters: trainable.map(|entry| entry.shape.elements()).sum() })
}

impl fmt::Display for Summary {
    /// One line a layer, in which `batch` stands for the number of examples; then the total.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.label.len()).max().unwrap_or(0).max("layer".len());
        writeln!(formatter, "{:width$}  {:<20}  {:>12}", "layer", "output", "parameters")?;
        for row in &self.rows {
            let output = batched(&row.output);
            writeln!(formatter, "{:width$}  {output:<20}  {:>12}", row.label, thousands(row.parameters))?;
        }
        write!(formatter, "{:width$}  {:<20}  {:>12}", "total", "", thousands(self.parameters))
    }
}

fn batched(shape: &Shape) -> String {
    let dims = shape.dims().iter().skip(1).map(usize::to_string);
    format!("[{}]", ["batch".to_owned()].into_iter().chain(dims).collect::<Vec<_>>().join(", "))
}

/// Digits in groups of three.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let is_boundary = |index: usize| index > 0 && (digits.len() - index).is_multiple_of(3);
    let grouped = digits.char_indices().map(|(index, digit)| if is_boundary(index) { format!(",{digit}") } else { digit.into() });
    grouped.collect()
}
