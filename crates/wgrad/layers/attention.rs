//! Attention.

use wgrad_core::Shape;
use wgrad_shaders as ops;

use crate::error::Error;
use crate::initial::Initial;
use crate::layers::{Layer, Linear};
use crate::var::Var;

/// Attention of several heads, as PyTorch's
/// [`MultiheadAttention`](https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html) with
/// `batch_first=True`: of a sequence `[batch, steps, features]` to itself as a layer, or to another one.
///
/// Its parameters are `in_proj_weight`, `[3 features, features]`, by Xavier's even distribution, `in_proj_bias`, zeros,
/// `out_proj.weight` as that of a [`Linear`], and `out_proj.bias`, zeros.
#[derive(Clone, Copy, Debug)]
pub struct MultiheadAttention {
    features: usize,
    heads: usize,
    dropout: f32,
    causal: bool,
}

impl MultiheadAttention {
    /// So many heads, 1 at least, each of an equal part of the features.
    pub fn new(features: usize, heads: usize) -> Self {
        Self { features, heads, dropout: 0.0, causal: false }
    }

    /// The same with dropout of the weights, at a rate of at least 0 and below 1.
    pub fn dropout(mut self, rate: f32) -> Self {
        self.dropout = rate;
        self
    }

    /// The same where a step sees only itself and those before it.
    pub fn causal(mut self) -> Self {
        self.causal = true;
        self
    }

    /// What `query`, `[batch, steps, features]`, finds in `key` and `value`, `[batch, others, features]`. `mask` is added to
    /// the scores, `[steps, others]` or whatever broadcasts to `[batch, heads, steps, others]`: -1e30 hides a step, and who
    /// sees none weighs all alike; with -inf for all, what is found is not defined.
    ///
    /// # Errors
    /// Where the heads do not divide the features, or a shape is another.
    pub fn attend(&self, query: &Var, key: &Var, value: &Var, mask: Option<&Var>) -> Result<Var, Error> {
        let Self { features, heads, .. } = *self;
        if heads == 0 || !features.is_multiple_of(heads) {
            return Err(Error::mismatch("heads", format!("a divisor of the {features} features"), heads));
        }
        for (name, var) in [("query", query), ("key", key), ("value", value)] {
            if !matches!(var.shape().dims(), [_, _, columns] if *columns == features) {
                return Err(Error::mismatch(name, format!("[batch, steps, {features}]"), var.shape()));
            }
        }
        let [query, key, value] = self.project(query, key, value)?;
        let [query, key, value] =
            [query.checked()?, key.checked()?, value.checked()?].map(|projected| self.split_heads(&projected));
        let found = self.find([&query, &key, &value], mask)?.permute(&[0, 2, 1, 3]);
        let [batch, steps] = [found.shape().dims()[0], found.shape().dims()[1]];
        found.reshape([batch, steps, features]).layer("out_proj", &Linear::new(features, features).bias(Initial::Constant(0.0)))
    }

    /// What the queries of all heads find, `[batch, heads, steps, features of a head]`. There is no tensor of all weights, but
    /// where heads are wider than the operation takes.
    fn find(&self, inputs: [&Var; 3], mask: Option<&Var>) -> Result<Var, Error> {
        let [query, key, value] = inputs;
        let (trace, width) = (query.trace(), self.features / self.heads);
        let scores: Shape = [&query.shape().dims()[..3], &key.shape().dims()[2..3]].concat().into();
        let future = || trace.build(|graph| ops::causal_mask(graph, [scores.dims()[2], scores.dims()[3]]));
        let is_composed = !ops::Attention::takes_columns(width);
        // What a query finds that a mask hides everything from depends on what is added for the steps after it too.
        let (mask, causal) = match mask {
            Some(mask) if self.causal => (mask + future(), false),
            Some(mask) => (mask.clone(), false),
            None if self.causal && is_composed => (future(), false),
            None => (trace.scalar(0.0), self.causal),
        };
        let scale = 1.0 / (width as f32).sqrt();
        let found = if is_composed {
            (query.matmul_transposed(key) * scale + mask).checked()?.softmax(3).dropout(self.dropout).matmul(value)
        } else {
            let factor = trace.scalar(1.0).map(|graph, one| ops::broadcast(graph, one, scores)).dropout(self.dropout);
            query.with([query, key, value, &mask, &factor], |graph, inputs| {
                ops::attention(graph, ops::Attention { scale, causal }, inputs)
            })
        };
        found.checked()
    }

    /// The three linear maps of the inputs: one product where all are the same.
    fn project(&self, query: &Var, key: &Var, value: &Var) -> Result<[Var; 3], Error> {
        let (trace, features) = (query.trace(), self.features);
        let weight = trace.parameter("in_proj_weight", [3 * features, features], Initial::XavierUniform { gain: 1.0 })?;
        let bias = trace.parameter("in_proj_bias", [3 * features], Initial::Constant(0.0))?;
        let linear = |input: &Var, weight: &Var, bias: Var| {
            let shape = input.shape();
            let product = input.reshape([shape.rows(), features]).matmul_transposed(weight) + bias;
            let columns = product.shape().columns();
            product.reshape([shape.dims()[0], shape.dims()[1], columns])
        };
        if query.value() == key.value() && key.value() == value.value() {
            return Ok(linear(query, &weight, bias).chunk(2));
        }
        let part = |index: usize, input: &Var| {
            let first = index * features;
            linear(input, &weight.narrow(0, first, features), bias.narrow(0, first, features))
        };
        Ok([part(0, query), part(1, key), part(2, value)])
    }

    /// `[batch, steps, features]` as `[batch, heads, steps, features of a head]`.
    fn split_heads(&self, input: &Var) -> Var {
        let [batch, steps] = [input.shape().dims()[0], input.shape().dims()[1]];
        input.reshape([batch, steps, self.heads, self.features / self.heads]).permute(&[0, 2, 1, 3])
    }
}

impl Layer for MultiheadAttention {
    fn forward(&self, input: &Var) -> Result<Var, Error> {
        self.attend(input, input, input, None)
    }
}
