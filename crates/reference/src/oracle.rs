//! The reference of every device: graphs in double precision, by each operation's definition.

use std::collections::BTreeMap;

use wgrad_core::{Array, Graph, HostTensor, Source, Value};

use crate::error::{ReferenceError, check_tensor};
use crate::schedule::{Call, Schedule};

/// A graph with its inputs and states, run in f64.
///
/// ```
/// use wgrad_core::{Array, Graph, HostTensor, TensorType};
/// use wgrad_reference::Oracle;
///
/// // Shows what was written before the previous step.
/// let mut graph = Graph::new();
/// let written = graph.input("written", TensorType::f32([]));
/// let previous = graph.state("previous", HostTensor::scalar(0.0))?;
/// graph.set_output("shown", previous);
/// graph.set_next(previous, written)?;
///
/// let mut oracle = Oracle::new(&graph)?;
/// oracle.write("written", Array::from_fn([], |_| 0.5))?;
/// assert_eq!(oracle.step()?["shown"].data, [0.0]);
/// assert_eq!(oracle.step()?["shown"].data, [0.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Oracle {
    schedule: Schedule,
    /// By slot. Sources stay, what operations compute goes after its last use.
    values: Vec<Option<Array>>,
    keeps_values: bool,
    rounds: bool,
}

impl Oracle {
    /// An oracle whose states have their initial values, and whose inputs are yet to be written.
    ///
    /// # Errors
    /// Where two of the graph's inputs and states have one name.
    pub fn new(graph: &Graph) -> Result<Self, ReferenceError> {
        let schedule = Schedule::new(graph)?;
        let mut values = vec![None; schedule.slots()];
        for source in &schedule.sources {
            values[source.slot] = match &source.source {
                Source::Input { .. } => None,
                Source::State { initial, .. } => Some(initial.to_array()),
                Source::Constant(tensor) => Some(tensor.to_array()),
            };
        }
        Ok(Self { schedule, values, keeps_values: false, rounds: false })
    }

    /// The same, but it keeps what operations compute until the next step, for [`Oracle::value`].
    pub fn keeping_values(mut self) -> Self {
        self.keeps_values = true;
        self
    }

    /// The same, but it rounds what is written, and what each operation computes, to the type on the device. What
    /// remains between it and a device is the error within single operations.
    pub fn rounding(mut self) -> Self {
        self.rounds = true;
        self
    }

    /// Replaces an input or state.
    ///
    /// # Errors
    /// Where the graph has no input or state of that name, or one of another type, or the data does not fill the
    /// shape.
    pub fn write(&mut self, name: &str, array: Array) -> Result<(), ReferenceError> {
        let source = &self.schedule.sources[self.named(name)?];
        check_tensor(name, &source.kind, &array.kind, array.data.len())?;
        self.values[source.slot] = Some(if self.rounds { rounded(&array) } else { array });
        Ok(())
    }

    /// The present value of an input or state.
    ///
    /// # Errors
    /// Where the graph has no input or state of that name, or it is an input that nobody has written.
    pub fn read(&self, name: &str) -> Result<&Array, ReferenceError> {
        let source = &self.schedule.sources[self.named(name)?];
        self.values[source.slot]
            .as_ref()
            .ok_or_else(|| ReferenceError::NotWritten { name: name.to_owned(), wanted: source.kind.clone() })
    }

    /// What a value was in the last step, to be held against a device's node by node; of a state, what it is after
    /// that step. None where nothing computed it, or it has been freed: see [`Oracle::keeping_values`].
    pub fn value(&self, value: Value) -> Option<&Array> {
        self.values[self.schedule.slot(value)?].as_ref()
    }

    /// Runs the graph once, gives the states their next values, and returns the outputs by name.
    ///
    /// All operations see the states as they were before the step.
    ///
    /// # Errors
    /// Where an input that the outputs depend on has not been written; the states are as they were then.
    pub fn step(&mut self) -> Result<BTreeMap<String, Array>, ReferenceError> {
        self.check_written()?;
        for call in &self.schedule.calls {
            compute(call, &mut self.values, self.rounds)?;
            if !self.keeps_values {
                for &slot in &call.last_read {
                    self.values[slot] = None;
                }
            }
        }
        let outputs = self.schedule.outputs.iter();
        let outputs = outputs.map(|(name, slot)| (name.clone(), computed(&self.values, *slot).clone())).collect();
        // All are copied before the first is replaced: one state may become what another was.
        let nexts: Vec<Array> = self.schedule.nexts.iter().map(|next| computed(&self.values, next.value).clone()).collect();
        for (next, array) in self.schedule.nexts.iter().zip(nexts) {
            self.values[next.slot] = Some(array);
        }
        Ok(outputs)
    }

    /// The index among the sources of the one called `name`.
    fn named(&self, name: &str) -> Result<usize, ReferenceError> {
        let sources = &self.schedule.sources;
        sources.iter().position(|source| source.name() == Some(name)).ok_or_else(|| {
            let mut known: Vec<&str> = sources.iter().filter_map(|source| source.name()).collect();
            known.sort_unstable();
            ReferenceError::UnknownName { name: name.to_owned(), known: known.join(", ") }
        })
    }

    fn check_written(&self) -> Result<(), ReferenceError> {
        let mut live = self.schedule.sources.iter().filter(|source| source.live);
        live.find(|source| self.values[source.slot].is_none()).map_or(Ok(()), |source| {
            let name = source.name().unwrap_or_default().to_owned();
            Err(ReferenceError::NotWritten { name, wanted: source.kind.clone() })
        })
    }
}

/// What a slot holds whose value is not yet read for the last time.
fn computed(values: &[Option<Array>], slot: usize) -> &Array {
    values[slot].as_ref().expect("a node comes after all nodes that it reads, and values are kept until their last use")
}

fn compute(call: &Call, values: &mut [Option<Array>], rounds: bool) -> Result<(), ReferenceError> {
    let mut outputs: Vec<Array> = call.outputs.iter().cloned().map(Array::zeros).collect();
    let inputs = lend(values, &call.inputs);
    call.op.reference(&inputs, &mut outputs);
    for (&slot, input) in call.inputs.iter().zip(inputs) {
        values[slot] = Some(input);
    }
    for (index, output) in outputs.into_iter().enumerate() {
        call.check_output(index, &output.kind, output.data.len())?;
        values[call.first_output + index] = Some(if rounds { rounded(&output) } else { output });
    }
    Ok(())
}

/// Moves values out of their slots, since a reference wants them side by side and a data set is too large to copy.
/// Only a value that is read twice is copied.
fn lend(values: &mut [Option<Array>], slots: &[usize]) -> Vec<Array> {
    let mut lent: Vec<Array> = Vec::with_capacity(slots.len());
    for (index, &slot) in slots.iter().enumerate() {
        let array = match slots[..index].iter().position(|&earlier| earlier == slot) {
            Some(earlier) => lent[earlier].clone(),
            None => values[slot].take().expect("a node comes after all nodes that it reads"),
        };
        lent.push(array);
    }
    lent
}

fn rounded(array: &Array) -> Array {
    HostTensor::from_array(array).to_array()
}
