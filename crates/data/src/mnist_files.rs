//! Sets of MNIST's own dimensions, which the `mnist` crate parses.
//!
//! That crate takes unpacked files under fixed names and panics where anything is not as it expects. So it is only
//! given files that were read, checked and written anew here.

use std::path::Path;

use mnist::{Mnist, MnistBuilder};
use tempfile::TempDir;

use crate::idx::Idx;
use crate::{DataError, ImageSet, LabelledImages};

const TRAIN_COUNT: usize = 60_000;
const TEST_COUNT: usize = 10_000;
const SIDE: usize = 28;

/// Whether the `mnist` crate would accept the set.
pub(crate) fn has_dimensions_of_mnist(set: &ImageSet) -> bool {
    let has = |part: &LabelledImages, count| (part.count, part.rows, part.columns) == (count, SIDE, SIDE);
    has(&set.train, TRAIN_COUNT) && has(&set.test, TEST_COUNT)
}

/// Has the `mnist` crate parse a set for which [`has_dimensions_of_mnist`] holds.
pub(crate) fn parse(set: ImageSet) -> Result<ImageSet, DataError> {
    parse_through(set, &std::env::temp_dir())
}

fn parse_through(set: ImageSet, temporary: &Path) -> Result<ImageSet, DataError> {
    let folder = TempDir::new_in(temporary).map_err(|source| DataError::Unpack { path: temporary.to_path_buf(), source })?;
    let base_path = folder.path().to_str().ok_or_else(|| DataError::TemporaryPath { path: folder.path().to_path_buf() })?;
    write_part(folder.path(), "train", set.train)?;
    write_part(folder.path(), "t10k", set.test)?;
    let Mnist { trn_img, trn_lbl, tst_img, tst_lbl, .. } = MnistBuilder::new()
        .base_path(base_path)
        .label_format_digit()
        .training_set_length(TRAIN_COUNT as u32)
        .validation_set_length(0)
        .test_set_length(TEST_COUNT as u32)
        .finalize();
    Ok(ImageSet { train: labelled(trn_img, trn_lbl), test: labelled(tst_img, tst_lbl) })
}

/// Takes the part by value, so that its memory is free when the `mnist` crate fills its own.
fn write_part(folder: &Path, part: &str, content: LabelledImages) -> Result<(), DataError> {
    let LabelledImages { images, labels, count, rows, columns } = content;
    let images = Idx { dimensions: [count, rows, columns], bytes: images };
    let labels = Idx { dimensions: [count], bytes: labels };
    write(&images, &folder.join(format!("{part}-images-idx3-ubyte")))?;
    write(&labels, &folder.join(format!("{part}-labels-idx1-ubyte")))
}

fn write<const RANK: usize>(idx: &Idx<RANK>, path: &Path) -> Result<(), DataError> {
    idx.write(path).map_err(|source| DataError::Unpack { path: path.to_path_buf(), source })
}

fn labelled(images: Vec<u8>, labels: Vec<u8>) -> LabelledImages {
    LabelledImages { images, count: labels.len(), labels, rows: SIDE, columns: SIDE }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every image and label differs from its neighbours, so that a shift would show.
    fn set() -> ImageSet {
        let part = |count: usize| {
            let pixel = |i: usize| (i / (SIDE * SIDE) % 241 + i % 13) as u8;
            let images = (0..count * SIDE * SIDE).map(pixel).collect();
            labelled(images, (0..count).map(|i| (i % 10) as u8).collect())
        };
        ImageSet { train: part(TRAIN_COUNT), test: part(TEST_COUNT) }
    }

    #[test]
    fn the_mnist_crate_returns_what_was_checked() {
        let set = set();
        assert!(has_dimensions_of_mnist(&set));
        assert_eq!(parse(set.clone()).unwrap(), set);
    }

    #[test]
    fn a_missing_temporary_folder_is_an_error() {
        let error = parse_through(set(), Path::new("/no/such/folder")).unwrap_err();
        assert!(matches!(&error, DataError::Unpack { path, .. } if path.ends_with("folder")), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_temporary_folder_that_is_not_utf8_is_an_error() {
        use std::os::unix::ffi::OsStrExt;

        let root = tempfile::tempdir().unwrap();
        let odd = root.path().join(std::ffi::OsStr::from_bytes(b"odd\xff"));
        std::fs::create_dir(&odd).unwrap();
        let error = parse_through(set(), &odd).unwrap_err();
        assert!(matches!(error, DataError::TemporaryPath { .. }), "{error}");
    }
}
