//! The operations that tests walk through.

use std::sync::Arc;

use wgrad::core::Op;
use wgrad::ops;

/// Every operation with typical attributes. For quick trials, the variable `WGRAD_OPERATIONS` narrows them down to those
/// whose names it lists, separated by commas; none is left out without it.
pub fn operations() -> Vec<Arc<dyn Op>> {
    let all = ops::examples();
    let Ok(chosen) = std::env::var("WGRAD_OPERATIONS") else { return all };
    let names: Vec<&str> = chosen.split(',').collect();
    let chosen: Vec<_> = all.into_iter().filter(|op| names.contains(&op.name())).collect();
    assert!(!chosen.is_empty(), "WGRAD_OPERATIONS={names:?} names no operation");
    chosen
}
