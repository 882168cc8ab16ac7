//! Attention by scaled products, softmax over the keys of `scale * query . key` times the values:
//! [`torch.nn.functional.scaled_dot_product_attention`], without a tensor of queries times keys.
//!
//! For the query `t`, the keys `s` that it sees and their scores,
//!
//! ```text
//! score[s] = scale * sum over c of query[t, c] * key[s, c]
//! log_sum  = log(sum over s of exp(score[s]))
//! output   = sum over s of exp(score[s] - log_sum) * value[s]
//! ```
//!
//! The sum and the output are made in one pass over the keys: both are relative to the largest score so far, and are
//! scaled down where a larger one comes (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018). The
//! gradients make the weights again from `log_sum`, as in Dao, "FlashAttention-2" (2023): one kernel passes over the keys
//! for each query, another over the queries for each key, so that each element is one invocation's sum in a fixed order.
//!
//! [`torch.nn.functional.scaled_dot_product_attention`]:
//!     https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html

mod candidates;
mod gradient;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lowering, Node, Op, Shape, ShapeError, TensorType, Tolerance, Value,
};

use crate::cases::{case, floats, tolerance_of_sum};
use crate::gated::or_zeros;
use crate::{mul, sub, sum_axes};
use candidates::{Pass, names};

pub use gradient::{AttentionKeyGradient, AttentionQueryGradient};

/// The operation of [`attention()`].
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    /// What scores are multiplied with.
    pub scale: f32,
    /// Whether the query `t` sees only the keys up to `t`.
    pub causal: bool,
}

/// What [`attention()`] makes.
#[derive(Clone, Copy, Debug)]
pub struct AttentionOutputs {
    /// What each query has found, f32 `[..., t, d]`.
    pub output: Value,
    /// The logarithm of the sum of each query's exponentials, f32 `[..., t, 1]`.
    pub log_sum: Value,
}

/// What queries, f32 `[..., t, d]`, find among values by their keys, f32 `[..., s, d]` both, for each index along the first
/// axes. Where it is causal, the query `t` sees only the keys up to `t`.
///
/// # Errors
/// Where the types are others, `s` or `d` is 0, or the scale is not finite.
pub fn attention(
    graph: &mut Graph,
    query: Value,
    key: Value,
    value: Value,
    scale: f32,
    causal: bool,
) -> Result<AttentionOutputs, GraphError> {
    let output = graph.apply_one(Attention { scale, causal }, &[query, key, value])?;
    Ok(AttentionOutputs { output, log_sum: Value { output: 1, ..output } })
}

/// The extents of one attention, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extents {
    batch: usize,
    queries: usize,
    keys: usize,
    columns: usize,
}

impl Extents {
    /// Those of queries, keys and values; none where they do not go together.
    fn of(inputs: &[TensorType]) -> Option<Self> {
        let [query, key, value] = inputs.first_chunk::<3>()?;
        let (batch, &[queries, columns]) = query.shape.dims().split_last_chunk::<2>()?;
        let (key_batch, &[keys, key_columns]) = key.shape.dims().split_last_chunk::<2>()?;
        let is_f32 = [query, key, value].iter().all(|input| input.dtype == DType::F32);
        let fits = is_f32 && batch == key_batch && columns == key_columns && key == value && keys > 0 && columns > 0;
        fits.then(|| Self { batch: batch.iter().product(), queries, keys, columns })
    }

    /// Those of inputs that [`Op::infer`] has accepted.
    fn checked(inputs: &[TensorType]) -> Self {
        Self::of(inputs).unwrap_or(Self { batch: 0, queries: 0, keys: 1, columns: 1 })
    }

    fn of_arrays(inputs: &[Array]) -> Self {
        Self::checked(&inputs.iter().map(|input| input.kind.clone()).collect::<Vec<_>>())
    }

    /// A query's row in all of them.
    fn row(&self, batch: usize, query: usize) -> usize {
        batch * self.queries + query
    }

    /// One row of columns.
    fn row_of<'a>(&self, data: &'a [f64], row: usize) -> &'a [f64] {
        &data[row * self.columns..][..self.columns]
    }

    /// The products of queries and keys, as if each query saw all keys.
    fn products(&self) -> u64 {
        (self.batch * self.queries) as u64 * (self.keys * self.columns) as u64
    }
}

/// The type of one number for each query.
fn of_queries(query: &TensorType) -> TensorType {
    let mut dims = query.shape.dims().to_vec();
    if let Some(columns) = dims.last_mut() {
        *columns = 1;
    }
    TensorType::f32(dims)
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

/// Adds `factor` times `row`.
fn add_scaled(sums: &mut [f64], factor: f64, row: &[f64]) {
    sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += factor * x);
}

impl Attention {
    /// The keys that a query sees are those before this.
    fn seen(&self, query: usize, keys: usize) -> usize {
        if self.causal { keys.min(query + 1) } else { keys }
    }

    /// A query's scores.
    fn scores(&self, extents: Extents, query: &[f64], keys: &[f64], batch: usize, seen: usize) -> Vec<f64> {
        let key = |key| extents.row_of(keys, batch * extents.keys + key);
        (0..seen).map(|index| f64::from(self.scale) * dot(query, key(index))).collect()
    }

    /// Queries and keys of one case, and values.
    fn inputs(seed: u32, batch: &[usize], queries: usize, keys: usize, columns: usize) -> [Array; 3] {
        let array = |seed, rows| floats(seed, [batch, &[rows, columns]].concat());
        [array(seed, queries), array(seed + 1, keys), array(seed + 2, keys)]
    }
}

