//! Loading folders of IDX files: good ones in every form, and one folder for each thing that can be wrong.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;
use wgrad_data::{DataError, ImageSet};

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

fn idx(magic: u32, dimensions: &[u32], bytes: &[u8]) -> Vec<u8> {
    let numbers = std::iter::once(&magic).chain(dimensions);
    numbers.flat_map(|number| number.to_be_bytes()).chain(bytes.iter().copied()).collect()
}

fn images(count: u32, rows: u32, columns: u32) -> Vec<u8> {
    let pixels: Vec<u8> = (0..count * rows * columns).map(|pixel| (pixel % 256) as u8).collect();
    idx(0x803, &[count, rows, columns], &pixels)
}

fn labels(labels: &[u8]) -> Vec<u8> {
    idx(0x801, &[labels.len() as u32], labels)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A folder with three training and two test images of 5 x 7 pixels.
fn tiny_set() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        (TRAIN_IMAGES, images(3, 5, 7)),
        (TRAIN_LABELS, labels(&[4, 0, 9])),
        (TEST_IMAGES, images(2, 5, 7)),
        (TEST_LABELS, labels(&[1, 2])),
    ];
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// The error of the tiny set with one file replaced.
fn error_with(name: &str, bytes: &[u8]) -> DataError {
    let folder = tiny_set();
    fs::write(folder.path().join(name), bytes).unwrap();
    let error = ImageSet::load(folder.path()).unwrap_err();
    assert!(error.to_string().contains(name), "{error} does not name {name}");
    error
}

macro_rules! assert_error {
    ($error:expr, $pattern:pat) => {
        let error = $error;
        assert!(matches!(error, $pattern), "{error:?} is not {}", stringify!($pattern));
    };
}

fn assert_is_tiny_set(set: &ImageSet) {
    assert_eq!((set.train.count, set.train.rows, set.train.columns), (3, 5, 7));
    assert_eq!(set.train.images, (0..105).collect::<Vec<u8>>());
    assert_eq!(set.train.labels, [4, 0, 9]);
    assert_eq!((set.test.count, set.test.rows, set.test.columns), (2, 5, 7));
    assert_eq!(set.test.images, (0..70).collect::<Vec<u8>>());
    assert_eq!(set.test.labels, [1, 2]);
}

#[test]
fn a_tiny_set_is_loaded() {
    assert_is_tiny_set(&ImageSet::load(tiny_set().path()).unwrap());
}

#[test]
fn gzip_is_told_by_its_bytes_under_either_name() {
    for ending in ["", ".gz"] {
        let folder = tiny_set();
        for name in [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS] {
            let packed = gzip(&fs::read(folder.path().join(name)).unwrap());
            fs::remove_file(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(format!("{name}{ending}")), packed).unwrap();
        }
        assert_is_tiny_set(&ImageSet::load(folder.path()).unwrap());
    }
}

/// Some archives unpack into folders with the customary names, beside files with a dot for the hyphen.
#[test]
fn a_dot_may_stand_before_idx_and_folders_are_passed_over() {
    let folder = tiny_set();
    for name in [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS] {
        let customary = folder.path().join(name);
        fs::rename(&customary, folder.path().join(name.replace("-idx", ".idx"))).unwrap();
        fs::create_dir(customary).unwrap();
    }
    assert_is_tiny_set(&ImageSet::load(folder.path()).unwrap());
}

