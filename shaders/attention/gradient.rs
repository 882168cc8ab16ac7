//! The gradients of attention. With a query's upstream gradient `g`, maximum, sum and mean,
//!
//! ```text
//! weight[t, s] = exp(score[t, s] - maximum[t]) / sum[t]
//! change[t, s] = weight[t, s] * (factor[t, s] * (g[t] . value[s]) - mean[t])
//! query_gradient[t] = scale * sum over s of change[t, s] * key[s]
//! key_gradient[s]   = scale * sum over t of change[t, s] * query[t]
//! value_gradient[s] =         sum over t of weight[t, s] * factor[t, s] * g[t]
//! ```
//!
//! where the mean is that of `factor * (g . value)` by the weights, `g[t] . output[t]`.

use wgrad_core::{
    Array, Case, HostTensor, Kernel, Lanes, Literal, LoadHook, Lowering, Op, ShapeError, StoreHook, TensorType, Tolerance,
};

use super::candidates::{Pass, names};
use super::{Attention, Extents, add_scaled, dot, host, of_queries};
use crate::cases::{case, floats, grid, tolerance_of_sum};

/// What the gradients need of each query, f32 `[..., t, 4]`: its largest score, the reciprocal of the sum of its
/// exponentials relative to that, its mean, and 0.
///
/// Its inputs are the upstream gradient and the output of [`attention`](super::attention()), f32 `[..., t, d]`, and its
/// second output, f32 `[..., t, 2]`.
#[derive(Clone, Copy, Debug)]
pub struct AttentionStatistics;

/// The gradient of the queries of [`attention`](super::attention()), f32 `[..., t, d]`.
///
/// Its inputs are those of the attention, the upstream gradient, f32 `[..., t, d]`, and the
/// [statistics](AttentionStatistics).
#[derive(Clone, Copy, Debug)]
pub struct AttentionQueryGradient(pub Attention);

/// The gradients of the keys and of the values of [`attention`](super::attention()), one behind the other, f32
/// `[2, ..., s, d]`.
///
/// Its inputs are those of [`AttentionQueryGradient`].
#[derive(Clone, Copy, Debug)]
pub struct AttentionKeyGradient(pub Attention);

/// Checks the inputs of a gradient.
fn check(inputs: &[TensorType]) -> Result<(), ShapeError> {
    match inputs {
        [query, _, _, _, _, upstream, statistics]
            if Extents::of(inputs).is_some() && upstream == query && *statistics == of_queries(query, 4) =>
        {
            Ok(())
        }
        _ => Err(ShapeError::new(
            "queries f32[..., t, d], keys and values f32[..., s, d], masks and factors f32[..., t, s], a gradient f32[..., t, d] \
             and statistics f32[..., t, 4]",
            inputs,
        )),
    }
}

/// A pair of a query and a key that it sees.
struct Pair {
    /// The rows of the query and of the key in all of them.
    query: usize,
    key: usize,
    weight: f64,
    factor: f64,
    change: f64,
}

fn for_each_pair(op: Attention, inputs: &[Array], mut visit: impl FnMut(Pair)) {
    let extents = Extents::of_arrays(inputs);
    let [_, _, value, _, factor, upstream, statistics] = inputs else { return };
    for query in 0..extents.batch * extents.queries {
        let [maximum, reciprocal, mean, _] = [0, 1, 2, 3].map(|column| statistics.data[4 * query + column]);
        for (index, score) in op.scores(extents, inputs, query).into_iter().enumerate() {
            let key = query / extents.queries * extents.keys + index;
            let weight = (score - maximum).exp() * reciprocal;
            let factor = factor.data[query * extents.keys + index];
            let product = factor * dot(extents.row_of(&upstream.data, query), extents.row_of(&value.data, key));
            visit(Pair { query, key, weight, factor, change: weight * (product - mean) });
        }
    }
}

