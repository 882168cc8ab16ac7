//! The log of training, kept where the steps run: a ring of rows of mean loss and accuracy, one for each step.
//!
//! ```text
//! log'[step % capacity] = (mean of losses, mean of hits)
//! scale                 = 1 if the mean loss is finite and stop is 0, else 0
//! ```
//!
//! The scale is the gate of all updates: a step whose loss is NaN or infinite, and every step after the stop, leaves
//! the parameters as they are. After the stop the log stays too: the step's number no longer advances, and another loss in the
//! row of the one that was not finite would hide it.

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Kernel, Lanes, LoadHook, Lowering, Op, Shape, ShapeError, StoreHook,
    TensorType, Tolerance, Value,
};

use crate::cases::{case, floats, integers, tolerance_of_sum};
use crate::sgd::host_floats;

/// Invocations of the one workgroup.
const WORKGROUP: usize = 256;

/// The operation of [`record()`].
#[derive(Clone, Debug)]
pub struct Record;

/// What [`record()`] makes of a step's losses.
#[derive(Clone, Copy, Debug)]
pub struct RecordOutputs {
    /// The log with this step's row, f32 `[capacity, 2]`.
    pub log: Value,
    /// 1 where the step counts, else 0, a scalar of f32.
    pub scale: Value,
}

/// Writes the means of `losses` and `hits`, f32 of any shape, to row `step % capacity` of `log`, f32 `[capacity, 2]`, unless
/// `stop` is set. `step` and `stop` are each one u32.
///
/// # Errors
/// Where the log is no f32 matrix of two columns and one row or more, step or stop is not one u32, or losses or hits
/// are not of f32 or empty.
pub fn record(
    graph: &mut Graph,
    log: Value,
    step: Value,
    stop: Value,
    losses: Value,
    hits: Value,
) -> Result<RecordOutputs, GraphError> {
    let log = graph.apply_one(Record, &[log, step, stop, losses, hits])?;
    Ok(RecordOutputs { log, scale: Value { output: 1, ..log } })
}

impl Op for Record {
    fn name(&self) -> &'static str {
        "record"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        let one_u32 = |kind: &TensorType| kind.dtype == DType::U32 && kind.shape.elements() == 1;
        let some_f32 = |kind: &TensorType| kind.dtype == DType::F32 && kind.shape.elements() > 0;
        if let [log, step, stop, losses, hits] = inputs
            && let (DType::F32, [capacity, 2]) = (log.dtype, log.shape.dims())
            && *capacity > 0
            && [step, stop].into_iter().all(one_u32)
            && [losses, hits].into_iter().all(some_f32)
        {
            return Ok(vec![log.clone(), TensorType::f32([])]);
        }
        let wanted = "a log f32[capacity, 2], a step and a stop of one u32 each, losses and hits of f32";
        Err(ShapeError::new(wanted, inputs))
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let [losses, hits] = [&inputs[3].shape, &inputs[4].shape];
        let blocks = |shape: &Shape| shape.rows() * shape.columns().div_ceil(4);
        let dims = [inputs[0].shape.rows(), losses.rows(), losses.columns(), hits.rows(), hits.columns()];
        let load = |variable, function| LoadHook { variable, function: Some(function), row: None };
        Lowering::Kernels(vec![Kernel {
            candidate: "record",
            source: include_str!("record.wgsl"),
            entry: "record",
            class: None,
            cooperative: None,
            dims: dims.map(|extent| extent as u32).to_vec(),
            constants: Vec::new(),
            workgroups: [1, 1, 1],
            rounds: (blocks(losses).div_ceil(WORKGROUP) + blocks(hits).div_ceil(WORKGROUP) + WORKGROUP) as u64,
            loads: vec![
                LoadHook { variable: "record_log", function: None, row: None },
                load("record_step", ("record_load_step", Lanes::One)),
                load("record_stop", ("record_load_stop", Lanes::One)),
                load("record_losses", ("record_load_losses", Lanes::Four)),
                load("record_hits", ("record_load_hits", Lanes::Four)),
            ],
            stores: vec![
                StoreHook { variable: "record_log", function: None },
                StoreHook { variable: "record_scale", function: Some(("record_store_scale", Lanes::One)) },
            ],
            sums: Vec::new(),
        }])
    }

    /// The kernel writes one row of the log where it lies.
    fn in_place(&self) -> &[(usize, usize)] {
        &[(0, 0)]
    }

    /// An addition for each element and two divisions.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        (inputs[3].shape.elements() + inputs[4].shape.elements() + 2) as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let mean = |values: &Array| values.data.iter().sum::<f64>() / values.data.len() as f64;
        let (loss, accuracy) = (mean(&inputs[3]), mean(&inputs[4]));
        let row = inputs[1].data[0] as usize % inputs[0].kind.shape.rows();
        outputs[0].data.clone_from(&inputs[0].data);
        let runs = inputs[2].data[0] == 0.0;
        if runs {
            outputs[0].data[2 * row..][..2].copy_from_slice(&[loss, accuracy]);
        }
        outputs[1].data[0] = if runs && (loss as f32).is_finite() { 1.0 } else { 0.0 };
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let [HostTensor::F32(shape, log), HostTensor::U32(_, step), HostTensor::U32(_, stop), losses, hits] = inputs else {
            return false;
        };
        let ([HostTensor::F32(_, next), HostTensor::F32(_, scale)], &[step], &[stop]) = (outputs, &step[..], &stop[..]) else {
            return false;
        };
        let mean = |values| {
            let values = host_floats(values);
            (values.iter().copied().map(f64::from).sum::<f64>() / values.len() as f64) as f32
        };
        let (loss, accuracy) = (mean(losses), mean(hits));
        let row = step as usize % shape.rows();
        next.copy_from_slice(log);
        let runs = stop == 0;
        if runs {
            next[2 * row..][..2].copy_from_slice(&[loss, accuracy]);
        }
        scale.fill(if runs && loss.is_finite() { 1.0 } else { 0.0 });
        true
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        let terms = inputs[3].shape.elements().max(inputs[4].shape.elements());
        tolerance_of_sum(terms)
    }

    fn cases(&self) -> Vec<Case> {
        let number = |value: u32| integers(DType::U32, [], move |_| value);
        let cases = [
            ("the first step", 8, 0, 0, [64, 1]),
            ("the last row", 5, 4, 0, [7, 1]),
            ("the ring's second turn", 5, 12, 0, [257, 1]),
            ("after the stop", 3, 1, 1, [32, 1]),
            ("a log of one row", 1, u32::MAX, 0, [1, 1]),
            ("losses in a matrix", 4, 2, 0, [7, 13]),
        ];
        let inputs = |capacity, step, stop, losses: [usize; 2]| {
            let hits = Array::from_fn([losses[0]], |index| f64::from(index % 3 == 0));
            [floats(1, [capacity, 2]), number(step), number(stop), floats(2, losses), hits]
        };
        let cases = cases.map(|(label, capacity, step, stop, losses)| Case {
            differentiable: false,
            ..case(label, inputs(capacity, step, stop, losses))
        });
        cases.to_vec()
    }
}