/// The counts of each class are those that LeCun's files are known for.
#[test]
fn mnist_is_loaded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist");
    let set = ImageSet::load(&folder).unwrap();
    for (part, count) in [(&set.train, 60_000), (&set.test, 10_000)] {
        assert_eq!((part.count, part.rows, part.columns), (count, 28, 28));
        assert_eq!((part.images.len(), part.labels.len()), (count * 784, count));
    }
    let of_class = |class| set.train.labels.iter().filter(|&&label| label == class).count();
    let counts: Vec<usize> = (0..10).map(of_class).collect();
    assert_eq!(counts, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    let sum: u64 = set.train.images.iter().map(|&pixel| u64::from(pixel)).sum();
    let mean = sum as f64 / set.train.images.len() as f64 / 255.0;
    assert!((mean - 0.1307).abs() < 5e-5, "{mean}");
    assert_eq!(set.test.labels[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tiny_set();
    let file = folder.path().join(TRAIN_IMAGES);
    assert_error!(ImageSet::load(&file).unwrap_err(), DataError::MissingFolder { .. });
    let error = ImageSet::load(Path::new("/no/such/folder")).unwrap_err();
    assert!(error.to_string().contains("/no/such/folder"), "{error}");
}

#[test]
fn a_missing_file_is_reported_with_all_its_names() {
    let folder = tiny_set();
    fs::remove_file(folder.path().join(TEST_LABELS)).unwrap();
    let error = ImageSet::load(folder.path()).unwrap_err().to_string();
    let names = [TEST_LABELS, "t10k-labels-idx1-ubyte.gz", "t10k-labels.idx1-ubyte", "t10k-labels.idx1-ubyte.gz"];
    for name in names.into_iter().chain(folder.path().to_str()) {
        assert!(error.contains(name), "{error} does not contain {name}");
    }
}

#[test]
fn another_magic_number_is_an_error() {
    assert_error!(
        error_with(TRAIN_IMAGES, &labels(&[1, 2, 3])),
        DataError::WrongMagic { rank: 3, wanted: 0x803, got: 0x801, .. }
    );
    assert_error!(error_with(TEST_LABELS, &images(2, 5, 7)), DataError::WrongMagic { rank: 1, wanted: 0x801, got: 0x803, .. });
}

#[test]
fn a_truncated_file_is_an_error() {
    let whole = images(3, 5, 7);
    for length in [0, 1, 3, 4, 15, 16, 120] {
        let (path, cut) = (TRAIN_IMAGES, &whole[..length]);
        let expected = if length < 16 { 16 } else { 121 };
        for bytes in [cut.to_vec(), gzip(cut)] {
            let error = error_with(path, &bytes);
            let is_right = matches!(error, DataError::Truncated { wanted, got, .. } if (wanted, got) == (expected, length));
            assert!(is_right, "{length} bytes: {error:?}");
        }
    }
}

/// Four billion labels are promised; the little that is there decides how much memory is taken.
#[test]
fn a_header_that_promises_far_too_much_is_an_error() {
    let labels = idx(0x801, &[u32::MAX], &[1, 2, 3]);
    assert_error!(error_with(TRAIN_LABELS, &labels), DataError::Truncated { got: 11, .. });
    let images = idx(0x803, &[u32::MAX; 3], &[1, 2, 3]);
    assert_error!(error_with(TRAIN_IMAGES, &images), DataError::TooLarge { .. });
}

#[test]
fn an_oversized_file_is_an_error() {
    let mut one_more = labels(&[4, 0, 9]);
    one_more.push(1);
    assert_error!(error_with(TRAIN_LABELS, &one_more), DataError::Oversized { wanted: 11, .. });
    let bomb = gzip(&[&images(3, 5, 7)[..], &vec![0; 50_000_000]].concat());
    assert_error!(error_with(TRAIN_IMAGES, &bomb), DataError::Oversized { wanted: 121, .. });
}

#[test]
fn damaged_gzip_is_an_error() {
    let packed = gzip(&images(3, 5, 7));
    let cut = &packed[..packed.len() - 12];
    assert_error!(error_with(TRAIN_IMAGES, cut), DataError::CorruptGzip { .. });
    let mut wrong_checksum = packed.clone();
    wrong_checksum[packed.len() - 8] ^= 1;
    assert_error!(error_with(TRAIN_IMAGES, &wrong_checksum), DataError::CorruptGzip { .. });
    assert_error!(error_with(TRAIN_IMAGES, &[0x1f, 0x8b, 9, 9, 9]), DataError::CorruptGzip { .. });
    let followed = [&packed[..], b"more"].concat();
    assert_error!(error_with(TRAIN_IMAGES, &followed), DataError::CorruptGzip { .. });
}

#[test]
fn empty_data_are_an_error() {
    assert_error!(error_with(TRAIN_IMAGES, &images(0, 5, 7)), DataError::Empty { .. });
    assert_error!(error_with(TRAIN_IMAGES, &images(3, 0, 7)), DataError::Empty { .. });
    assert_error!(error_with(TRAIN_IMAGES, &images(3, 5, 0)), DataError::Empty { .. });
    assert_error!(error_with(TEST_LABELS, &labels(&[])), DataError::Empty { .. });
}

#[test]
fn a_label_above_nine_is_an_error() {
    assert_error!(
        error_with(TRAIN_LABELS, &labels(&[4, 10, 9])),
        DataError::LabelOutOfRange { index: 1, label: 10, classes: 10, .. }
    );
}

#[test]
fn different_counts_are_an_error_that_names_both_files() {
    let error = error_with(TEST_LABELS, &labels(&[1, 2, 3]));
    assert!(error.to_string().contains(TEST_IMAGES), "{error}");
    assert_error!(error, DataError::CountMismatch { images: 2, labels: 3, .. });
}

#[test]
fn different_image_sizes_are_an_error_that_names_both_files() {
    let error = error_with(TEST_IMAGES, &images(2, 7, 5));
    assert!(error.to_string().contains(TRAIN_IMAGES), "{error}");
    assert_error!(error, DataError::SizeMismatch { train: (5, 7), test: (7, 5), .. });
}
