//! What recurrent cells with gates have in common: a step's kernel makes the product of the hidden state with all gates'
//! weights and applies the gates to it; that of the gradient makes the product of the next step's gradients.

use std::any::Any;

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use wgrad_core::graph::Kind;
use wgrad_core::op::AdapterClass;
use wgrad_core::{Graph, GraphError, HostTensor, Kernel, Lanes, Literal, LoadHook, Shape, Source, StoreHook, TensorType, Value};

use crate::cases::grid;
use crate::{Add, Binary, Broadcast, Matmul, add, broadcast, matmul, reshape};

/// A WGSL file with its entry point, the names of what it loads and stores, and its uniform.
pub(crate) struct CellKernel {
    pub(crate) source: &'static str,
    pub(crate) entry: &'static str,
    /// The binding and the function of each input.
    pub(crate) loads: Vec<(&'static str, &'static str)>,
    /// The binding and the function of each output.
    pub(crate) stores: Vec<(&'static str, &'static str)>,
    pub(crate) dims: Vec<u32>,
}

impl CellKernel {
    /// For software adapters: each invocation makes a tile of rows by so many units, in registers.
    ///
    /// `tile_rows` is the constant of that name. Tiles have as many rows, and so as few loads, as leave enough tiles to
    /// keep the vector lanes of a few processors busy.
    pub(crate) fn in_registers(self, tile_rows: &'static str, batch: usize, units: usize, units_of_tile: usize) -> Kernel {
        const ENOUGH: usize = 16;
        const WORKGROUP_SIZE: usize = 8;
        let tiles = |rows: usize| batch.div_ceil(rows) * units.div_ceil(units_of_tile);
        let rows = [16, 8].into_iter().find(|&rows| tiles(rows) >= ENOUGH).unwrap_or(4);
        let workgroups = grid(tiles(rows).div_ceil(WORKGROUP_SIZE));
        let constants = vec![(tile_rows, Literal::U32(rows as u32))];
        self.kernel("registers", AdapterClass::Software, constants, workgroups)
    }

    /// For GPUs: each workgroup makes a tile of 16 rows by 16 units.
    pub(crate) fn in_workgroups(self, batch: usize, units: usize) -> Kernel {
        let workgroups = grid(units.div_ceil(16) * batch.div_ceil(16));
        self.kernel("workgroup", AdapterClass::Gpu, Vec::new(), workgroups)
    }

