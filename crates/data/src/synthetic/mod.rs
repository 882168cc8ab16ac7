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

/// The largest number that positions are made of: what is drawn times this is still a float of 32 bits.
const LARGEST: f64 = 1e30;

/// Checks that a number is between one end and [`LARGEST`].
fn check_number(what: &'static str, least: f64, number: f64) -> Result<(), DataError> {
    if !(least..=LARGEST).contains(&number) {
        let least = if least == 0.0 { "0".to_owned() } else { format!("{least:e}") };
        return Err(DataError::setting(what, format!("a number from {least} to {LARGEST:e}"), number));
    }
    Ok(())
}