/// Cases of both gradients, with statistics that belong to the scores.
fn cases(op: Attention) -> Vec<Case> {
    let of = |label, batch: &[usize], queries, keys, columns| {
        let inputs = Attention::inputs(11, batch, queries, keys, columns);
        with_statistics(op, label, inputs)
    };
    let unseen = Attention::unseen_keys(13);
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
        of("many columns", &[1], 21, 22, 127),
        of("most columns", &[1], 5, 6, 128),
        with_statistics(op, "rows that see nothing", unseen),
    ]
}

fn with_statistics(op: Attention, label: &str, inputs: Vec<Array>) -> Case {
    let kind = inputs[0].kind.clone();
    let mut outputs = [Array::zeros(kind.clone()), Array::zeros(of_queries(&kind, 2))];
    op.reference(&inputs, &mut outputs);
    let upstream = floats(21, kind.shape.clone());
    let [output, sums] = outputs;
    let mut statistics = [Array::zeros(of_queries(&kind, 4))];
    AttentionStatistics.reference(&[upstream.clone(), output, sums], &mut statistics);
    let [mut statistics] = statistics;
    // As f32 has them, since inputs are exact in their types.
    statistics.data.iter_mut().for_each(|x| *x = f64::from(*x as f32));
    let inputs: Vec<Array> = inputs.into_iter().chain([upstream, statistics]).collect();
    Case { differentiable: false, ..case(label, inputs) }
}

/// What both passes load.
macro_rules! pass {
    ($prefix:literal, $registers:literal, $workgroup:literal, $output:literal, $rows:expr) => {
        Pass {
            entry: $prefix,
            registers: include_str!($registers),
            workgroup: include_str!($workgroup),
            loads: vec![
                (concat!($prefix, "_query"), concat!($prefix, "_load_query"), Lanes::Four),
                (concat!($prefix, "_key"), concat!($prefix, "_load_key"), Lanes::Four),
                (concat!($prefix, "_value"), concat!($prefix, "_load_value"), Lanes::Four),
                (concat!($prefix, "_mask"), concat!($prefix, "_load_mask"), Lanes::Four),
                (concat!($prefix, "_factor"), concat!($prefix, "_load_factor"), Lanes::Four),
                (concat!($prefix, "_upstream"), concat!($prefix, "_load_upstream"), Lanes::Four),
                (concat!($prefix, "_statistics"), concat!($prefix, "_load_statistics"), Lanes::Four),
            ],
            stores: vec![(concat!($prefix, $output), concat!($prefix, "_store"), Lanes::Four)],
            names: names!($prefix),
            rows: $rows,
        }
    };
}

