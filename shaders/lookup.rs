//! One row of a table, by step: `y[j] = table[step % rows][j]`.
//!
//! A learning rate, or whatever else changes from step to step in a way that is known beforehand, is computed on the
//! host in double precision and looked up on the device. The table is a ring: the host rewrites it before the steps that
//! have passed its end. It has a dispatch of its own, since what depends on the step
//! alone can run first, and leaves later dispatches one small tensor to bind.

use wgrad_core::tensor::DType;
use wgrad_core::{
    Array, Case, Graph, GraphError, HostTensor, Kernel, Lanes, LoadHook, Lowering, Op, ShapeError, StoreHook, TensorType,
    Tolerance, Value,
};

use crate::cases::grid;
use crate::slice::copy_elements;

const SOURCE: &str = include_str!("lookup.wgsl");
const WORKGROUP: usize = 64;

/// Looks a table up: `[rows, columns]` of f32, and a step of one u32, to `[columns]`.
#[derive(Clone, Copy, Debug)]
pub struct Lookup;

/// Row `step % rows` of `table`.
///
/// # Errors
/// Where the table is no matrix of f32 with a row at least, or the step not a single u32.
pub fn lookup(graph: &mut Graph, table: Value, step: Value) -> Result<Value, GraphError> {
    graph.apply_one(Lookup, &[table, step])
}

impl Op for Lookup {
    fn name(&self) -> &'static str {
        "lookup"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        match inputs {
            [table, step]
                if table.dtype == DType::F32
                    && table.shape.rank() == 2
                    && table.shape.rows() > 0
                    && step.dtype == DType::U32
                    && step.shape.elements() == 1 =>
            {
                Ok(vec![TensorType::f32([table.shape.columns()])])
            }
            _ => Err(ShapeError::new("a table f32[rows, columns] with a row at least, and a step u32[]", inputs)),
        }
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let (rows, columns) = (inputs[0].shape.rows(), inputs[0].shape.columns());
        let load = |variable, function, lanes| LoadHook { variable, function: Some((function, lanes)), row: None };
        Lowering::Kernels(vec![Kernel {
            candidate: "lookup",
            source: SOURCE,
            entry: "lookup",
            class: None,
            cooperative: None,
            dims: vec![rows as u32, columns as u32],
            constants: Vec::new(),
            workgroups: grid(columns.div_ceil(WORKGROUP)),
            rounds: 0,
            loads: vec![
                load("lookup_table", "lookup_load_table", Lanes::One),
                load("lookup_step", "lookup_load_step", Lanes::One),
            ],
            stores: vec![StoreHook { variable: "lookup_output", function: Some(("lookup_store", Lanes::One)) }],
            sums: Vec::new(),
        }])
    }

    fn flops(&self, _inputs: &[TensorType]) -> u64 {
        0
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let columns = outputs[0].data.len();
        let row = inputs[1].data[0] as usize % inputs[0].kind.shape.rows();
        outputs[0].data.copy_from_slice(&inputs[0].data[row * columns..][..columns]);
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        let ([table @ HostTensor::F32(shape, _), HostTensor::U32(_, step)], [output]) = (inputs, outputs) else { return false };
        let (&[step], columns) = (step.as_slice(), output.len()) else { return false };
        let row = step as usize % shape.rows();
        copy_elements(table, row * columns..(row + 1) * columns, output, 0)
    }

    fn tolerance(&self, _inputs: &[TensorType]) -> Tolerance {
        Tolerance { absolute: 0.0, relative: 0.0 }
    }

    fn cases(&self) -> Vec<Case> {
        let case = |label: &str, rows: usize, columns: usize, step: f64| {
            let table = Array::from_fn([rows, columns], |i| crate::cases::noise(1, i));
            let step = Array { kind: TensorType::u32([]), data: vec![step] };
            Case { label: label.to_owned(), inputs: vec![table, step], differentiable: false }
        };
        vec![case("one cell", 1, 1, 0.0), case("a row inside", 7, 3, 4.0), case("past the end", 5, 65, 4e9)]
    }
}

pub(crate) fn examples() -> Vec<std::sync::Arc<dyn Op>> {
    vec![std::sync::Arc::new(Lookup)]
}
