//! The gradients of attention. With a query's upstream gradient `g`,
//!
//! ```text
//! weight[t, s] = exp(score[t, s] - log_sum[t])
//! change[t, s] = weight[t, s] * (g[t] . value[s] - mean[t])
//! query_gradient[t] = scale * sum over s of change[t, s] * key[s]
//! key_gradient[s]   = scale * sum over t of change[t, s] * query[t]
//! value_gradient[s] =         sum over t of weight[t, s] * g[t]
//! ```

use wgrad_core::{Array, Case, HostTensor, Lowering, Op, ShapeError, TensorType, Tolerance};

use super::candidates::{Pass, names};
use super::{Attention, Extents, add_scaled, dot, host_by_reference, of_queries};
use crate::cases::{case, floats, tolerance_of_sum};

/// The gradient of the queries of [`attention`](super::attention()), f32 `[..., t, d]`.
///
/// Its inputs are the queries, keys and values, the upstream gradient, f32 `[..., t, d]`, the logarithm of each query's
/// sum, and its mean, f32 `[..., t, 1]` both.
#[derive(Clone, Copy, Debug)]
pub struct AttentionQueryGradient(pub Attention);

/// The gradients of the keys and of the values of [`attention`](super::attention()), f32 `[..., s, d]`.
///
/// Its inputs are those of [`AttentionQueryGradient`].
#[derive(Clone, Copy, Debug)]
pub struct AttentionKeyGradient(pub Attention);

/// Checks the inputs of a gradient.
fn check(inputs: &[TensorType]) -> Result<(), ShapeError> {
    match inputs {
        [query, _, _, upstream, log_sum, mean]
            if Extents::of(inputs).is_some()
                && upstream == query
                && [log_sum, mean].iter().all(|input| **input == of_queries(query)) =>
        {
            Ok(())
        }
        _ => Err(ShapeError::new(
            "queries f32[..., t, d], keys and values f32[..., s, d], a gradient f32[..., t, d], and two of f32[..., t, 1]",
            inputs,
        )),
    }
}

/// Calls `visit` with the rows of each query and each key that it sees, the weight and the change of the score.
fn for_each_pair(op: Attention, inputs: &[Array], mut visit: impl FnMut(usize, usize, f64, f64)) {
    let extents = Extents::of_arrays(inputs);
    let [query, key, value, upstream, log_sum, mean] = inputs else { return };
    for batch in 0..extents.batch {
        for index in 0..extents.queries {
            let row = extents.row(batch, index);
            let seen = op.seen(index, extents.keys);
            let scores = op.scores(extents, extents.row_of(&query.data, row), &key.data, batch, seen);
            for (index, score) in scores.into_iter().enumerate() {
                let key = batch * extents.keys + index;
                let weight = (score - log_sum.data[row]).exp();
                let product = dot(extents.row_of(&upstream.data, row), extents.row_of(&value.data, key));
                visit(row, key, weight, weight * (product - mean.data[row]));
            }
        }
    }
}

/// Cases of both gradients, with the sums that belong to the scores.
fn cases(op: Attention) -> Vec<Case> {
    let of = |label, batch: &[usize], queries, keys, columns| {
        let inputs = Attention::inputs(11, batch, queries, keys, columns);
        let kinds: Vec<TensorType> = inputs.iter().map(|input| input.kind.clone()).collect();
        let mut outputs = [Array::zeros(kinds[0].clone()), Array::zeros(of_queries(&kinds[0]))];
        op.reference(&inputs, &mut outputs);
        let [_, mut log_sum] = outputs;
        // As f32 has them, since inputs are exact in their types.
        log_sum.data.iter_mut().for_each(|x| *x = f64::from(*x as f32));
        let upstream = floats(21, kinds[0].shape.clone());
        let mean = floats(22, log_sum.kind.shape.clone());
        let inputs: Vec<Array> = inputs.into_iter().chain([upstream, log_sum, mean]).collect();
        Case { differentiable: false, ..case(label, inputs) }
    };
    vec![
        of("single elements", &[1], 1, 1, 1),
        of("matrices", &[], 5, 7, 3),
        of("fewer keys than queries", &[2], 7, 3, 5),
        of("whole blocks", &[2, 2], 8, 8, 8),
        of("nobody", &[0], 3, 3, 4),
        of("beyond a tile", &[3], 67, 71, 13),
        of("whole tiles for each head", &[2, 4], 64, 64, 32),
        of("many keys", &[1], 3, 1029, 10),
        of("many queries", &[1], 521, 5, 4),
        of("many columns", &[1], 5, 6, 131),
    ]
}

