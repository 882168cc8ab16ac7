//! What can be wrong with a data set.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a data set could not be loaded. Every variant names the file or folder at fault.
#[derive(Debug, Error)]
pub enum DataError {
    /// The folder does not exist, or is a file.
    #[error("no data in {}: there is no such folder", .folder.display())]
    MissingFolder {
        /// The folder asked for.
        folder: PathBuf,
    },

    /// None of the names under which a file may be stored is in the folder.
    #[error("no file in {} is called {}", .folder.display(), .names.join(" or "))]
    MissingFile {
        /// The folder that was searched.
        folder: PathBuf,
        /// The names that were looked for.
        names: Vec<String>,
    },

    /// The operating system could not open or read the file.
    #[error("{} cannot be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },

    /// The file begins as gzip does, but does not unpack: it is damaged, cut off, or followed by something else.
    #[error("{} is damaged: it does not unpack as gzip", .path.display())]
    CorruptGzip {
        /// The file.
        path: PathBuf,
        /// What the decoder stumbled over.
        source: io::Error,
    },

    /// The first four bytes are not those of the kind of IDX file that was expected.
    #[error("{} does not hold bytes of rank {rank} in IDX format: it begins with {got:#010x}, not {wanted:#010x}", .path.display())]
    WrongMagic {
        /// The file.
        path: PathBuf,
        /// The number of dimensions that the file should have: 1 for labels, 3 for images.
        rank: usize,
        /// The number that files of this kind begin with.
        wanted: u32,
        /// The number that this file begins with.
        got: u32,
    },

    /// The dimensions in the header multiply to more bytes than this machine can address or allocate.
    #[error("{} promises {dimensions:?} bytes, more than this machine can hold", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The dimensions in the header, outermost first.
        dimensions: Vec<usize>,
    },

    /// The file ends before its header or the data that the header promises.
    #[error("{} is cut off: {wanted} bytes were expected, header included, and {got} are there", .path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes expected after unpacking, header included.
        wanted: usize,
        /// Bytes found after unpacking, header included.
        got: usize,
    },

    /// The file goes on after the data that its header promises.
    #[error("{} goes on after the {wanted} bytes that its header promises", .path.display())]
    Oversized {
        /// The file.
        path: PathBuf,
        /// Bytes expected after unpacking, header included.
        wanted: usize,
    },

    /// A dimension in the header is zero.
    #[error("{} is empty: its dimensions are {dimensions:?}", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// The dimensions in the header, outermost first.
        dimensions: Vec<usize>,
    },

    /// There are not as many labels as images.
    #[error("{} holds {images} images, but {} holds {labels} labels", .image_path.display(), .label_path.display())]
    CountMismatch {
        /// The file of images.
        image_path: PathBuf,
        /// The file of labels.
        label_path: PathBuf,
        /// The number of images.
        images: usize,
        /// The number of labels.
        labels: usize,
    },

    /// A label is no class.
    #[error("{}: label {index} (counted from 0) is {label}; labels are below {classes}", .path.display())]
    LabelOutOfRange {
        /// The file of labels.
        path: PathBuf,
        /// The label's place in the file, counted from 0.
        index: usize,
        /// The label.
        label: u8,
        /// The number of classes.
        classes: usize,
    },

    /// The training and the test images differ in size.
    #[error(
        "{} holds images of {train:?} pixels (rows, columns), but {} of {test:?}",
        .train_path.display(), .test_path.display()
    )]
    SizeMismatch {
        /// The file of training images.
        train_path: PathBuf,
        /// The file of test images.
        test_path: PathBuf,
        /// Rows and columns of the training images.
        train: (usize, usize),
        /// Rows and columns of the test images.
        test: (usize, usize),
    },

    /// The unpacked files could not be written to the temporary folder.
    #[error("{} cannot be written; unpacking needs about 55 MB in the temporary folder", .path.display())]
    Unpack {
        /// The temporary file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },

    /// The path of the temporary folder is not valid UTF-8, which the parser of MNIST requires.
    #[error("the temporary folder {} has a name that is not UTF-8; choose another one with TMPDIR", .path.display())]
    TemporaryPath {
        /// The temporary folder.
        path: PathBuf,
    },

    /// The file is not CSV in UTF-8, or cannot be opened or read.
    #[error("{} cannot be read as CSV", .path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line.
        source: csv::Error,
    },

    /// The file has no line with values.
    #[error("{} holds no rows", .path.display())]
    NoRows {
        /// The file.
        path: PathBuf,
    },

    /// A line has not as many fields as there are columns, or there are too few columns for features and a label.
    #[error("{}, line {line}: wanted {wanted} columns, got {got}", .path.display())]
    Columns {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// How many there should be.
        wanted: String,
        /// How many there are.
        got: usize,
    },

    /// No column is to be predicted, or all of them are.
    #[error("{}: wanted some columns as targets and others as features, got {targets} of {columns} as targets", .path.display())]
    Targets {
        /// The file.
        path: PathBuf,
        /// How many targets there are.
        targets: usize,
        /// How many columns there are.
        columns: usize,
    },

    /// The heading names no column so that was asked for.
    #[error("{}: wanted a column called {wanted}, got {}{}", .path.display(), .got.join(", "), question(.got))]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The name that was looked for.
        wanted: String,
        /// The fields of the first line.
        got: Vec<String>,
    },

    /// A field is not what its column holds.
    #[error("{}, line {line}, column {column}: wanted {wanted}, got {got:?}", .path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The column, counted from 1.
        column: usize,
        /// What should be there.
        wanted: String,
        /// What is there.
        got: String,
    },

    /// A number that generated data cannot have.
    #[error("{what}: wanted {wanted}, got {got}")]
    Setting {
        /// What was set, such as `samples`.
        what: &'static str,
        /// What it has to be.
        wanted: String,
        /// What it is.
        got: String,
    },
}

impl DataError {
    /// What was set, what it has to be, and what it is.
    pub(crate) fn setting(what: &'static str, wanted: impl ToString, got: impl ToString) -> Self {
        Self::Setting { what, wanted: wanted.to_string(), got: got.to_string() }
    }
}

/// Where names of columns are numbers, they are rather a row.
fn question(names: &[String]) -> &'static str {
    let is_row = names.iter().any(|name| name.parse::<f64>().is_ok());
    if is_row { "; is the line with the columns' names missing?" } else { "" }
}
