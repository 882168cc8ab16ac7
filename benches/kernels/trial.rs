//! One kernel on one workload: checked, then timed.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use wgrad::core::op::Work;
use wgrad::core::plan::{Plan, Target, plan};
use wgrad::core::{Array, Case, HostTensor, Kernel, Lowering, Op, TensorType};
use wgrad::executor::{Checks, Device, Executor, LoadedPlan, Samples};
use wgrad::reference::compare;

use crate::support::{self, Planted};
use crate::workload::Workload;

/// The most operations and elements that the reference, which is naive, computes within a moment.
const MOST: u64 = 40_000_000;

/// A way to compute an operation.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub name: String,
    /// None where the engine makes the kernel of a function or a view.
    kernel: Option<Kernel>,
}

/// What a kernel was compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The reference in double precision, on these inputs.
    Here,
    /// The reference in double precision, on the operation's own smaller cases.
    OnCases,
}

/// What is known of a kernel.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub samples: Samples,
    pub work: Work,
    pub checked: Checked,
}

/// What may be asked of a device by kernels that are checked before they are timed: cooperative matrices too that nothing has
/// tested yet.
fn target(device: &Device) -> Target {
    Target { cooperative: device.cooperative_matrices().matrices(), ..device.target() }
}

/// The built-in kernels for a workload that the device can run.
pub fn candidates(device: &Device, workload: &Workload) -> Vec<Candidate> {
    match workload.op.lowering(&workload.inputs) {
        Lowering::Kernels(mut kernels) => {
            kernels.retain(|kernel| target(device).can_run(kernel));
            let candidate = |kernel: Kernel| Candidate { name: kernel.candidate.to_owned(), kernel: Some(kernel) };
            kernels.into_iter().map(candidate).collect()
        }
        Lowering::Pointwise(_) | Lowering::View(_) | Lowering::Pack(_) => {
            vec![Candidate { name: "generated".to_owned(), kernel: None }]
        }
    }
}

impl Candidate {
    /// Somebody's own kernel.
    pub fn of_kernel(name: &str, kernel: Kernel) -> Self {
        Self { name: name.to_owned(), kernel: Some(kernel) }
    }

    /// The operation, computed in this way alone.
    fn applied(&self, op: &Arc<dyn Op>) -> Arc<dyn Op> {
        match &self.kernel {
            Some(kernel) => Arc::new(Planted { op: op.clone(), lowering: Lowering::Kernels(vec![kernel.clone()]) }),
            None => op.clone(),
        }
    }

    /// The class of adapter that the kernel is for, so that the plan takes it.
    fn target(&self, device: &Device) -> Target {
        let own = target(device);
        Target { class: self.kernel.as_ref().and_then(|kernel| kernel.class).unwrap_or(own.class), ..own }
    }
}

/// Checks a kernel, and times it.
pub fn measure(device: &Device, workload: &Workload, candidate: &Candidate, samples: usize) -> Result<Outcome> {
    let op = candidate.applied(&workload.op);
    let case = workload.case();
    let mut trial = Trial::new(device, &op, &case, candidate.target(device))?;
    let checked = match is_small(workload)? {
        true => trial.check(&op, &case).map(|()| Checked::Here)?,
        false => check_on_cases(device, workload, &candidate.name)?,
    };
    let samples = trial.executor.sample_blocking(&trial.loaded, samples)?;
    Ok(Outcome { samples, work: trial.plan.work(), checked })
}

/// Checks the built-in kernel of that name on the operation's smaller cases.
fn check_on_cases(device: &Device, workload: &Workload, name: &str) -> Result<Checked> {
    let cases = smaller_cases(device, workload, name)?;
    ensure!(!cases.is_empty(), "no case of {} is small enough to check {name} with", workload.op.name());
    for (case, candidate) in cases {
        let op = candidate.applied(&workload.op);
        let mut trial = Trial::new(device, &op, &case, candidate.target(device))?;
        trial.check(&op, &case).with_context(|| case.label.clone())?;
    }
    Ok(Checked::OnCases)
}

/// The operation's cases that the reference computes within a moment and that have the built-in kernel of that name, with it.
pub fn smaller_cases(device: &Device, workload: &Workload, name: &str) -> Result<Vec<(Case, Candidate)>> {
    let mut smaller = Vec::new();
    for case in workload.op.cases() {
        let inputs = case.inputs.iter().map(|input| input.kind.clone()).collect();
        let workload = Workload { op: workload.op.clone(), inputs, origin: case.label.clone() };
        let known = candidates(device, &workload).into_iter().find(|candidate| candidate.name == name);
        if let (Some(candidate), true) = (known, is_small(&workload)?) {
            smaller.push((case, candidate));
        }
    }
    Ok(smaller)
}

/// Whether the reference computes it within a moment.
pub fn is_small(workload: &Workload) -> Result<bool> {
    let outputs = workload.op.infer(&workload.inputs)?;
    let elements: usize = workload.inputs.iter().chain(&outputs).map(|kind| kind.shape.elements()).sum();
    Ok(workload.op.flops(&workload.inputs) + elements as u64 <= MOST)
}

/// A plan of one operation on a device.
struct Trial {
    executor: Executor,
    plan: Plan,
    loaded: LoadedPlan,
}

impl Trial {
    fn new(device: &Device, op: &Arc<dyn Op>, case: &Case, target: Target) -> Result<Self> {
        let graph = support::graph_of(op, case)?;
        let plan = plan(op.name(), &graph, &target)?;
        plan.verify()?;
        let mut executor = Executor::new(device.clone(), Checks::Unchecked);
        let loaded = executor.load_blocking(&plan)?;
        for (name, tensor) in support::inputs_of(op, case) {
            if executor.buffer(&name).is_some() {
                executor.write_input(&name, &tensor)?;
            }
        }
        Ok(Self { executor, plan, loaded })
    }

    fn check(&mut self, op: &Arc<dyn Op>, case: &Case) -> Result<()> {
        let kinds: Vec<TensorType> = case.inputs.iter().map(|input| input.kind.clone()).collect();
        let mut wanted: Vec<Array> = op.infer(&kinds)?.into_iter().map(Array::zeros).collect();
        op.reference(&case.inputs, &mut wanted);
        self.executor.run_blocking(&[(&self.loaded, 1)])?;
        for (index, wanted) in wanted.iter().enumerate() {
            let got = self.output(op.as_ref(), index)?;
            compare(&got, wanted, op.tolerance(&kinds)).with_context(|| format!("output {index} is wrong"))?;
        }
        Ok(())
    }

    fn output(&mut self, op: &dyn Op, index: usize) -> Result<HostTensor> {
        Ok(match op.in_place().iter().find(|&&(output, _)| output == index) {
            Some(&(_, input)) => self.executor.read_state_blocking(&support::input_name(input))?,
            None => self.executor.read_output_blocking(&self.loaded, &support::output_name(index))?,
        })
    }
}
