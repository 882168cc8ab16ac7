//! Files that are whole at every moment.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Replaces a file by one with these bytes, and keeps the one before under another name if `keep` gives one. A crash leaves
/// the file as it was or as it should be; both are on the disk when this returns.
pub(crate) fn replace(path: &Path, bytes: &[u8], keep: Option<&Path>) -> Result<(), Error> {
    [Some(path), keep].into_iter().flatten().try_for_each(check_replaceable)?;
    let partial = beside(path, "partial");
    let written = write(&partial, bytes).and_then(|()| rename(&partial, path, keep));
    written.map_err(|error| {
        // What remains of it is of no use, and the error says more than one of removing it.
        let _ = fs::remove_file(&partial);
        Error::File { path: path.to_owned(), message: format!("cannot be written: {error}") }
    })
}

/// Fails where something else than a file is there, which would be moved away, or be gone: a folder or a device.
fn check_replaceable(path: &Path) -> Result<(), Error> {
    let got = match fs::metadata(path) {
        Ok(found) if found.is_dir() => "a folder",
        Ok(found) if !found.is_file() => "neither a file nor a folder",
        _ => return Ok(()),
    };
    Err(Error::File { path: path.to_owned(), message: format!("cannot be written: wanted a file to replace, got {got}") })
}

/// Where the file before a file is kept.
pub(crate) fn previous(path: &Path) -> PathBuf {
    beside(path, "previous")
}

/// A path with another ending behind its own.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(ending);
    name.into()
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn rename(from: &Path, to: &Path, keep: Option<&Path>) -> io::Result<()> {
    if let Some(keep) = keep.filter(|_| to.exists()) {
        if keep.exists() {
            fs::remove_file(keep)?;
        }
        // Where a file cannot have two names, there is a moment at which only the kept one is there.
        fs::hard_link(to, keep).or_else(|_| fs::rename(to, keep))?;
    }
    fs::rename(from, to)?;
    sync_folder(to)
}

/// Has the folder's names written to the disk, where the system lets a folder be opened.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_before_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("training.safetensors");
        let kept = previous(&path);
        assert_eq!(kept.file_name().unwrap(), "training.safetensors.previous");
        for bytes in [b"1", b"2", b"3"] {
            replace(&path, bytes, Some(&kept)).unwrap();
        }
        assert_eq!((fs::read(&path).unwrap(), fs::read(&kept).unwrap()), (b"3".to_vec(), b"2".to_vec()));
        replace(&path, b"4", None).unwrap();
        assert_eq!((fs::read(&path).unwrap(), fs::read(&kept).unwrap()), (b"4".to_vec(), b"2".to_vec()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    /// As on a full disk, nothing is there but what was there.
    #[test]
    fn a_file_that_cannot_be_replaced_stays() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing").join("training");
        let error = replace(&missing, b"1", None).unwrap_err().to_string();
        assert!(error.contains("missing") && error.contains("cannot be written"), "{error}");
        // A folder cannot be replaced by a file.
        let taken = folder.path().join("taken");
        fs::create_dir(&taken).unwrap();
        for keep in [None, Some(&*previous(&taken))] {
            let error = replace(&taken, b"1", keep).unwrap_err().to_string();
            assert!(error.ends_with("taken: cannot be written: wanted a file to replace, got a folder"), "{error}");
        }
        assert!(taken.is_dir());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
