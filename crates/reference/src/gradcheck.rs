//! Holds an operation's gradient against central differences, in double precision and in the middle of a graph.

mod probe;

use std::sync::Arc;

use thiserror::Error;
use wgrad_core::autodiff::Accumulate;
use wgrad_core::{Array, Case, Graph, GraphError, Op, TensorType, Value};

use crate::error::ReferenceError;
use probe::{Loss, Probe};

/// The operations around the one that is checked: this crate knows none by name.
#[derive(Clone, Copy, Debug)]
pub struct Constructors {
    /// Adds up values of one type.
    pub accumulate: Accumulate,
    /// Multiplies two values of one type.
    pub mul: fn(&mut Graph, Value, Value) -> Result<Value, GraphError>,
    /// Sums all elements of a value of any shape into a single one.
    pub sum: fn(&mut Graph, Value) -> Result<Value, GraphError>,
}

/// A check of gradients against central differences.
///
/// The operation reads sums of states and zeros, and the loss is a weighted sum over all its outputs of f32. So its
/// upstream gradient is not 1 and differs from element to element, and what it returns is passed on by another
/// operation: a gradient that is right only at the end of a graph is rejected.
///
/// Finite differences exist only for [cases](Case) that are marked differentiable; leaving out others is up to the
/// caller.
#[derive(Clone, Debug)]
pub struct GradientCheck {
    constructors: Constructors,
    elements: usize,
    excluded_outputs: Vec<usize>,
    constant_inputs: Vec<usize>,
}

/// What a check that found no mistake has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GradientReport {
    /// Inputs whose gradients agree with finite differences.
    pub with_gradient: Vec<usize>,
    /// Inputs for which the operation has no gradient, such as labels, in their order. Those of f32 do not change
    /// the loss, or were [declared](GradientCheck::without_gradient).
    pub without_gradient: Vec<usize>,
    /// How many elements were held against finite differences, over all inputs.
    pub compared: usize,
}

/// What is wrong with a gradient.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum GradientError {
    /// An element of a gradient differs from the slope that central differences show.
    #[error("{operation}, input {input}, element {element}: wanted {wanted} within {allowed:e}, got {got}")]
    Element {
        /// The operation's name and the case's label.
        operation: String,
        /// Which input.
        input: usize,
        /// The element's linear index.
        element: usize,
        /// The slope by central differences.
        wanted: f64,
        /// The gradient.
        got: f64,
        /// How far they might lie apart.
        allowed: f64,
    },

    /// The operation says that an input has no gradient, but that input changes the loss.
    #[error("{operation}, input {input}: no gradient, but the slope at element {element} is {slope}")]
    Missing {
        /// The operation's name and the case's label.
        operation: String,
        /// Which input.
        input: usize,
        /// The linear index of an element that changes the loss.
        element: usize,
        /// The slope there.
        slope: f64,
    },

    /// A gradient has another type than the input that it belongs to.
    #[error("{operation}, input {input}: the gradient should be {wanted}, but is {got}")]
    Type {
        /// The operation's name and the case's label.
        operation: String,
        /// Which input.
        input: usize,
        /// The input's type.
        wanted: TensorType,
        /// The gradient's.
        got: TensorType,
    },

    /// The operation, or its gradient's, do not take what they are given.
    #[error(transparent)]
    Graph(#[from] GraphError),

    /// The graph does not run.
    #[error(transparent)]
    Run(#[from] ReferenceError),
}

impl GradientCheck {
    /// A check of up to 16 elements of each input, with all outputs of f32 in the loss.
    pub fn new(constructors: Constructors) -> Self {
        Self { constructors, elements: 16, excluded_outputs: Vec::new(), constant_inputs: Vec::new() }
    }

    /// The same for up to this many elements of each input, spread evenly from the first to the last.
    pub fn with_elements(mut self, elements: usize) -> Self {
        self.elements = elements;
        self
    }

    /// The same without these outputs in the loss: those that have no derivative, such as a count of hits.
    pub fn excluding_outputs(mut self, outputs: impl Into<Vec<usize>>) -> Self {
        self.excluded_outputs = outputs.into();
        self
    }

    /// The same for an operation that by design has no gradient for these inputs of f32, though they change the
    /// loss. Where it returns one all the same, that is checked like any other.
    pub fn without_gradient(mut self, inputs: impl Into<Vec<usize>>) -> Self {
        self.constant_inputs = inputs.into();
        self
    }

    /// Checks an operation's gradient at a case's inputs.
    ///
    /// # Errors
    /// The first element of a gradient that differs from the slope, a gradient that is missing or has the wrong
    /// type, or what keeps the graph from being built or run.
    pub fn check(&self, op: &Arc<dyn Op>, case: &Case) -> Result<GradientReport, GradientError> {
        let mut report = GradientReport::default();
        let Some(probe) = Probe::new(self, op, case)? else {
            report.without_gradient = (0..case.inputs.len()).collect();
            return Ok(report);
        };
        let gradients = probe.gradients(self.constructors.accumulate)?;
        let mut loss = Loss::new(&probe)?;
        for (input, array) in case.inputs.iter().enumerate() {
            let Some(gradient) = gradients.get(&input) else {
                report.without_gradient.push(input);
                continue;
            };
            let elements = spread(array.data.len(), self.elements);
            report.compared += elements.len();
            for element in elements {
                let slope = loss.slope(input, array, element)?;
                self.judge(&probe.label, input, element, slope, gradient.as_ref())?;
            }
            let reported = if gradient.is_some() { &mut report.with_gradient } else { &mut report.without_gradient };
            reported.push(input);
        }
        Ok(report)
    }

    /// Compares a slope with the same element of the gradient, or with 0 where there is none.
    fn judge(
        &self,
        label: &str,
        input: usize,
        element: usize,
        slope: f64,
        gradient: Option<&Array>,
    ) -> Result<(), GradientError> {
        let operation = label.to_owned();
        let got = gradient.map_or(0.0, |gradient| gradient.data[element]);
        let allowed = 1e-6 + 1e-5 * slope.abs().max(got.abs());
        // A comparison with NaN is false, so that NaN on either side is an error.
        if (slope - got).abs() <= allowed {
            return Ok(());
        }
        match gradient {
            Some(_) => Err(GradientError::Element { operation, input, element, wanted: slope, got, allowed }),
            None if self.constant_inputs.contains(&input) => Ok(()),
            None => Err(GradientError::Missing { operation, input, element, slope }),
        }
    }
}

/// Up to `wanted` indices below `length`, from the first to the last.
fn spread(length: usize, wanted: usize) -> Vec<usize> {
    let count = wanted.min(length);
    let gaps = count.saturating_sub(1).max(1);
    (0..count).map(|i| i * length.saturating_sub(1) / gaps).collect()
}