impl Op for AttentionStatistics {
    fn name(&self) -> &'static str {
        "attention_statistics"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        match inputs {
            [upstream, output, sums] if upstream == output && *sums == of_queries(output, 2) => Ok(vec![of_queries(output, 4)]),
            _ => Err(ShapeError::new("a gradient and an output, f32[..., t, d] both, and sums f32[..., t, 2]", inputs)),
        }
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        const INVOCATIONS: usize = 64;
        let (rows, columns) = (inputs[0].shape.rows(), inputs[0].shape.columns());
        let load = |variable, function, lanes| LoadHook { variable, function: Some((function, lanes)), row: None };
        Lowering::Kernels(vec![Kernel {
            candidate: "rows",
            source: include_str!("statistics.wgsl"),
            entry: "attention_statistics",
            class: None,
            cooperative: None,
            dims: vec![rows as u32, columns as u32],
            constants: vec![("attention_statistics_workgroup_size", Literal::U32(INVOCATIONS as u32))],
            workgroups: grid(rows.div_ceil(INVOCATIONS)),
            rounds: columns.div_ceil(4) as u64,
            loads: vec![
                load("attention_statistics_upstream", "attention_statistics_load_upstream", Lanes::Four),
                load("attention_statistics_output", "attention_statistics_load_output", Lanes::Four),
                load("attention_statistics_sums", "attention_statistics_load_sums", Lanes::One),
            ],
            stores: vec![StoreHook {
                variable: "attention_statistics_result",
                function: Some(("attention_statistics_store", Lanes::Four)),
            }],
            sums: Vec::new(),
        }])
    }

    fn flops(&self, inputs: &[TensorType]) -> u64 {
        2 * inputs[0].shape.elements() as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let ([upstream, output, sums], [statistics]) = (inputs, outputs) else { return };
        let columns = output.kind.shape.columns();
        for (row, statistics) in statistics.data.chunks_exact_mut(4).enumerate() {
            let of = |array: &Array| array.data[row * columns..][..columns].to_vec();
            let mean = dot(&of(upstream), &of(output));
            statistics.copy_from_slice(&[sums.data[2 * row], 1.0 / sums.data[2 * row + 1], mean, 0.0]);
        }
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        host::statistics(inputs, outputs).is_some()
    }

    fn tolerance(&self, inputs: &[TensorType]) -> Tolerance {
        tolerance_of_sum(inputs[0].shape.columns())
    }

    fn cases(&self) -> Vec<Case> {
        let of = |label, rows: &[usize], columns: usize| {
            let [upstream, output] = [1, 2].map(|seed| floats(seed, [rows, &[columns]].concat()));
            let mut sums = floats(3, [rows, &[2]].concat());
            sums.data.iter_mut().skip(1).step_by(2).for_each(|sum| *sum = f64::from(1.5 + *sum as f32));
            case(label, [upstream, output, sums])
        };
        vec![of("one", &[1], 1), of("rows of 13", &[3, 67], 13), of("rows of 32", &[2, 129], 32), of("nobody", &[0], 4)]
    }
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
        let pass = pass!(
            "attention_query_gradient",
            "query_gradient_registers.wgsl",
            "query_gradient_workgroup.wgsl",
            "_input",
            extents.queries
        );
        Lowering::Kernels(pass.candidates(self.0, extents))
    }

    /// Three products, and some eight for each score.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        let extents = Extents::checked(inputs);
        6 * extents.products() + 8 * extents.products() / extents.columns as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let (extents, scale) = (Extents::of_arrays(inputs), f64::from(self.0.scale));
        for_each_pair(self.0, inputs, |pair| {
            let sums = &mut outputs[0].data[pair.query * extents.columns..][..extents.columns];
            add_scaled(sums, scale * pair.change, extents.row_of(&inputs[1].data, pair.key));
        });
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        host::query_gradient(self.0, inputs, outputs).is_some()
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
        Ok(vec![TensorType::f32([&[2], inputs[1].shape.dims()].concat())])
    }

    fn lowering(&self, inputs: &[TensorType]) -> Lowering {
        let extents = Extents::checked(inputs);
        let pass = pass!(
            "attention_key_gradient",
            "key_gradient_registers.wgsl",
            "key_gradient_workgroup.wgsl",
            "_output",
            extents.keys
        );
        Lowering::Kernels(pass.candidates(self.0, extents))
    }

    /// Four products, and some eight for each score.
    fn flops(&self, inputs: &[TensorType]) -> u64 {
        let extents = Extents::checked(inputs);
        8 * extents.products() + 8 * extents.products() / extents.columns as u64
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let (extents, scale) = (Extents::of_arrays(inputs), f64::from(self.0.scale));
        let half = outputs[0].data.len() / 2;
        let (of_keys, of_values) = outputs[0].data.split_at_mut(half);
        for_each_pair(self.0, inputs, |pair| {
            let place = pair.key * extents.columns..(pair.key + 1) * extents.columns;
            add_scaled(&mut of_keys[place.clone()], scale * pair.change, extents.row_of(&inputs[0].data, pair.query));
            add_scaled(&mut of_values[place], pair.weight * pair.factor, extents.row_of(&inputs[5].data, pair.query));
        });
    }

    fn host(&self, inputs: &[&HostTensor], outputs: &mut [HostTensor]) -> bool {
        host::key_gradient(self.0, inputs, outputs).is_some()
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
