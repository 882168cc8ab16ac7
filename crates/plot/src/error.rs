//! What can keep a picture from being drawn or written.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why there is no picture.
#[derive(Debug, Error)]
pub enum PlotError {
    /// There is nothing to draw: no panels, a panel without a single point, or no digits.
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

    /// A digit does not have as many pixels as its rows and columns say, or has none.
    #[error("digit {index} (counted from 0) has {pixels} pixels, not {rows} x {columns}, or none at all")]
    DigitSize {
        /// The digit's place, counted from 0.
        index: usize,
        /// The number of pixels that it has.
        pixels: usize,
        /// The number of rows that it should have.
        rows: usize,
        /// The number of columns that it should have.
        columns: usize,
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