/// Runs a reference on the CPU's tensors. It is in double precision: products of matrices that are as large surround it.
fn host_by_reference(op: &dyn Op, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
    let arrays: Vec<Array> = inputs.iter().map(|input| input.to_array()).collect();
    let mut results: Vec<Array> = outputs.iter().map(|output| Array::zeros(output.kind())).collect();
    op.reference(&arrays, &mut results);
    outputs.iter_mut().zip(&results).for_each(|(output, result)| *output = HostTensor::from_array(result));
    true
}

impl Op for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        if !self.scale.is_finite() {
            return Err(ShapeError { wanted: "a finite scale".to_owned(), got: self.scale.to_string() });
        }
        match inputs {
            [query, _, _] if Extents::of(inputs).is_some() => Ok(vec![query.clone(), of_queries(query)]),
            _ => {
                Err(ShapeError::new("queries f32[..., t, d], keys and values f32[..., s, d], with s and d of 1 or more", inputs))
            }
        }
    }

    /// With the upstream gradient `g` and a query's `mean = sum over c of g[c] * output[c]`, which is the mean of `g .
    /// value` by the weights, the score of a key has the gradient `weight * (g . value - mean)`; that of the logarithm is
    /// taken off the mean.
    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[query, key, value], &[of_output, of_log_sum]) = (at.inputs.as_slice(), upstream) else {
            return Ok(vec![None; at.inputs.len()]);
        };
        if of_output.or(of_log_sum).is_none() {
            return Ok(vec![None; 3]);
        }
        let shape: Shape = graph.kind(query).shape.clone();
        let upstream = or_zeros(graph, of_output, &shape)?;
        let products = mul(graph, upstream, at.output(0))?;
        let mut mean = sum_axes(graph, products, &[shape.rank() - 1], true)?;
        if let Some(of_log_sum) = of_log_sum {
            mean = sub(graph, mean, of_log_sum)?;
        }
        let inputs = [query, key, value, upstream, at.output(1), mean];
        let of_query = graph.apply_one(AttentionQueryGradient(*self), &inputs)?;
        let of_key = graph.apply_one(AttentionKeyGradient(*self), &inputs)?;
        Ok(vec![Some(of_query), Some(of_key), Some(Value { output: 1, ..of_key })])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let extents = Extents::checked(inputs);
        let pass = Pass {
            source: include_str!("forward.wgsl"),
            entry: "attention",
            loads: vec![
                ("attention_query", "attention_load_query"),
                ("attention_key", "attention_load_key"),
                ("attention_value", "attention_load_value"),
            ],
            scalar_loads: Vec::new(),
            stores: vec![("attention_output", "attention_store")],
            scalar_stores: vec![("attention_log_sum", "attention_store_log_sum")],
            names: names!("attention"),
            rows: extents.queries,
        };
        Lowering::Kernels(pass.candidates(*self, extents))
    }

    /// Two products, and some eight for each score.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        let extents = Extents::checked(inputs);
        4 * extents.products() + 8 * extents.products() / extents.columns as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let extents = Extents::of_arrays(inputs);
        let ([query, key, value], [output, log_sum]) = (inputs, outputs) else { return };
        for (row, found) in output.data.chunks_exact_mut(extents.columns).enumerate() {
            let (batch, index) = (row / extents.queries, row % extents.queries);
            let seen = self.seen(index, extents.keys);
            let scores = self.scores(extents, extents.row_of(&query.data, row), &key.data, batch, seen);
            let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = scores.iter().map(|score| (score - largest).exp()).sum();
            log_sum.data[row] = largest + sum.ln();
            for (index, score) in scores.iter().enumerate() {
                let value = extents.row_of(&value.data, batch * extents.keys + index);
                add_scaled(found, (score - largest).exp() / sum, value);
            }
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        host_by_reference(self, inputs, outputs)
    }

    /// Scores are sums over the columns, and the outputs sums over the keys.
    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        let extents = Extents::checked(inputs);
        tolerance_of_sum(extents.columns + extents.keys)
    }

    fn cases(&self) -> Vec<Case> {
        let of = |label, batch: &[usize], queries, keys, columns| case(label, Self::inputs(1, batch, queries, keys, columns));
        let large = |case| Case { differentiable: false, ..case };
        let scaled = |label, factor: f64| {
            let mut inputs = Self::inputs(5, &[2], 9, 11, 8);
            inputs[0].data.iter_mut().for_each(|x| *x *= factor);
            large(case(label, inputs))
        };
        vec![
            of("single elements", &[1], 1, 1, 1),
            of("matrices", &[], 5, 7, 3),
            of("fewer keys than queries", &[2], 7, 3, 5),
            of("whole blocks", &[2, 2], 8, 8, 8),
            of("one key", &[3], 4, 1, 6),
            of("no queries", &[2], 0, 3, 4),
            of("nobody", &[0], 3, 3, 4),
            large(of("beyond a tile", &[3], 67, 71, 13)),
            large(of("whole tiles for each head", &[2, 4], 64, 64, 32)),
            large(of("many keys", &[1], 3, 1029, 10)),
            large(of("many queries", &[1], 521, 5, 4)),
            large(of("many columns", &[1], 5, 6, 131)),
            scaled("scores of hundreds", 300.0),
        ]
    }
}

/// Causal or not, with the gradients.
pub(crate) fn examples() -> Vec<Arc<dyn Op>> {
    let all = |causal| {
        let op = Attention { scale: 0.375, causal };
        [Arc::new(op) as Arc<dyn Op>, Arc::new(AttentionQueryGradient(op)), Arc::new(AttentionKeyGradient(op))]
    };
    [all(false), all(true)].concat()
}