/// What both passes load.
macro_rules! pass {
    ($source:literal, $prefix:literal, $stores:expr, $rows:expr) => {
        Pass {
            source: include_str!($source),
            entry: $prefix,
            loads: vec![
                (concat!($prefix, "_query"), concat!($prefix, "_load_query")),
                (concat!($prefix, "_key"), concat!($prefix, "_load_key")),
                (concat!($prefix, "_value"), concat!($prefix, "_load_value")),
                (concat!($prefix, "_upstream"), concat!($prefix, "_load_upstream")),
            ],
            scalar_loads: vec![
                (concat!($prefix, "_log_sum"), concat!($prefix, "_load_log_sum")),
                (concat!($prefix, "_mean"), concat!($prefix, "_load_mean")),
            ],
            stores: $stores,
            scalar_stores: Vec::new(),
            names: names!($prefix),
            rows: $rows,
        }
    };
}

impl Op for AttentionQueryGradient {
    fn name(&self) -> &'static str {
        "attention_query_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        check(inputs)?;
        Ok(vec![inputs[0].clone()])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let extents = Extents::checked(inputs);
        let stores = vec![("attention_query_gradient_input", "attention_query_gradient_store")];
        let pass = pass!("query_gradient.wgsl", "attention_query_gradient", stores, extents.queries);
        Lowering::Kernels(pass.candidates(self.0, extents))
    }

    /// Three products, and some eight for each score.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        let extents = Extents::checked(inputs);
        6 * extents.products() + 8 * extents.products() / extents.columns as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let (extents, scale) = (Extents::of_arrays(inputs), f64::from(self.0.scale));
        for_each_pair(self.0, inputs, |row, key, _, change| {
            let sums = &mut outputs[0].data[row * extents.columns..][..extents.columns];
            add_scaled(sums, scale * change, extents.row_of(&inputs[1].data, key));
        });
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        host_by_reference(self, inputs, outputs)
    }

    /// Changes are of sums over the columns, and the weights' sum is 1.
    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        let extents = Extents::checked(inputs);
        tolerance_of_sum(4 * extents.columns + extents.keys)
    }

    fn cases(&self) -> Vec<Case> {
        cases(self.0)
    }
}

impl Op for AttentionKeyGradient {
    fn name(&self) -> &'static str {
        "attention_key_gradient"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        check(inputs)?;
        Ok(vec![inputs[1].clone(), inputs[2].clone()])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let extents = Extents::checked(inputs);
        let stores = vec![
            ("attention_key_gradient_key_gradient", "attention_key_gradient_store_key_gradient"),
            ("attention_key_gradient_value_gradient", "attention_key_gradient_store_value_gradient"),
        ];
        let pass = pass!("key_gradient.wgsl", "attention_key_gradient", stores, extents.keys);
        Lowering::Kernels(pass.candidates(self.0, extents))
    }

    /// Four products, and some eight for each score.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        let extents = Extents::checked(inputs);
        8 * extents.products() + 8 * extents.products() / extents.columns as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let (extents, scale) = (Extents::of_arrays(inputs), f64::from(self.0.scale));
        let [key_gradient, value_gradient] = outputs else { return };
        for_each_pair(self.0, inputs, |row, key, weight, change| {
            let place = key * extents.columns..(key + 1) * extents.columns;
            add_scaled(&mut key_gradient.data[place.clone()], scale * change, extents.row_of(&inputs[0].data, row));
            add_scaled(&mut value_gradient.data[place], weight, extents.row_of(&inputs[3].data, row));
        });
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        host_by_reference(self, inputs, outputs)
    }

    /// Changes are of sums over the columns, and as many are added as there are queries.
    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        let extents = Extents::checked(inputs);
        tolerance_of_sum(4 * extents.columns + extents.queries)
    }

    fn cases(&self) -> Vec<Case> {
        cases(self.0)
    }
}
