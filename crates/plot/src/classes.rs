//! Classes as places in a list of their names.

use crate::PlotError;

/// Fails where there are not as many places as wanted, or one is beyond the last of the classes. `what` says what the
/// places stand for, such as `labels`.
pub(crate) fn check(what: &str, places: &[usize], wanted: usize, classes: usize) -> Result<(), PlotError> {
    if places.len() != wanted {
        return Err(PlotError::mismatch(format!("number of {what}"), wanted, places.len()));
    }
    match places.iter().position(|&place| place >= classes) {
        Some(index) => {
            let what = format!("{what}, place {index} (counted from 0)");
            Err(PlotError::mismatch(what, format!("a class below {classes}"), places[index]))
        }
        None => Ok(()),
    }
}
