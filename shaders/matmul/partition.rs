//! Products that sum over so many rows, and have so few elements, that the sum must be divided to keep a device busy.
//!
//! Such a product becomes several, each over some of the rows, and their sum: always in the same order, and without
//! atomic additions.

use wgrad_core::{Graph, GraphError, Shape, Value};

use crate::{reshape, sum_axes};

/// Into how many parts of one size the `k` rows are divided that a product with `m` times `n` elements sums over.
///
/// As many as it takes to have a tile for each of the workgroups that a large GPU runs at a time, but none so short
/// that adding the parts up costs more than they do. A product with enough tiles, or few rows, stays whole.
pub(crate) fn parts(m: usize, n: usize, k: usize) -> usize {
    const TILE: usize = 32;
    const ENOUGH: usize = 256;
    const SHORTEST: usize = 256;
    let tiles = m.div_ceil(TILE) * n.div_ceil(TILE);
    let most = ENOUGH.div_ceil(tiles.max(1)).min(k / (2 * SHORTEST) * 2);
    let divides = |step: usize| (2..=most).rev().find(|parts| k.is_multiple_of(parts * step));
    divides(4).or_else(|| divides(1)).unwrap_or(1)
}

/// As [`matmul()`](crate::matmul()), in parts where that is faster: for two matrices that are both summed over their
/// rows, which are then those of several matrices without a copy.
pub(super) fn matmul(
    graph: &mut Graph,
    lhs: Value,
    rhs: Value,
    transpose_lhs: bool,
    transpose_rhs: bool,
) -> Result<Value, GraphError> {
    let shapes = [lhs, rhs].map(|operand| graph.kind(operand).shape.clone());
    let ([&[k, m], &[_, n]], true, false) = (shapes.each_ref().map(Shape::dims), transpose_lhs, transpose_rhs) else {
        return super::matmul(graph, lhs, rhs, transpose_lhs, transpose_rhs);
    };
    let parts = parts(m, n, k);
    if parts == 1 {
        return super::matmul(graph, lhs, rhs, transpose_lhs, transpose_rhs);
    }
    let lhs = reshape(graph, lhs, [parts, k / parts, m])?;
    let rhs = reshape(graph, rhs, [parts, k / parts, n])?;
    let products = super::matmul(graph, lhs, rhs, true, false)?;
    sum_of_parts(graph, products, [m, n])
}

/// Sums `[parts, ...]` over its first axis, and shows the sum in `shape`.
pub(crate) fn sum_of_parts(graph: &mut Graph, products: Value, shape: impl Into<Shape>) -> Result<Value, GraphError> {
    let shape = shape.into();
    let elements = shape.elements();
    let parts = graph.kind(products).shape.elements() / elements.max(1);
    let rows = reshape(graph, products, [parts, elements])?;
    let sum = sum_axes(graph, rows, &[0], false)?;
    reshape(graph, sum, shape)
}

#[cfg(test)]
mod tests {
    use wgrad_core::TensorType;

    use super::*;

    #[test]
    fn only_few_tiles_with_many_rows_are_divided() {
        for ((m, n, k), wanted) in [
            ((32, 9, 50_176), 196),
            ((64, 288, 12_544), 14),
            ((128, 576, 3136), 4),
            ((256, 784, 64), 1),
            ((10, 128, 511), 1),
            ((2048, 512, 65_536), 1),
            ((4, 4, 50_177), 1),
        ] {
            assert_eq!(parts(m, n, k), wanted, "{m} x {n} over {k}");
        }
    }

    #[test]
    fn parts_have_one_size_and_are_added_up() {
        let mut graph = Graph::new();
        let [lhs, rhs] = [[2048, 5], [2048, 3]].map(|shape| graph.input("x", TensorType::f32(shape)));
        let product = matmul(&mut graph, lhs, rhs, true, false).unwrap();
        assert_eq!(graph.kind(product), &TensorType::f32([5, 3]));
        let products = graph.nodes().iter().find(|node| node.name() == "matmul").unwrap();
        assert_eq!(products.outputs, [TensorType::f32([8, 5, 3])]);
        let whole = matmul(&mut graph, product, product, false, true).unwrap();
        assert_eq!(graph.node(whole.node).inputs, [product, product]);
    }
}
