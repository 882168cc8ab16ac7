//! Cross-entropy of classes.

use wgrad_core::{DType, HostTensor, Shape};
use wgrad_shaders::{class_hits, cross_entropy};

use crate::error::Error;
use crate::losses::{Loss, Losses, check_shares};
use crate::tensor::Tensor;
use crate::var::Var;

/// The mean of `-log softmax(logits)[label]` over all examples, for logits `[n, classes]` and labels `[n]`, as PyTorch's
/// [`CrossEntropyLoss`](https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html).
///
/// The model ends without a softmax. An example is right where its label has the largest logit. Targets may be probabilities
/// too, f32 `[n, classes]`: the loss is `-sum over classes of t log softmax(logits)` then.
#[derive(Clone, Copy, Debug)]
pub struct CrossEntropyLoss;

impl Loss for CrossEntropyLoss {
    fn check(&self, output: &Shape, targets: &Tensor) -> Result<(), Error> {
        let [classes] = *output.dims() else {
            return Err(Error::mismatch("the model's output", "[batch, classes]", format!("{output} for each example")));
        };
        let kind = targets.kind();
        if kind.dtype == DType::F32 && kind.shape.dims().get(1..) == Some(&[classes]) {
            return check_shares(output, targets);
        }
        if kind.dtype == DType::F32 || kind.shape.rank() != 1 {
            return Err(Error::mismatch("targets", format!("labels, u32[n] or u8[n], or shares f32[n, {classes}]"), kind));
        }
        match first_beyond(targets.host(), classes) {
            Some((index, label)) => Err(Error::Label { index, label, classes }),
            None => Ok(()),
        }
    }

    fn forward(&self, output: &Var, targets: &Var) -> Result<Losses, Error> {
        if targets.kind().dtype == DType::F32 {
            let losses = -(targets * output.log_softmax(1)).sum_axes(&[1], false);
            return Ok(Losses { losses, hits: Some(output.zip(targets, class_hits)) });
        }
        let mut hits = None;
        let losses = output.zip(targets, |graph, logits, labels| {
            let outputs = cross_entropy(graph, logits, labels)?;
            hits = Some(outputs.hits);
            Ok(outputs.losses)
        });
        Ok(Losses { losses, hits: hits.map(|hits| output.trace().var(hits)) })
    }
}

/// The first label that is no class, with its place.
fn first_beyond(labels: &HostTensor, classes: usize) -> Option<(usize, u32)> {
    let is_beyond = |(_, label): &(usize, u32)| *label as usize >= classes;
    match labels {
        HostTensor::U32(_, labels) => labels.iter().copied().enumerate().find(is_beyond),
        HostTensor::U8(_, labels) => labels.iter().map(|&label| label.into()).enumerate().find(is_beyond),
        HostTensor::F32(..) | HostTensor::F16(..) => None,
    }
}
