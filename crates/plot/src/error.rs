//! What can keep a picture from being drawn or written.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why there is no picture.
#[derive(Debug, Error)]
pub enum PlotError {
    /// There is nothing to draw: no panels, a panel without a single point, or no images.
    #[error("the picture would be empty: {what}")]
    Empty {
        /// What is missing.
        what: String,
    },

    /// There is more to draw than fits a picture that one can look at.
    #[error("a picture holds at most {limit} {what}, not {count}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there may be.
        limit: usize,
        /// How many there are.
        count: usize,
    },

    /// An image does not have as many pixels as its rows and columns say, or has none.
    #[error("{what} has {pixels} pixels, not {rows} x {columns}, or none at all")]
    ImageSize {
        /// The image.
        what: String,
        /// The number of pixels that it has.
        pixels: usize,
        /// The number of rows that it should have.
        rows: usize,
        /// The number of columns that it should have.
        columns: usize,
    },

    /// Things that do not go together.
    #[error("{what}: wanted {wanted}, got {got}")]
    Mismatch {
        /// What does not fit.
        what: String,
        /// What it should be.
        wanted: String,
        /// What it is.
        got: String,
    },

    /// There is something at the path that a picture must not replace, such as a folder or a device.
    #[error("cannot write a picture to {}: it exists and is not a file", .path.display())]
    NotAFile {
        /// Where the picture should have been written.
        path: PathBuf,
    },

    /// The operating system refused to write the picture.
    #[error("cannot write the picture {}", .path.display())]
    Write {
        /// Where the picture should have been written.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },

    /// Drawing or encoding failed; a full disk shows up here.
    #[error("cannot draw the picture {}", .path.display())]
    Draw {
        /// Where the picture should have been written.
        path: PathBuf,
        /// The reason.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl PlotError {
    /// What does not fit, what it should be, and what it is.
    pub(crate) fn mismatch(what: impl Into<String>, wanted: impl ToString, got: impl ToString) -> Self {
        Self::Mismatch { what: what.into(), wanted: wanted.to_string(), got: got.to_string() }
    }
}
