//! One kernel on one workload: checked, then timed.

use std::fmt;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use wgrad::core::op::Work;
use wgrad::core::plan::{Plan, Target, plan};
use wgrad::core::{Array, Case, HostTensor, Kernel, Lowering, Op, TensorType, Tolerance};
use wgrad::executor::{Checks, Device, Executor, LoadedPlan, Samples};
use wgrad::reference::compare;

use crate::support::{self, Planted};
use crate::workload::Workload;

/// The most operations and elements that the reference, which is naive, computes within a moment.
pub const MOST: u64 = 40_000_000;

/// A way to compute an operation.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub name: String,
    /// None where the engine makes the kernel of a function or a view.
    kernel: Option<Kernel>,
    is_built_in: bool,
}

/// What a kernel was compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The reference in double precision, on these inputs.
    Here,
    /// The reference in double precision, on the operation's own smaller cases.
    OnCases,
    /// A built-in kernel, on these inputs.
    WithBuiltIn,
}

impl fmt::Display for Checked {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Self::Here => "here",
            Self::OnCases => "on cases",
            Self::WithBuiltIn => "with a built-in kernel",
        })
    }
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
            let candidate =
                |kernel: Kernel| Candidate { name: kernel.candidate.to_owned(), kernel: Some(kernel), is_built_in: true };
            kernels.into_iter().map(candidate).collect()
        }
        Lowering::Pointwise(_) | Lowering::View(_) | Lowering::Pack(_) => {
            vec![Candidate { name: "generated".to_owned(), kernel: None, is_built_in: true }]
        }
    }
}

impl Candidate {
    /// Somebody's own kernel.
    pub fn of_kernel(name: &str, kernel: Kernel) -> Self {
        Self { name: name.to_owned(), kernel: Some(kernel), is_built_in: false }
    }

    /// The operation, computed in this way alone.
    fn applied(&self, op: &Arc<dyn Op>) -> Arc<dyn Op> {
        match &self.kernel {
            Some(kernel) => Arc::new(Planted { op: op.clone(), lowering: Lowering::Kernels(vec![kernel.clone()]) }),
            None => op.clone(),
        }
    }

    /// Whether this built-in one reads all inputs. What it does not read is what others were made of, such as the matrix whose
    /// parts were summed up: the reference takes that, so that inputs have to fit together, as those of cases do.
    pub fn reads_all(&self, workload: &Workload) -> bool {
        self.kernel.as_ref().is_none_or(|kernel| kernel.loads.len() == workload.inputs.len())
    }

    /// The class of adapter that the kernel is for, so that the plan takes it.
    fn target(&self, device: &Device) -> Target {
        let own = target(device);
        Target { class: self.kernel.as_ref().and_then(|kernel| kernel.class).unwrap_or(own.class), ..own }
    }
}

/// Checks a kernel, and times it.
pub fn measure(device: &Device, workload: &Workload, candidate: &Candidate, samples: usize) -> Result<Outcome> {
    let (mut trial, checked) = checked(device, workload, candidate)?;
    let samples = trial.executor.sample_blocking(&trial.loaded, samples)?;
    Ok(Outcome { samples, work: trial.plan.work(), checked })
}

/// A kernel that was checked: on the workload itself where the reference can. Where it cannot, built-in ones are checked on
/// smaller cases, and others, which need not be for these, are compared with one of them.
pub fn checked(device: &Device, workload: &Workload, candidate: &Candidate) -> Result<(Trial, Checked)> {
    let built_in = candidates(device, workload).into_iter().next().context("the device can run no built-in kernel")?;
    let case = workload.case();
    // Nobody knows yet whether it stays in bounds.
    let checks = if candidate.is_built_in { Checks::Unchecked } else { Checks::Checked };
    let mut trial = Trial::new(device, workload, &case, candidate, checks)?;
    let checked = if work(workload)? <= MOST && built_in.reads_all(workload) {
        trial.check(&case)?;
        Checked::Here
    } else if candidate.is_built_in {
        check_on_cases(device, workload, &candidate.name)?;
        Checked::OnCases
    } else {
        check_on_cases(device, workload, &built_in.name)?;
        let wanted = Trial::new(device, workload, &case, &built_in, Checks::Unchecked)?.outputs()?;
        // Both have errors of rounding.
        let Tolerance { absolute, relative } = trial.tolerance();
        trial.compare(&wanted, Tolerance { absolute: 2.0 * absolute, relative: 2.0 * relative })?;
        Checked::WithBuiltIn
    };
    if !candidate.is_built_in {
        trial = Trial::new(device, workload, &case, candidate, Checks::Unchecked)?;
    }
    Ok((trial, checked))
}