/// It has no attributes.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    vec![Arc::new(Record)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::reference;

    fn recorded(step: u32, stop: u32, losses: [f64; 2]) -> Vec<Array> {
        let number = |value: u32| integers(DType::U32, [], move |_| value);
        let log = Array::from_fn([2, 2], |index| index as f64);
        let losses = Array { kind: TensorType::f32([2]), data: losses.to_vec() };
        let hits = Array::from_fn([4], |index| f64::from(index == 0));
        reference(&Record, &[log, number(step), number(stop), losses, hits])
    }

    #[test]
    fn writes_one_row_of_the_ring() {
        let outputs = recorded(5, 0, [1.0, 4.0]);
        assert_eq!(outputs[0].data, [0.0, 1.0, 2.5, 0.25]);
        assert_eq!(outputs[1].data, [1.0]);
        assert_eq!(recorded(0, 0, [3.0, 5.0])[0].data, [4.0, 0.25, 2.0, 3.0]);
    }

    #[test]
    fn a_stop_and_a_loss_that_is_not_finite_close_the_gate() {
        for (stop, loss) in [(1, 1.0), (0, f64::NAN), (0, f64::INFINITY), (0, 1e300)] {
            assert_eq!(recorded(0, stop, [loss, 1.0])[1].data, [0.0], "{stop}, {loss}");
        }
    }

    #[test]
    fn the_log_stays_after_the_stop() {
        assert_eq!(recorded(0, 1, [3.0, 5.0])[0].data, [0.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn refuses_logs_of_other_columns_and_no_losses() {
        let kinds = |log: [usize; 2], losses| {
            let number = TensorType::u32([]);
            [TensorType::f32(log), number.clone(), number, TensorType::f32([losses]), TensorType::f32([4])]
        };
        let error = Record.infer(&kinds([8, 3], 4)).unwrap_err();
        assert!(error.to_string().ends_with("got f32[8, 3], u32[], u32[], f32[4], f32[4]"), "{error}");
        assert!(Record.infer(&kinds([0, 2], 4)).is_err());
        assert!(Record.infer(&kinds([8, 2], 0)).is_err());
        assert!(Record.infer(&kinds([8, 2], 4)).is_ok());
    }
}
