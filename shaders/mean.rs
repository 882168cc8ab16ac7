//! Means of f32 tensors over any axes, made of a sum and a product: [`torch.mean`].
//!
//! [`torch.mean`]: https://docs.pytorch.org/docs/stable/generated/torch.mean.html

use wgrad_core::{Graph, GraphError, ShapeError, Value};

use crate::axes::{all_axes, reduced_elements};
use crate::{mul, sum_axes};

/// The mean of all elements of `input`, an f32 tensor of any shape, as a scalar.
///
/// # Errors
/// Where the input is not of f32 or empty.
pub fn mean(graph: &mut Graph, input: Value) -> Result<Value, GraphError> {
    let axes = all_axes(graph, input);
    mean_axes(graph, input, &axes, false)
}

/// The means of `input`, an f32 tensor of any shape, over these axes, in any order. With `keep` they stay, with
/// extent 1. Without axes nothing is averaged.
///
/// # Errors
/// Where the input is not of f32, an axis is named twice or is none of the input's, or there is nothing to average.
pub fn mean_axes(graph: &mut Graph, input: Value, axes: &[usize], keep: bool) -> Result<Value, GraphError> {
    let sum = sum_axes(graph, input, axes, keep)?;
    let kind = graph.kind(input);
    let terms = reduced_elements(&kind.shape, axes);
    if terms == 0 {
        let source = ShapeError::new(format!("elements along the axes {axes:?}"), std::slice::from_ref(kind));
        return Err(GraphError::Shape { scope: String::new(), operation: "mean".to_owned(), source });
    }
    let share = graph.scalar((1.0 / terms as f64) as f32);
    mul(graph, sum, share)
}

#[cfg(test)]
mod tests {
    use wgrad_core::{HostTensor, TensorType};

    use super::*;

    #[test]
    fn divides_by_the_terms_of_each_sum() {
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32([4, 3, 5]));
        let means = mean_axes(&mut graph, input, &[0, 2], true).unwrap();
        assert_eq!(graph.kind(means), &TensorType::f32([1, 3, 1]));
        let share = graph.constant(HostTensor::scalar(0.05)).unwrap();
        let kinds = [graph.node(means.node).inputs[1], share].map(|value| format!("{:?}", graph.node(value.node).kind));
        assert_eq!(kinds[0], kinds[1]);
    }

    #[test]
    fn refuses_to_average_nothing() {
        let mut graph = Graph::new();
        let input = graph.input("x", TensorType::f32([0, 3]));
        let error = mean(&mut graph, input).unwrap_err().to_string();
        assert_eq!(error, "mean: wanted elements along the axes [0, 1], got f32[0, 3]");
        assert!(mean_axes(&mut graph, input, &[1], false).is_ok());
    }
}