/// Checks the built-in kernel of that name on the operation's smaller cases.
fn check_on_cases(device: &Device, workload: &Workload, name: &str) -> Result<()> {
    let cases = smaller_cases(device, workload, name)?;
    ensure!(!cases.is_empty(), "no case of {} is small enough to check {name} with", workload.op.name());
    for (case, candidate) in cases {
        let mut trial = Trial::new(device, workload, &case, &candidate, Checks::Unchecked)?;
        trial.check(&case).with_context(|| case.label.clone())?;
    }
    Ok(())
}

/// The operation's cases that the reference computes within a moment and that have the built-in kernel of that name, with it.
pub fn smaller_cases(device: &Device, workload: &Workload, name: &str) -> Result<Vec<(Case, Candidate)>> {
    let mut smaller = Vec::new();
    for case in workload.op.cases() {
        let inputs = case.inputs.iter().map(|input| input.kind.clone()).collect();
        let workload = Workload { op: workload.op.clone(), inputs, origin: case.label.clone() };
        let known = candidates(device, &workload).into_iter().find(|candidate| candidate.name == name);
        if let (Some(candidate), true) = (known, work(&workload)? <= MOST) {
            smaller.push((case, candidate));
        }
    }
    Ok(smaller)
}

/// The operations and elements of a workload.
pub fn work(workload: &Workload) -> Result<u64> {
    let outputs = workload.op.infer(&workload.inputs)?;
    let elements: usize = workload.inputs.iter().chain(&outputs).map(|kind| kind.shape.elements()).sum();
    Ok(workload.op.flops(&workload.inputs) + elements as u64)
}

/// A plan of one operation on a device.
#[derive(Debug)]
pub struct Trial {
    op: Arc<dyn Op>,
    kinds: Vec<TensorType>,
    executor: Executor,
    plan: Plan,
    loaded: LoadedPlan,
}

impl Trial {
    /// The workload's operation by this candidate, with the inputs of a case.
    fn new(device: &Device, workload: &Workload, case: &Case, candidate: &Candidate, checks: Checks) -> Result<Self> {
        let op = candidate.applied(&workload.op);
        let graph = support::graph_of(&op, case)?;
        let plan = plan(op.name(), &graph, &candidate.target(device))?;
        plan.verify()?;
        let mut executor = Executor::new(device.clone(), checks);
        let loaded = executor.load_blocking(&plan)?;
        for (name, tensor) in support::inputs_of(&op, case) {
            if executor.buffer(&name).is_some() {
                executor.write_input(&name, &tensor)?;
            }
        }
        let kinds = case.inputs.iter().map(|input| input.kind.clone()).collect();
        Ok(Self { op, kinds, executor, plan, loaded })
    }

    /// Compares its outputs with the reference's.
    fn check(&mut self, case: &Case) -> Result<()> {
        let mut wanted: Vec<Array> = self.op.infer(&self.kinds)?.into_iter().map(Array::zeros).collect();
        self.op.reference(&case.inputs, &mut wanted);
        self.compare(&wanted, self.tolerance())
    }

    fn tolerance(&self) -> Tolerance {
        self.op.tolerance(&self.kinds)
    }

    fn compare(&mut self, wanted: &[Array], tolerance: Tolerance) -> Result<()> {
        for (index, (got, wanted)) in self.outputs()?.iter().zip(wanted).enumerate() {
            compare(&HostTensor::from_array(got), wanted, tolerance).with_context(|| format!("output {index} is wrong"))?;
        }
        Ok(())
    }

    /// What one run of it makes of its inputs.
    fn outputs(&mut self) -> Result<Vec<Array>> {
        self.executor.run_blocking(&[(&self.loaded, 1)])?;
        let count = self.op.infer(&self.kinds)?.len();
        (0..count).map(|index| Ok(self.output(index)?.to_array())).collect()
    }

    fn output(&mut self, index: usize) -> Result<HostTensor> {
        Ok(match self.op.in_place().iter().find(|&&(output, _)| output == index) {
            Some(&(_, input)) => self.executor.read_state_blocking(&support::input_name(input))?,
            None => self.executor.read_output_blocking(&self.loaded, &support::output_name(index))?,
        })
    }
}
