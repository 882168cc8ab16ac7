//! Attention by scaled products, softmax over the keys of `scale * query . key` times the values:
//! [`torch.nn.functional.scaled_dot_product_attention`], without a tensor of queries times keys.
//!
//! For the query `t`, the keys `s` that it sees and their scores,
//!
//! ```text
//! score[s] = scale * sum over c of query[t, c] * key[s, c] + mask[t, s]
//! maximum  = the largest score
//! sum      = sum over s of exp(score[s] - maximum)
//! output   = sum over s of exp(score[s] - maximum) / sum * factor[t, s] * value[s]
//! ```
//!
//! Maximum, sum and output are made in one pass over the keys: sum and output are relative to the largest score so far,
//! and are scaled down where a larger one comes (Milakov and Gimelshein, "Online normalizer calculation for softmax",
//! 2018). The gradients make the weights again from maximum and sum, as in Dao, "FlashAttention-2" (2023): one kernel
//! passes over the keys for each query, another over the queries for each key, so that each element is one invocation's
//! sum in a fixed order. The logarithm of the sum would be one number instead of two, but not where all scores of a row
//! are -1e30, which a sum of a few exponentials does not change.
//!
//! Masks and factors are inputs like others. What is no tensor of its own, such as a mask that is broadcast or the random
//! numbers of [`dropout`](crate::dropout()), kernels make where they read it, the gradients' like the attention's.
//!
//! [`torch.nn.functional.scaled_dot_product_attention`]:
//!     https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html

mod candidates;
mod gradient;
mod host;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use wgrad_core::{
    Array, Case, DType, Graph, GraphError, HostTensor, Lanes, Lowering, Node, Op, Shape, ShapeError, TensorType, Tolerance, Value,
};

use crate::cases::{case, floats, tolerance_of_sum};
use crate::{add, broadcast, div, exp, greater, matmul, mul, narrow, reshape, split, sub};
use candidates::{Pass, names};

pub use gradient::{AttentionKeyGradient, AttentionQueryGradient, AttentionStatistics};

/// The operation of [`attention()`].
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    /// What products of queries and keys are multiplied with.
    pub scale: f32,
    /// Whether the query `t` sees only the keys up to `t`.
    pub causal: bool,
}

/// What queries, f32 `[..., t, d]`, find among values by their keys, f32 `[..., s, d]` both, for each index along the first
/// axes: f32 `[..., t, d]`. The last two inputs broadcast to f32 `[..., t, s]`: a mask, which is added to scores, and a
/// factor, which weights are multiplied with behind the softmax. Dropout of the weights is a factor of ones with dropout.
///
/// # Errors
/// Where the types are others, `s` is 0, `d` is not from 1 to 128, or the scale is not finite.
pub fn attention(graph: &mut Graph, op: Attention, [query, key, value, mask, factor]: [Value; 5]) -> Result<Value, GraphError> {
    let shape = scores_shape(graph.kind(query), graph.kind(key));
    let mask = broadcast(graph, mask, shape.clone())?;
    let factor = broadcast(graph, factor, shape)?;
    graph.apply_one(op, &[query, key, value, mask, factor])
}

/// What is added to scores, f32 `[t, s]` for so many queries and keys, so that no query sees a key behind its own: 0 for a key
/// that it sees, else -1e30. The graph holds no constant of that shape.
///
/// # Errors
/// Those of [`mul`](crate::mul()).
pub fn causal_mask(graph: &mut Graph, [queries, keys]: [usize; 2]) -> Result<Value, GraphError> {
    let numbers = |count: usize| (0..count).map(|number| number as f32).collect();
    let query = graph.constant(HostTensor::F32([queries, 1].into(), numbers(queries)))?;
    let key = graph.constant(HostTensor::F32([keys].into(), numbers(keys)))?;
    let is_later = greater(graph, key, query)?;
    let unseen = graph.scalar(UNSEEN);
    mul(graph, is_later, unseen)
}

