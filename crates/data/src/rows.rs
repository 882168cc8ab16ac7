//! Lists of rows, for splits that somebody else has drawn.

use std::fs;
use std::path::Path;

use crate::DataError;

/// Reads a list of rows, counted from 0: one number a line.
///
/// # Errors
/// Where the file cannot be read, has no lines, or one is not a whole number from 0.
///
/// # Example
/// ```
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/iris_test_rows.txt");
/// let test = wgrad_data::read_rows(path)?;
/// assert_eq!((test.len(), test[0]), (30, 73));
/// # Ok::<(), wgrad_data::DataError>(())
/// ```
pub fn read_rows(path: impl AsRef<Path>) -> Result<Vec<usize>, DataError> {
    let path = path.as_ref();
    let text = fs::read_to_string(path).map_err(|source| DataError::Read { path: path.to_path_buf(), source })?;
    let parse = |(number, line): (u64, &str)| {
        line.trim().parse().map_err(|_| DataError::Field {
            path: path.to_path_buf(),
            line: number,
            column: 1,
            wanted: "a row, a whole number from 0".to_owned(),
            got: line.to_owned(),
        })
    };
    match (1..).zip(text.lines()).map(parse).collect::<Result<Vec<usize>, DataError>>()? {
        rows if rows.is_empty() => Err(DataError::NoRows { path: path.to_path_buf() }),
        rows => Ok(rows),
    }
}
