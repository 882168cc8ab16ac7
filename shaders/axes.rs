//! What reductions over any axes of a tensor have in common.

use wgrad_core::{DType, Graph, GraphError, Shape, ShapeError, Value};

use crate::reshape;

/// One of the reductions that a reduction over any axes is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// The axis that goes: the last one of a vector or matrix, or the one before the last of a matrix or a tensor of
    /// three axes.
    pub axis: usize,
    /// Whether no other follows.
    pub is_last: bool,
}

/// Neighbouring axes that are all reduced, or all kept, seen as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    extent: usize,
    reduced: bool,
}

/// Reduces `input`, f32 of any shape, over these axes, one run of neighbouring axes after another, the last one first.
/// With `keep` they stay, with extent 1.
///
/// # Errors
/// Where the input is not of f32, or an axis is named twice or is none of the input's.
pub(crate) fn reduce_axes(
    graph: &mut Graph,
    input: Value,
    axes: &[usize],
    keep: bool,
    operation: &str,
    reduce: impl Fn(&mut Graph, Value, Step) -> Result<Value, GraphError>,
) -> Result<Value, GraphError> {
    check(graph, input, axes, operation)?;
    let shape = graph.kind(input).shape.clone();
    let mut runs = runs(&shape, axes);
    let mut value = input;
    while let Some(last) = runs.iter().rposition(|run| run.reduced) {
        let (view, axis) = view(&runs, last);
        runs.remove(last);
        let is_last = !runs.iter().any(|run| run.reduced);
        value = reshape(graph, value, view)?;
        value = reduce(graph, value, Step { axis, is_last })?;
    }
    reshape(graph, value, reduced_shape(&shape, axes, keep))
}

/// All axes of a value, in their order.
pub(crate) fn all_axes(graph: &Graph, value: Value) -> Vec<usize> {
    (0..graph.kind(value).shape.rank()).collect()
}

/// The elements that each element of the result is made of.
pub(crate) fn reduced_elements(shape: &Shape, axes: &[usize]) -> usize {
    axes.iter().filter_map(|&axis| shape.dims().get(axis)).product()
}

fn check(graph: &Graph, input: Value, axes: &[usize], operation: &str) -> Result<(), GraphError> {
    let kind = graph.kind(input);
    let is_repeated = |(position, axis): (usize, &usize)| axes[..position].contains(axis);
    let wanted = if kind.dtype != DType::F32 {
        "a tensor of f32".to_owned()
    } else if axes.iter().any(|&axis| axis >= kind.shape.rank()) || axes.iter().enumerate().any(is_repeated) {
        format!("a tensor with the axes {axes:?}, each of them named once")
    } else {
        return Ok(());
    };
    let source = ShapeError::new(wanted, std::slice::from_ref(kind));
    Err(GraphError::Shape { scope: String::new(), operation: operation.to_owned(), source })
}

/// A shape's axes in runs. Axes of extent 1 are left out: they divide nothing, and there is nothing to reduce.
fn runs(shape: &Shape, axes: &[usize]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (axis, &extent) in shape.dims().iter().enumerate().filter(|(_, extent)| **extent != 1) {
        let reduced = axes.contains(&axis);
        match runs.last_mut() {
            Some(run) if run.reduced == reduced => run.extent *= extent,
            _ => runs.push(Run { extent, reduced }),
        }
    }
    runs
}

/// The shape in which the run at `index` is one axis and all before and all behind it are one each, and its place.
fn view(runs: &[Run], index: usize) -> (Shape, usize) {
    let product = |runs: &[Run]| (!runs.is_empty()).then(|| runs.iter().map(|run| run.extent).product());
    let (outer, inner) = (product(&runs[..index]), product(&runs[index + 1..]));
    let axis = outer.iter().len();
    let extents: Vec<usize> = outer.into_iter().chain([runs[index].extent]).chain(inner).collect();
    (extents.into(), axis)
}

/// A shape whose reduced axes are gone or, with `keep`, have extent 1.
pub(crate) fn reduced_shape(shape: &Shape, axes: &[usize], keep: bool) -> Shape {
    let dims = shape.dims().iter().enumerate();
    let extents: Vec<usize> = if keep {
        dims.map(|(axis, &extent)| if axes.contains(&axis) { 1 } else { extent }).collect()
    } else {
        dims.filter(|(axis, _)| !axes.contains(axis)).map(|(_, &extent)| extent).collect()
    };
    extents.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_axes_are_one_run() {
        let run = |extent, reduced| Run { extent, reduced };
        assert_eq!(runs(&[2, 3, 5, 7].into(), &[1, 2]), [run(2, false), run(15, true), run(7, false)]);
        assert_eq!(runs(&[2, 1, 3].into(), &[0, 2]), [run(6, true)]);
        assert_eq!(runs(&[1, 1].into(), &[0, 1]), []);
    }

    #[test]
    fn a_run_is_seen_between_what_stands_before_and_behind_it() {
        let run = |extent, reduced| Run { extent, reduced };
        assert_eq!(view(&[run(6, true)], 0), ([6].into(), 0));
        assert_eq!(view(&[run(6, true), run(5, false)], 0), ([6, 5].into(), 0));
        assert_eq!(view(&[run(4, false), run(6, true)], 1), ([4, 6].into(), 1));
        assert_eq!(view(&[run(4, true), run(3, false), run(6, true), run(5, false)], 2), ([12, 6, 5].into(), 1));
    }

    #[test]
    fn reduced_axes_go_or_stay() {
        let shape = Shape::from([2, 3, 5]);
        assert_eq!(reduced_shape(&shape, &[0, 2], false), [3].into());
        assert_eq!(reduced_shape(&shape, &[0, 2], true), [1, 3, 1].into());
        assert_eq!(reduced_elements(&shape, &[0, 2]), 10);
        assert_eq!(reduced_elements(&shape, &[]), 1);
    }
}
