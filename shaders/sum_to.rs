//! The sum that undoes a broadcast: what gradients of broadcast inputs are made of.

use wgrad_core::{Graph, GraphError, Shape, ShapeError, Value};

use crate::{reshape, sum, sum_columns, sum_rows};

/// Sums `value`, an f32 tensor, over the axes along which a tensor of `shape` was repeated to get `value`'s shape.
///
/// The repeated axes must be the first ones, the last ones or both: `[64, 10]` sums to `[10]`, `[1, 10]`, `[64, 1]`
/// and `[]`, but `[8, 64, 10]` does not sum to `[8, 1, 10]`.
///
/// # Errors
/// Where `shape` does not broadcast to `value`'s shape, or an axis between kept ones was repeated.
pub fn sum_to(graph: &mut Graph, value: Value, shape: &Shape) -> Result<Value, GraphError> {
    let from = graph.kind(value).shape.clone();
    if from == *shape {
        return Ok(value);
    }
    let Some([first, kept, last]) = regions(&from, shape) else {
        return Err(unsupported(&from, shape));
    };
    if kept.is_empty() {
        let total = sum(graph, value)?;
        return reshape(graph, total, shape.clone());
    }
    let [first, kept, last] = [first, kept, last].map(|extents| extents.iter().product::<usize>());
    let mut total = value;
    if first != 1 {
        let rows = reshape(graph, total, [first, kept * last])?;
        total = sum_rows(graph, rows)?;
    }
    if last != 1 {
        let columns = reshape(graph, total, [kept, last])?;
        total = sum_columns(graph, columns)?;
    }
    reshape(graph, total, shape.clone())
}

/// The extents of `from`, split into the first axes that `to` repeats, those that it has, and the last that it
/// repeats; none where `to` does not broadcast to `from` in this way.
fn regions<'a>(from: &'a Shape, to: &Shape) -> Option<[&'a [usize]; 3]> {
    let missing = from.rank().checked_sub(to.rank())?;
    let single = |&&extent: &&usize| extent == 1;
    let first = to.dims().iter().take_while(single).count();
    let last = to.dims()[first..].iter().rev().take_while(single).count();
    let (first_extents, rest) = from.dims().split_at(missing + first);
    let (kept, last_extents) = rest.split_at(rest.len() - last);
    (kept == &to.dims()[first..to.rank() - last]).then_some([first_extents, kept, last_extents])
}

fn unsupported(from: &Shape, to: &Shape) -> GraphError {
    GraphError::Shape {
        scope: String::new(),
        operation: "sum_to".to_owned(),
        source: ShapeError {
            wanted: format!("a shape that sums of the first and last axes make of {from}"),
            got: to.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use wgrad_core::TensorType;

    use super::*;

    /// The shape and the names of the operations that the sum is made of.
    fn summed(from: impl Into<Shape>, to: impl Into<Shape>) -> Result<(Shape, Vec<String>), GraphError> {
        let mut graph = Graph::new();
        let value = graph.input("x", TensorType::f32(from));
        let total = sum_to(&mut graph, value, &to.into())?;
        let names = graph.nodes()[1..].iter().map(|node| node.name().to_owned()).collect();
        Ok((graph.kind(total).shape.clone(), names))
    }

    #[test]
    fn sums_over_repeated_axes_only() {
        for (from, to, operations) in [
            (vec![64, 10], vec![64, 10], vec![]),
            (vec![64, 10], vec![10], vec!["sum_rows"]),
            (vec![64, 10], vec![1, 10], vec!["sum_rows", "reshape"]),
            (vec![64, 10], vec![64, 1], vec!["sum_columns", "reshape"]),
            (vec![64, 10], vec![], vec!["sum"]),
            (vec![64, 10], vec![1, 1], vec!["sum", "reshape"]),
            (vec![2, 3, 4], vec![4], vec!["reshape", "sum_rows"]),
            (vec![2, 3, 4], vec![3, 1], vec!["reshape", "sum_rows", "reshape", "sum_columns", "reshape"]),
            (vec![1, 3], vec![3], vec!["reshape"]),
        ] {
            let (shape, names) = summed(from, to.clone()).unwrap();
            assert_eq!((shape, names), (Shape::from(to), operations.into_iter().map(str::to_owned).collect()));
        }
    }

    #[test]
    fn refuses_axes_between_kept_ones() {
        let error = summed([8, 64, 10], [8, 1, 10]).unwrap_err().to_string();
        assert!(error.contains("[8, 64, 10]") && error.contains("[8, 1, 10]"), "{error}");
        assert!(summed([10], [64, 10]).is_err());
        assert!(summed([64, 10], [64]).is_err());
    }
}
