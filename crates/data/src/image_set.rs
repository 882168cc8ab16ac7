//! Sets of labelled grey images in the four files that MNIST made customary.

use std::path::{Path, PathBuf};

use crate::DataError;
use crate::idx::Idx;
use crate::mnist_files;

/// Training and test images with their labels: MNIST, Fashion-MNIST, or any other set in the same four files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSet {
    /// The images to train with.
    pub train: LabelledImages,
    /// The images to test with; as large as those of `train`.
    pub test: LabelledImages,
}

/// Grey images of one size and the class of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledImages {
    /// One byte for each pixel, row major, of shape (count, rows, columns); 0 is background in MNIST.
    pub images: Vec<u8>,
    /// One class for each image, below [`ImageSet::CLASSES`].
    pub labels: Vec<u8>,
    /// The number of images, at least 1.
    pub count: usize,
    /// The height of an image in pixels, at least 1.
    pub rows: usize,
    /// The width of an image in pixels, at least 1.
    pub columns: usize,
}

impl ImageSet {
    /// The number of classes.
    pub const CLASSES: usize = 10;

    /// Loads `train-images`, `train-labels`, `t10k-images` and `t10k-labels` from `folder`.
    ///
    /// Each name goes on with `-idx3-ubyte` (images) or `-idx1-ubyte` (labels), or with a dot for the hyphen, and may
    /// end in `.gz`. The files may be gzipped under any name, and
    /// counts and image sizes are free. A set of MNIST's own dimensions is parsed by the `mnist` crate.
    ///
    /// # Errors
    /// If a file is missing, unreadable, damaged, empty, or of the wrong kind or length; if counts or sizes do not
    /// fit each other; if a label is not below [`ImageSet::CLASSES`]; if there is no room for MNIST's unpacked files.
    ///
    /// # Example
    /// ```no_run
    /// let digits = wgrad_data::ImageSet::load("data/mnist".as_ref())?;
    /// assert_eq!((digits.train.count, digits.train.rows, digits.train.columns), (60_000, 28, 28));
    /// # Ok::<(), wgrad_data::DataError>(())
    /// ```
    pub fn load(folder: &Path) -> Result<ImageSet, DataError> {
        if !folder.is_dir() {
            return Err(DataError::MissingFolder { folder: folder.to_path_buf() });
        }
        let (train_path, train) = read_pair(folder, "train")?;
        let (test_path, test) = read_pair(folder, "t10k")?;
        let (train_size, test_size) = ((train.rows, train.columns), (test.rows, test.columns));
        if train_size != test_size {
            return Err(DataError::SizeMismatch { train_path, test_path, train: train_size, test: test_size });
        }
        let set = ImageSet { train, test };
        if mnist_files::has_dimensions_of_mnist(&set) { mnist_files::parse(set) } else { Ok(set) }
    }
}

/// Reads and checks images and labels; returns the path of the images too.
fn read_pair(folder: &Path, part: &str) -> Result<(PathBuf, LabelledImages), DataError> {
    let image_path = find(folder, &format!("{part}-images"), 3)?;
    let label_path = find(folder, &format!("{part}-labels"), 1)?;
    let Idx { dimensions: [count, rows, columns], bytes: images } = Idx::read(&image_path)?;
    let Idx { dimensions: [_], bytes: labels } = Idx::read(&label_path)?;
    check_labels(&label_path, &labels)?;
    if count != labels.len() {
        return Err(DataError::CountMismatch { image_path, label_path, images: count, labels: labels.len() });
    }
    Ok((image_path, LabelledImages { images, labels, count, rows, columns }))
}

/// Only files count: unpacking tools may leave a folder called `train-images-idx3-ubyte` with the file inside.
fn find(folder: &Path, stem: &str, rank: usize) -> Result<PathBuf, DataError> {
    let names = ["-", "."].map(|joint| format!("{stem}{joint}idx{rank}-ubyte"));
    let names: Vec<String> = names.into_iter().flat_map(|name| [format!("{name}.gz"), name]).collect();
    let found = names.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| DataError::MissingFile { folder: folder.to_path_buf(), names })
}

fn check_labels(path: &Path, labels: &[u8]) -> Result<(), DataError> {
    let wrong = labels.iter().enumerate().find(|&(_, &label)| usize::from(label) >= ImageSet::CLASSES);
    match wrong {
        Some((index, &label)) => {
            Err(DataError::LabelOutOfRange { path: path.to_path_buf(), index, label, classes: ImageSet::CLASSES })
        }
        None => Ok(()),
    }
}
