//! Holds kernels on a device against references.

use std::sync::Arc;

use wgrad_core::plan::{Target, plan};
use wgrad_core::{Array, Graph, HostTensor, Op, TensorType};
use wgrad_executor::{Checks, Device, Executor};
use wgrad_reference::compare;

use crate::error::Error;

/// Runs an operation alone on a device, by the kernel that a target takes, and compares its outputs with those of
/// [`Op::reference`], within [`Op::tolerance`]. Inputs have to be exact in their types, and none may be overwritten. It
/// blocks.
///
/// ```
/// # use std::sync::Arc;
/// # use wgrad::core::Op;
/// # use wgrad::executor::{Checks, Choice, Device};
/// # use wgrad::{ops, parity};
/// # let Ok(device) = Device::request_blocking(&Choice::Auto) else { return Ok(()) };
/// let op: Arc<dyn Op> = Arc::new(ops::Matmul { transpose_lhs: false, transpose_rhs: true });
/// for case in &op.cases()[..3] {
///     parity::check(&device, &device.target(), Checks::Unchecked, &op, &case.inputs)?;
/// }
/// # Ok::<(), wgrad::Error>(())
/// ```
///
/// # Errors
/// [`Error::Disagreement`] where an output strays too far from the reference. Where the operation does not take the inputs,
/// or cannot be planned for the target; on errors of the device, such as a kernel that it does not compile, or one that writes
/// outside of a buffer, which [`Checks::Guarded`] sees.
pub fn check(device: &Device, target: &Target, checks: Checks, op: &Arc<dyn Op>, inputs: &[Array]) -> Result<(), Error> {
    let mut graph = Graph::new();
    let named: Vec<(String, &Array)> =
        inputs.iter().enumerate().map(|(index, input)| (format!("input {index}"), input)).collect();
    let values: Vec<_> = named.iter().map(|(name, input)| graph.input(name.clone(), input.kind.clone())).collect();
    let outputs = graph.apply_shared(op.clone(), &values)?;
    for (index, &output) in outputs.iter().enumerate() {
        graph.set_output(index.to_string(), output);
    }
    let plan = plan(op.name(), &graph, target)?;
    plan.verify()?;
    let mut executor = Executor::new(device.clone(), checks);
    let loaded = executor.load_blocking(&plan)?;
    for (name, input) in named {
        // An input that nothing reads has no buffer.
        if executor.buffer(&name).is_some() {
            executor.write_input(&name, &HostTensor::from_array(input))?;
        }
    }
    executor.run_blocking(&[(&loaded, 1)])?;
    executor.check_guards_blocking()?;
    let kinds: Vec<TensorType> = inputs.iter().map(|input| input.kind.clone()).collect();
    let mut wanted: Vec<Array> = outputs.iter().map(|&output| Array::zeros(graph.kind(output).clone())).collect();
    op.reference(inputs, &mut wanted);
    for (output, wanted) in wanted.iter().enumerate() {
        let got = executor.read_output_blocking(&loaded, &output.to_string())?;
        compare(&got, wanted, op.tolerance(&kinds)).map_err(|mismatch| Error::Disagreement {
            operation: op.name().to_owned(),
            output,
            mismatch,
        })?;
    }
    Ok(())
}