    fn kernel(
        self,
        candidate: &'static str,
        class: AdapterClass,
        constants: Vec<(&'static str, Literal)>,
        workgroups: [u32; 3],
    ) -> Kernel {
        let load = |(variable, name)| LoadHook { variable, function: Some((name, Lanes::Four)), row: None };
        let store = |(variable, name)| StoreHook { variable, function: Some((name, Lanes::Four)) };
        Kernel {
            candidate,
            source: self.source,
            entry: self.entry,
            class: Some(class),
            cooperative: None,
            dims: self.dims,
            constants,
            workgroups,
            rounds: 0,
            loads: self.loads.into_iter().map(load).collect(),
            stores: self.stores.into_iter().map(store).collect(),
            sums: Vec::new(),
        }
    }
}

/// Zeros that take no memory.
pub(crate) fn zeros(graph: &mut Graph, shape: impl Into<Shape>) -> Result<Value, GraphError> {
    let zero = graph.scalar(0.0);
    broadcast(graph, zero, shape)
}

/// A value, or [`zeros`] of that shape.
pub(crate) fn or_zeros(graph: &mut Graph, value: Option<Value>, shape: &Shape) -> Result<Value, GraphError> {
    value.map_or_else(|| zeros(graph, shape.clone()), Ok)
}

fn is_zeros(graph: &Graph, value: Value) -> bool {
    let node = graph.node(value.node);
    let is_broadcast = node.op().is_some_and(|op| (op as &dyn Any).is::<Broadcast>());
    let is_zero = |input: &Value| match &graph.node(input.node).kind {
        Kind::Source(Source::Constant(tensor)) => **tensor == HostTensor::scalar(0.0),
        _ => false,
    };
    is_broadcast && node.inputs.iter().all(is_zero)
}

/// The gradient of a hidden state, `[b, h]`, as a product of a step's gradients of `g` gates and other terms.
pub(crate) struct HiddenGradient<const N: usize> {
    /// The gates' gradients, f32 `[b, g, h]`; without gates where there is no such product.
    pub(crate) gates: Value,
    /// What is added to the product, f32 `[b, h]` each.
    pub(crate) rest: [Value; N],
}

/// Finds the product that [`hidden_gradient`] makes among the terms of a gradient, so that the kernel of the step before
/// can make it.
pub(crate) fn split_hidden_gradient<const N: usize>(
    graph: &mut Graph,
    gradient: Option<Value>,
    weight: Value,
    shape: &Shape,
) -> Result<HiddenGradient<N>, GraphError> {
    let mut terms = Vec::new();
    gradient.iter().for_each(|&gradient| add_terms(graph, gradient, &mut terms));
    let (batch, units) = (shape.rows(), shape.columns());
    let product = terms.iter().enumerate().find_map(|(index, &term)| Some((index, gates_in(graph, term, weight)?)));
    let gates = match product {
        Some((index, gates)) => {
            terms.remove(index);
            let count = graph.kind(weight).shape.rows() / units.max(1);
            reshape(graph, gates, [batch, count, units])?
        }
        None => zeros(graph, [batch, 0, units])?,
    };
    while terms.len() > N {
        let last = terms.split_off(terms.len() - 2);
        terms.push(add(graph, last[0], last[1])?);
    }
    let zeros = zeros(graph, shape.clone())?;
    terms.resize(N, zeros);
    Ok(HiddenGradient { gates, rest: std::array::from_fn(|index| terms[index]) })
}

/// The terms of a sum of tensors of one shape.
fn add_terms(graph: &Graph, value: Value, terms: &mut Vec<Value>) {
    let node = graph.node(value.node);
    let is_sum = node.op().is_some_and(|op| (op as &dyn Any).is::<Binary<Add>>());
    if is_sum && node.inputs.iter().all(|&input| graph.kind(input) == graph.kind(value)) {
        node.inputs.iter().for_each(|&input| add_terms(graph, input, terms));
    } else {
        terms.push(value);
    }
}

/// The left operand of a product with `weight`.
fn gates_in(graph: &Graph, value: Value, weight: Value) -> Option<Value> {
    let node = graph.node(value.node);
    let product = (node.op()? as &dyn Any).downcast_ref::<Matmul>()?;
    (!product.transpose_lhs && !product.transpose_rhs && node.inputs[1] == weight).then(|| node.inputs[0])
}

/// The gradient of the hidden state through the product of a step, given its gates' gradients, f32 `[b, g, h]`.
pub(crate) fn hidden_gradient(graph: &mut Graph, gates: Value, weight: Value) -> Result<Value, GraphError> {
    let rows = gate_rows(graph, gates)?;
    matmul(graph, rows, weight, false, false)
}

/// The gradient of a step's weights; none where the hidden state is zero.
pub(crate) fn weight_gradient(graph: &mut Graph, gates: Value, hidden: Value) -> Result<Option<Value>, GraphError> {
    if is_zeros(graph, hidden) {
        return Ok(None);
    }
    let rows = gate_rows(graph, gates)?;
    matmul(graph, rows, hidden, true, false).map(Some)
}

/// Gates, `[b, g, h]`, as the rows `[b, g h]` of a product.
pub(crate) fn gate_rows(graph: &mut Graph, gates: Value) -> Result<Value, GraphError> {
    let (batch, row) = graph.kind(gates).shape.dims().split_first().map_or((1, 1), |(batch, row)| (*batch, row.iter().product()));
    reshape(graph, gates, [batch, row])
}

/// Whether a type is that of f32 with these extents.
pub(crate) fn is_f32(kind: &TensorType, extents: &[usize]) -> bool {
    *kind == TensorType::f32(extents.to_vec())
}

/// `lhs[m, k] op(rhs)[k, n]` in single precision, where `rhs` is stored as `[n, k]` if it is transposed.
pub(crate) fn host_product(lhs: &[f32], rhs: &[f32], [m, n, k]: [usize; 3], transposed: bool) -> Option<Vec<f32>> {
    let mut product = vec![0.0; m * n];
    let stored = if transposed { (n, k) } else { (k, n) };
    let lhs = ArrayView2::from_shape((m, k), lhs).ok()?;
    let rhs = ArrayView2::from_shape(stored, rhs).ok()?;
    let rhs = if transposed { rhs.reversed_axes() } else { rhs };
    general_mat_mul(1.0, &lhs, &rhs, 0.0, &mut ArrayViewMut2::from_shape((m, n), &mut product).ok()?);
    Some(product)
}

pub(crate) fn sigmoid_f64(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

pub(crate) fn sigmoid_f32(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// The elements of a tensor of floats.
pub(crate) fn as_floats<'a>(tensor: &&'a HostTensor) -> Option<&'a [f32]> {
    match tensor {
        HostTensor::F32(_, data) => Some(data),
        _ => None,
    }
}
