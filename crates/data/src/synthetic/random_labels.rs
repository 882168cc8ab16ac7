//! Data without anything to learn, which a network can only remember.

use crate::DataError;
use crate::random::Random;
use crate::synthetic::check_samples;
use crate::table::{MOST_CLASSES, Table, numbered};

/// Features evenly from 0 to below 1, and classes that do not depend on them.
///
/// # Errors
/// Where there are no samples, features or classes, or too many of them.
pub fn random_labels(samples: usize, features: usize, classes: usize, seed: u32) -> Result<Table, DataError> {
    check_samples(samples, features)?;
    if features == 0 {
        return Err(DataError::setting("features", "1 at least", features));
    }
    if !(1..=MOST_CLASSES).contains(&classes) {
        return Err(DataError::setting("classes", format!("1 to {MOST_CLASSES}"), classes));
    }
    let mut random = Random::new(seed, 0);
    let values = (0..samples * features).map(|_| random.unit() as f32).collect();
    let labels = (0..samples).map(|_| random.below(classes) as u32).collect();
    Ok(Table::new(numbered("feature", features), numbered("class", classes), values, labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fill_their_ranges() {
        let table = random_labels(3200, 64, 10, 1).unwrap();
        assert_eq!((table.rows(), table.columns(), table.class_names().len()), (3200, 64, 10));
        let mean = table.features().iter().sum::<f32>() / table.features().len() as f32;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        for class in 0..10 {
            let count = table.labels().iter().filter(|&&label| label == class).count();
            assert!((230..410).contains(&count), "class {class}: {count}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        assert!(random_labels(0, 1, 1, 0).unwrap_err().to_string().starts_with("samples"));
        assert!(random_labels(1, 0, 1, 0).unwrap_err().to_string().starts_with("features"));
        assert!(random_labels(1, 1, 0, 0).unwrap_err().to_string().starts_with("classes"));
        let many = random_labels(1, 1, 65_537, 0).unwrap_err().to_string();
        assert_eq!(many, "classes: wanted 1 to 65536, got 65537");
        assert!(random_labels(usize::MAX, usize::MAX, 1, 0).is_err());
    }
}