/// `[..., t, s]` for queries `[..., t, d]` and keys `[..., s, d]`.
fn scores_shape(query: &TensorType, key: &TensorType) -> Shape {
    let (query, key) = (query.shape.dims(), key.shape.dims());
    let keys = key.len().checked_sub(2).map_or(0, |axis| key[axis]);
    let rows = query.split_last().map_or(&[][..], |(_, rows)| rows);
    [rows, &[keys]].concat().into()
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
    /// Those of queries, keys, values, masks and factors; none where they do not go together.
    fn of(inputs: &[TensorType]) -> Option<Self> {
        let [query, key, value, mask, factor] = inputs.first_chunk::<5>()?;
        let (batch, &[queries, columns]) = query.shape.dims().split_last_chunk::<2>()?;
        let (key_batch, &[keys, key_columns]) = key.shape.dims().split_last_chunk::<2>()?;
        let are_scores = |input: &TensorType| *input == TensorType::f32(scores_shape(query, key));
        let is_f32 = [query, key, value].iter().all(|input| input.dtype == DType::F32);
        let fits = is_f32 && batch == key_batch && columns == key_columns && key == value && keys > 0;
        (fits && Attention::takes_columns(columns) && are_scores(mask) && are_scores(factor)).then(|| Self {
            batch: batch.iter().product(),
            queries,
            keys,
            columns,
        })
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

/// The type of so many numbers for each query.
fn of_queries(query: &TensorType, numbers: usize) -> TensorType {
    let mut dims = query.shape.dims().to_vec();
    if let Some(columns) = dims.last_mut() {
        *columns = numbers;
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

/// The most columns that kernels have room for.
const MOST_COLUMNS: usize = 128;

/// What is added to the score of a key that a query does not see: its exponential is 0.
const UNSEEN: f32 = -1e30;

impl Attention {
    /// Whether queries and keys may have so many columns.
    pub fn takes_columns(columns: usize) -> bool {
        (1..=MOST_COLUMNS).contains(&columns)
    }

    /// The keys that a query sees are those before this.
    fn seen(&self, query: usize, keys: usize) -> usize {
        if self.causal { keys.min(query + 1) } else { keys }
    }

    /// The scores of the keys that a query sees, which has this row in all of them.
    fn scores(&self, extents: Extents, inputs: &[Array], query: usize) -> Vec<f64> {
        let keys = query / extents.queries * extents.keys;
        let row = extents.row_of(&inputs[0].data, query);
        let score = |index| f64::from(self.scale) * dot(row, extents.row_of(&inputs[1].data, keys + index));
        let mask = &inputs[3].data[query * extents.keys..];
        (0..self.seen(query % extents.queries, extents.keys)).map(|index| score(index) + mask[index]).collect()
    }

    /// Queries and keys of one case, values, masks and factors.
    fn inputs(seed: u32, batch: &[usize], queries: usize, keys: usize, columns: usize) -> Vec<Array> {
        let array = |seed, rows, columns| floats(seed, [batch, &[rows, columns]].concat());
        vec![
            array(seed, queries, columns),
            array(seed + 1, keys, columns),
            array(seed + 2, keys, columns),
            array(seed + 3, queries, keys),
            array(seed + 4, queries, keys),
        ]
    }

    /// The same where some queries see no key, and others not all.
    fn unseen_keys(seed: u32) -> Vec<Array> {
        let mut inputs = Self::inputs(seed, &[2], 9, 11, 8);
        for (index, x) in inputs[3].data.iter_mut().enumerate() {
            let (query, key) = (index / 11 % 9, index % 11);
            *x = if query % 3 == 1 || (key + query) % 4 == 0 { f64::from(UNSEEN) } else { 0.0 };
        }
        inputs
    }

    /// The weights before factors, f32 `[..., t, s]`, and the upstream gradient's products with the values, as nodes of
    /// their own: for the gradients of masks and factors, which seldom are asked for.
    fn composed(&self, graph: &mut Graph, at: &Node, upstream: Value) -> Result<[Value; 2], GraphError> {
        let (inputs, rank) = (&at.inputs, graph.kind(at.inputs[0]).shape.rank());
        let products = matmul(graph, inputs[0], inputs[1], false, true)?;
        let scale = graph.scalar(self.scale);
        let scaled = mul(graph, products, scale)?;
        let mut scores = add(graph, scaled, inputs[3])?;
        if self.causal {
            let [queries, keys] = *graph.kind(scores).shape.dims().last_chunk::<2>().unwrap_or(&[0, 0]);
            let unseen = causal_mask(graph, [queries, keys])?;
            scores = add(graph, scores, unseen)?;
        }
        let maximum = narrow(graph, at.output(1), rank - 1, 0, 1)?;
        let sum = narrow(graph, at.output(1), rank - 1, 1, 1)?;
        let shifted = sub(graph, scores, maximum)?;
        let exponentials = exp(graph, shifted)?;
        let weights = div(graph, exponentials, sum)?;
        Ok([weights, matmul(graph, upstream, inputs[2], false, true)?])
    }
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
            [query, _, _, _, _] if Extents::of(inputs).is_some() => Ok(vec![query.clone(), of_queries(query, 2)]),
            _ => Err(ShapeError::new(
                "queries f32[..., t, d], keys and values f32[..., s, d], masks and factors f32[..., t, s], with s of 1 or more \
                 and d of 1 to 128",
                inputs,
            )),
        }
    }

    /// Nothing is differentiated through the second output, maxima and sums.
    fn gradient(&self, graph: &mut Graph, at: &Node, upstream: &[Option<Value>]) -> Result<Vec<Option<Value>>, GraphError> {
        let (&[query, key, value, mask, factor], &[Some(upstream), _]) = (at.inputs.as_slice(), upstream) else {
            return Ok(vec![None; at.inputs.len()]);
        };
        let statistics = graph.apply_one(AttentionStatistics, &[upstream, at.output(0), at.output(1)])?;
        let inputs = [query, key, value, mask, factor, upstream, statistics];
        let of_query = graph.apply_one(AttentionQueryGradient(*self), &inputs)?;
        let both = graph.apply_one(AttentionKeyGradient(*self), &inputs)?;
        let shape = graph.kind(key).shape.clone();
        let halves = split(graph, both, 0, &[1, 1])?;
        let [of_key, of_value] = [halves[0], halves[1]].map(|half| reshape(graph, half, shape.clone()));
        let [weights, products] = self.composed(graph, at, upstream)?;
        let rank = shape.rank();
        let mean = narrow(graph, statistics, rank - 1, 2, 1)?;
        let with_factor = mul(graph, factor, products)?;
        let difference = sub(graph, with_factor, mean)?;
        let of_mask = mul(graph, weights, difference)?;
        let of_factor = mul(graph, weights, products)?;
        Ok(vec![Some(of_query), Some(of_key?), Some(of_value?), Some(of_mask), Some(of_factor)])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let extents = Extents::checked(inputs);
        let pass = Pass {
            entry: "attention",
            registers: include_str!("forward_registers.wgsl"),
            workgroup: include_str!("forward_workgroup.wgsl"),
            loads: vec![
                ("attention_query", "attention_load_query", Lanes::Four),
                ("attention_key", "attention_load_key", Lanes::Four),
                ("attention_value", "attention_load_value", Lanes::Four),
                ("attention_mask", "attention_load_mask", Lanes::Four),
                ("attention_factor", "attention_load_factor", Lanes::Four),
            ],
            stores: vec![
                ("attention_output", "attention_store", Lanes::Four),
                ("attention_sums", "attention_store_sums", Lanes::One),
            ],
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
        let ([_, _, value, _, factor], [output, sums]) = (inputs, outputs) else { return };
        for (query, found) in output.data.chunks_exact_mut(extents.columns).enumerate() {
            let scores = self.scores(extents, inputs, query);
            let maximum = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = scores.iter().map(|score| (score - maximum).exp()).sum();
            sums.data[2 * query..][..2].copy_from_slice(&[maximum, sum]);
            for (index, score) in scores.iter().enumerate() {
                let weight = (score - maximum).exp() / sum * factor.data[query * extents.keys + index];
                let key = query / extents.queries * extents.keys + index;
                add_scaled(found, weight, extents.row_of(&value.data, key));
            }
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        host::attention(*self, inputs, outputs).is_some()
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
            large(of("many columns", &[1], 21, 22, 127)),
            large(of("most columns", &[1], 5, 6, 128)),
            large(case("rows that see nothing", Self::unseen_keys(9))),
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
    [&all(false)[..], &all(true), &[Arc::new(AttentionStatistics)]].concat()
}
