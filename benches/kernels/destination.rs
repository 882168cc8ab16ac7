//! Whether files can be written, before minutes are spent on what goes into them.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Whether a text can be written to this path. What is there stays as it is, and nothing else is left there.
///
/// # Errors
/// Where it cannot, also for want of the folder that it is to be in.
pub fn check_text(path: &Path) -> Result<()> {
    let checked = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        // A pipe's reader would take this for the end, and a link may lead to what is not there yet.
        Err(_) if !path.is_file() && !path.is_dir() => Ok(()),
        Err(_) => OpenOptions::new().write(true).open(path).map(drop),
    };
    checked.with_context(|| format!("cannot write {}", path.display()))
}

/// Whether a picture can: it is made beside the path and then moved there, and missing folders are made for it, which are not
/// made here.
///
/// # Errors
/// Where it cannot.
pub fn check_picture(path: &Path) -> Result<()> {
    ensure!(path.is_file() || !path.exists(), "cannot draw {}, which is no file", path.display());
    let mut folders = path.ancestors().skip(1).map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let folder = folders.find(|folder| folder.exists()).unwrap_or(Path::new("."));
    tempfile::tempfile_in(folder).map(drop).with_context(|| format!("cannot draw {}", path.display()))
}
