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
    /// The default, then what plans take now, then all others.
    candidates: Vec<Kernel>,
}

/// What was measured of an operation's candidates.
#[derive(Debug, PartialEq)]
struct Trial {
    /// In the order of the candidates, without those that cannot run; empty where the default cannot.
    times: Vec<(String, Duration)>,
    /// Whether none was left for want of time.
    is_whole: bool,
}

impl Tuning {
    /// Measures the operations of these graphs, those with the most work first, until the budget is spent: no candidate is
    /// begun after that. An operation of which the default alone was measured keeps its choice of before.
    pub(crate) fn measure<'a>(
        device: &Device,
        target: &Target,
        graphs: impl Iterator<Item = &'a Graph>,
        budget: Duration,
    ) -> Result<Self, Error> {
        let began = Instant::now();
        let mut tuning = Self { choices: (*target.choices).clone(), measured: Vec::new(), left: 0, not_kept: None };
        for Subject { op, inputs, candidates } in subjects(graphs, target) {
            let run = |candidate: &Kernel| time(device, target, &op, &inputs, candidate).ok();
            let Trial { times, is_whole } = Trial::of(&candidates, run, || began.elapsed() >= budget);
            tuning.left += usize::from(!is_whole);
            if times.is_empty() || times.len() == 1 && !is_whole {
                continue;
            }
            let chosen = chosen(&times).to_owned();
            tuning.choices.set(op.as_ref(), &inputs, &chosen);
            tuning.measured.push(Measured { operation: Choices::key(op.as_ref(), &inputs), chosen, times });
        }
        tuning.measured.sort_by_key(|measured| std::cmp::Reverse(measured.times[0].1));
        Ok(tuning)
    }
}

impl Trial {
    /// Runs one candidate after another, as long as there is time.
    fn of(candidates: &[Kernel], run: impl Fn(&Kernel) -> Option<Duration>, is_over: impl Fn() -> bool) -> Self {
        let mut times = Vec::new();
        for (index, candidate) in candidates.iter().enumerate() {
            if is_over() {
                return Self { times, is_whole: false };
            }
            match run(candidate) {
                Some(time) => times.push((candidate.candidate.to_owned(), time)),
                // The others would have nothing to be faster than.
                None if index == 0 => break,
                // Another class's kernel may be more than an adapter can compile, or bind.
                None => {}
            }
        }
        Self { times, is_whole: true }
    }
}

/// The fastest candidate, where it gains enough over the default, which is the first; else the default.
fn chosen(times: &[(String, Duration)]) -> &str {
    let (default, default_time) = &times[0];
    let fastest = times.iter().min_by_key(|(_, time)| *time);
    let gains = fastest.filter(|(_, time)| time.as_secs_f64() < GAIN * default_time.as_secs_f64());
    gains.map_or(default, |(name, _)| name)
}

/// Each operation with several kernels once, that with the most work first.
fn subjects<'a>(graphs: impl Iterator<Item = &'a Graph>, target: &Target) -> Vec<Subject> {
    let mut subjects = BTreeMap::new();
    for (graph, node) in graphs.flat_map(|graph| graph.nodes().iter().map(move |node| (graph, node))) {
        let Kind::Op(op) = &node.kind else { continue };
        let inputs: Vec<TensorType> = node.inputs.iter().map(|&input| graph.kind(input).clone()).collect();
        let Lowering::Kernels(mut candidates) = op.lowering(&inputs) else { continue };
        candidates.retain(|candidate| target.can_run(candidate));
        candidates.sort_by_key(|candidate| candidate.class.is_some_and(|class| class != target.class));
        // So that nothing takes the place of an earlier choice without having been compared with it.
        if let (Some(current), Some(others)) = (target.choices.candidate(op.as_ref(), &inputs), candidates.get_mut(1..)) {
            others.sort_by_key(|candidate| candidate.candidate != current);
        }
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use wgrad_core::op::AdapterClass;
    use wgrad_shaders as ops;

    use super::*;

    const ALL: [&str; 3] = ["first", "second", "third"];

    fn kernel(candidate: &'static str) -> Kernel {
        Kernel {
            candidate,
            source: "",
            entry: "",
            class: None,
            cooperative: None,
            dims: Vec::new(),
            constants: Vec::new(),
            workgroups: [1; 3],
            rounds: 0,
            loads: Vec::new(),
            stores: Vec::new(),
            sums: Vec::new(),
        }
    }

    /// Candidates that take so many milliseconds, or cannot run, where there is time for the first `affordable` ones.
    fn trial(times: [Option<u64>; 3], affordable: usize) -> (Trial, Vec<&'static str>) {
        let candidates = ALL.map(kernel);
        let run = RefCell::new(Vec::new());
        let trial = Trial::of(
            &candidates,
            |candidate| {
                run.borrow_mut().push(candidate.candidate);
                times[run.borrow().len() - 1].map(Duration::from_millis)
            },
            || run.borrow().len() >= affordable,
        );
        (trial, run.into_inner())
    }

    fn names(trial: &Trial) -> Vec<&str> {
        trial.times.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn no_candidate_is_begun_after_the_budget() {
        for affordable in 0..=3 {
            let (trial, run) = trial([Some(9), Some(5), Some(1)], affordable);
            assert_eq!((run.as_slice(), names(&trial).as_slice()), (&ALL[..affordable], &ALL[..affordable]));
            assert_eq!(trial.is_whole, affordable == 3);
            if affordable > 0 {
                assert_eq!(chosen(&trial.times), ALL[affordable - 1]);
            }
        }
    }

    #[test]
    fn nothing_wins_over_a_default_that_was_not_measured() {
        let (without_default, run) = trial([None, Some(1), Some(1)], 3);
        assert_eq!((names(&without_default), run.len(), without_default.is_whole), (vec![], 1, true));
        let (without_second, run) = trial([Some(9), None, Some(1)], 3);
        assert_eq!((names(&without_second), run.len(), without_second.is_whole), (vec!["first", "third"], 3, true));
    }

    #[test]
    fn an_earlier_choice_is_compared_before_all_but_the_default() {
        let mut graph = Graph::new();
        let [lhs, rhs] = ["lhs", "rhs"].map(|name| graph.input(name, TensorType::f32([64, 64])));
        ops::matmul(&mut graph, lhs, rhs, false, false).unwrap();
        let order = |target: &Target| -> Vec<&str> {
            let subjects = subjects([&graph].into_iter(), target);
            subjects[0].candidates.iter().map(|candidate| candidate.candidate).collect()
        };
        let mut target = Target::webgpu(AdapterClass::Software);
        let by_default = order(&target);
        let last = by_default[by_default.len() - 1];
        let Subject { op, inputs, .. } = &subjects([&graph].into_iter(), &target)[0];
        let mut choices = Choices::default();
        choices.set(op.as_ref(), inputs, last);
        target.choices = choices.into();
        assert!(by_default.len() > 2);
        assert_eq!(order(&target)[..2], [by_default[0], last]);
    }

    #[test]
    fn a_little_faster_is_not_enough() {
        assert_eq!(chosen(&trial([Some(100), Some(96), Some(97)], 3).0.times), "first");
        assert_eq!(chosen(&trial([Some(100), Some(96), Some(94)], 3).0.times), "third");
    }
}
