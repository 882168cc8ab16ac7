//! The CPU as a device: graphs in single precision, at speed.

use std::collections::BTreeMap;
use std::sync::Arc;

use wgrad_core::{Array, Graph, HostTensor, Source};

use crate::error::{ReferenceError, check_tensor};
use crate::schedule::{Call, Schedule};
use crate::store::Store;

/// A graph that has been analysed, to be run many times.
///
/// Several programs, such as training at two batch sizes and evaluation, share the states of one [`Store`]. What is
/// only read is never copied, and a buffer is freed after its last use. Operations compute by
/// [`Op::host`](wgrad_core::Op::host); those without it compute by their reference, at the price of converting what
/// they read to double precision and back.
///
/// ```
/// use wgrad_core::{Graph, HostTensor, Shape, TensorType};
/// use wgrad_reference::{Program, Store};
///
/// // Shows what was written before the previous step.
/// let mut graph = Graph::new();
/// let written = graph.input("written", TensorType::u32([2]));
/// let previous = graph.state("previous", HostTensor::U32(Shape::from([2]), vec![0, 0]))?;
/// graph.set_output("shown", previous);
/// graph.set_next(previous, written)?;
///
/// let mut store = Store::new();
/// store.add(&graph)?;
/// let program = Program::new(&graph)?;
/// store.write("written", HostTensor::U32(Shape::from([2]), vec![5, 6]))?;
/// assert_eq!(*program.step(&mut store)?["shown"], HostTensor::U32(Shape::from([2]), vec![0, 0]));
/// assert_eq!(*program.step(&mut store)?["shown"], HostTensor::U32(Shape::from([2]), vec![5, 6]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Program {
    schedule: Schedule,
}

impl Program {
    /// Analyses a graph.
    ///
    /// # Errors
    /// Where two of its inputs and states have one name.
    pub fn new(graph: &Graph) -> Result<Self, ReferenceError> {
        Ok(Self { schedule: Schedule::new(graph)? })
    }

    /// Runs the graph once, gives the states in `store` their next values, and returns the outputs by name.
    ///
    /// All operations see the states as they were before the step.
    ///
    /// # Errors
    /// Where an input that the outputs depend on has not been written, or the graph was not added to `store`. The
    /// states are as they were then.
    pub fn step(&self, store: &mut Store) -> Result<BTreeMap<String, Arc<HostTensor>>, ReferenceError> {
        let mut values = self.sources(store)?;
        self.check_states(store)?;
        for call in &self.schedule.calls {
            for (slot, output) in (call.first_output..).zip(compute(call, &values)?) {
                values[slot] = Some(Arc::new(output));
            }
            for &slot in &call.last_read {
                values[slot] = None;
            }
        }
        for next in &self.schedule.nexts {
            store.replace(&next.state, computed(&values, next.value).clone());
        }
        let outputs = self.schedule.outputs.iter();
        Ok(outputs.map(|(name, slot)| (name.clone(), computed(&values, *slot).clone())).collect())
    }

    /// All slots, those of the live sources filled.
    fn sources(&self, store: &Store) -> Result<Vec<Option<Arc<HostTensor>>>, ReferenceError> {
        let mut values = vec![None; self.schedule.slots()];
        for live in self.schedule.sources.iter().filter(|source| source.live) {
            values[live.slot] = Some(match &live.source {
                Source::Input { name } | Source::State { name, .. } => store.read_as(name, &live.kind)?,
                Source::Constant(tensor) => tensor.clone(),
            });
        }
        Ok(values)
    }

    /// Checks the states that are written, since `sources` has seen only those that are read.
    fn check_states(&self, store: &Store) -> Result<(), ReferenceError> {
        let changes = |slot| self.schedule.nexts.iter().any(|next| next.slot == slot);
        for state in self.schedule.sources.iter().filter(|source| changes(source.slot)) {
            let Some(name) = state.name() else { continue };
            check_tensor(name, store.kind(name)?, &state.kind, state.kind.shape.elements())?;
        }
        Ok(())
    }
}

/// What a slot holds whose value is not yet read for the last time.
fn computed(values: &[Option<Arc<HostTensor>>], slot: usize) -> &Arc<HostTensor> {
    values[slot].as_ref().expect("a node comes after all nodes that it reads, and values are kept until their last use")
}

fn compute(call: &Call, values: &[Option<Arc<HostTensor>>]) -> Result<Vec<HostTensor>, ReferenceError> {
    let inputs: Vec<&HostTensor> = call.inputs.iter().map(|&slot| computed(values, slot).as_ref()).collect();
    let mut outputs: Vec<HostTensor> = call.outputs.iter().map(HostTensor::zeros).collect();
    if !call.op.host(&inputs, &mut outputs) {
        let inputs: Vec<Array> = inputs.iter().map(|input| input.to_array()).collect();
        let mut arrays: Vec<Array> = call.outputs.iter().cloned().map(Array::zeros).collect();
        call.op.reference(&inputs, &mut arrays);
        outputs = arrays.iter().map(HostTensor::from_array).collect();
    }
    for (index, output) in outputs.iter().enumerate() {
        call.check_output(index, &output.kind(), output.len())?;
    }
    Ok(outputs)
}
