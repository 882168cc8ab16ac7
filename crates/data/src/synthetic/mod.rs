//! Data that are generated: the same for the same seed on all platforms.

mod classification;
mod plane;
mod random_labels;
mod sequences;

pub use classification::{Classification, classification};
pub use plane::{circles, moons, quadrants, spirals, wound_spirals};
pub use random_labels::random_labels;
pub use sequences::{Sequences, marker_order};

use crate::DataError;

/// Checks that there is one sample at least and that their numbers can be counted by a u32, as the engine does.
fn check_samples(samples: usize, columns: usize) -> Result<(), DataError> {
    let most = u32::MAX as usize / columns.max(1);
    if samples == 0 || samples > most {
        return Err(DataError::setting("samples", format!("1 to {most}"), samples));
    }
    Ok(())
}
