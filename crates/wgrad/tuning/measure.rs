//! Candidates, each alone on the device.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use web_time::Instant;
use wgrad_core::plan::{Choices, Target, plan};
use wgrad_core::{Graph, Kernel, Kind, Lowering, Op, TensorType};
use wgrad_executor::{Checks, Device, Executor};

use crate::error::Error;
use crate::tuning::{Measured, Tuning};

/// How often a candidate is timed.
const SAMPLES: usize = 5;
/// A candidate has to be so much faster than the default to be chosen.
const GAIN: f64 = 0.95;

/// An operation that has several kernels.
struct Subject {
    op: Arc<dyn Op>,
    inputs: Vec<TensorType>,
    candidates: Vec<Kernel>,
}

impl Tuning {
    /// Measures the operations of these graphs, those with the most work first, as long as the budget lasts.
    pub(crate) fn measure<'a>(
        device: &Device,
        target: &Target,
        graphs: impl Iterator<Item = &'a Graph>,
        budget: Duration,
    ) -> Result<Self, Error> {
        let began = Instant::now();
        let mut tuning = Self { choices: (*target.choices).clone(), measured: Vec::new(), left: 0 };
        for Subject { op, inputs, candidates } in subjects(graphs, target) {
            if began.elapsed() >= budget {
                tuning.left += 1;
                continue;
            }
            let mut times = Vec::new();
            for candidate in &candidates {
                // Another class's kernel may be more than an adapter can compile, or bind.
                if let Ok(time) = time(device, target, &op, &inputs, candidate) {
                    times.push((candidate.candidate.to_owned(), time));
                }
            }
            let Some((default, default_time)) = times.first().cloned() else { continue };
            let fastest = times
                .iter()
                .min_by_key(|(_, time)| *time)
                .filter(|(_, time)| time.as_secs_f64() < GAIN * default_time.as_secs_f64());
            let chosen = fastest.map_or(default, |(name, _)| name.clone());
            tuning.choices.set(op.as_ref(), &inputs, &chosen);
            tuning.measured.push(Measured { operation: Choices::key(op.as_ref(), &inputs), chosen, times });
        }
        tuning.measured.sort_by_key(|measured| std::cmp::Reverse(measured.times[0].1));
        Ok(tuning)
    }
}

/// Each operation with several kernels once, that of the target's class first.
fn subjects<'a>(graphs: impl Iterator<Item = &'a Graph>, target: &Target) -> Vec<Subject> {
    let mut subjects = BTreeMap::new();
    for (graph, node) in graphs.flat_map(|graph| graph.nodes().iter().map(move |node| (graph, node))) {
        let Kind::Op(op) = &node.kind else { continue };
        let inputs: Vec<TensorType> = node.inputs.iter().map(|&input| graph.kind(input).clone()).collect();
        let Lowering::Kernels(mut candidates) = op.lowering(&inputs) else { continue };
        candidates.retain(|candidate| target.can_run(candidate));
        candidates.sort_by_key(|candidate| candidate.class.is_some_and(|class| class != target.class));
        if candidates.len() > 1 && op.in_place().is_empty() {
            subjects.entry(Choices::key(op.as_ref(), &inputs)).or_insert(Subject { op: op.clone(), inputs, candidates });
        }
    }
    let mut subjects: Vec<Subject> = subjects.into_values().collect();
    subjects.sort_by_key(|subject| std::cmp::Reverse(subject.op.flops(&subject.inputs)));
    subjects
}

/// The shortest time of a candidate's dispatch, on zeros.
fn time(
    device: &Device,
    target: &Target,
    op: &Arc<dyn Op>,
    inputs: &[TensorType],
    candidate: &Kernel,
) -> Result<Duration, Error> {
    let mut choices = Choices::default();
    choices.set(op.as_ref(), inputs, candidate.candidate);
    let mut graph = Graph::new();
    let values: Vec<_> =
        inputs.iter().enumerate().map(|(index, kind)| graph.input(format!("input {index}"), kind.clone())).collect();
    for (index, output) in graph.apply_shared(op.clone(), &values)?.into_iter().enumerate() {
        graph.set_output(format!("output {index}"), output);
    }
    let plan = plan(candidate.candidate, &graph, &Target { choices: choices.into(), ..target.clone() })?;
    let mut executor = Executor::new(device.clone(), Checks::Unchecked);
    let loaded = executor.load_blocking(&plan)?;
    Ok(Duration::from_secs_f64(executor.sample_blocking(&loaded, SAMPLES)?.least() * 1e-9))
}
